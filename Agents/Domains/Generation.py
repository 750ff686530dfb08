"""Generation: the actor paints images from noise, the critic tells them from the data's."""

from typing import Any, NamedTuple

import torch
from torch.nn import functional as F

from Agents import Casts
from Agents.Losses.Adversarial import GAMES, one_centered, zero_centered
from Agents.Phase import Phase
from Blocks.Architectures import Null
from Blocks.Augmentations import DiffAugment
from Blocks.Creator import Creator, paint
from Datasets.Experience import Experience
from Support.Errors import UserError, hint


class Gan(NamedTuple):
    """How a critic judges images, and learns to."""

    loss: str = 'least_squares'  # one of Agents.Losses.Adversarial.GAMES
    conditional: bool = False  # the label is part of the observation
    critic_steps: int = 1  # updates of the critic for one of the actor
    proposals: int = 4  # images painted for each that is wanted; the critic chooses
    augment: tuple | None = None  # parts of Blocks.Augmentations.DiffAugment, for all images that the critic sees
    r1: float = 0.0  # weight of the zero-centered penalty at the data's images
    r2: float = 0.0  # the same at the agent's own
    slope: float = 0.0  # weight of the one-centered penalty between them; 10 for loss=wasserstein


class Generation:
    """The critic learns to score the data's images above the agent's own; the actor climbs its score.

    gan: losses and penalties. latent_dim: size of the noise.
    """

    name = 'generate'

    def __init__(self, gan: Gan, latent_dim: int) -> None:
        self.gan, self.latent_dim = gan, latent_dim

    def build(self, agent: Any) -> tuple:
        """Returns creator, cast and phases. Images are augmented for the critic alone, if at all.

        Raises UserError for an unknown loss, or conditional=true without labels."""
        gan, spec, shape = self.gan, agent.spec, agent.blocks.obs_shape
        if gan.loss not in GAMES:
            near = hint(gan.loss, GAMES)
            raise UserError(f"agent.gan.loss is one of {', '.join(GAMES)}, not '{gan.loss}'.{near}")
        if gan.conditional and spec.label_kind != 'class':
            raise UserError('conditional=true needs labels: task=classify/mnist, or leave it out')
        self.agent, agent.aug = agent, Null()
        self.game, self.labels = GAMES[gan.loss], spec.num_actions if gan.conditional else 0
        self.augment = DiffAugment(shape, gan.augment) if gan.augment else Null()
        obs_shape = (self.latent_dim + self.labels,)
        critic = agent.blocks.critic(obs_shape, shape, condition=self.labels)
        creator = Creator(Null(), agent.blocks.actor(obs_shape, shape), critic, paint)
        judge = Phase((self.judgement_loss,), ('critic',))
        return creator, Casts.generate, (judge, Phase((self.creation_loss,), ('actor',), gan.critic_steps))

    def imagine(self, count: int, label: Any = None) -> torch.Tensor:
        """Draws observations: noise [count, Z], or if conditional noise and the one-hot label [count, Z + K]."""
        latent = torch.randn(count, self.latent_dim, device=self.agent.device)
        if not self.labels:
            return latent
        return torch.cat([latent, F.one_hot(label, self.labels).to(latent)], 1)

    @torch.no_grad()
    def create(self, count: int) -> torch.Tensor:
        """Paints images from noise -> uint8 [count, C, H, W]; if conditional, of the classes 0, 1, ... in turn.

        Each is the one of several proposals that the critic scores best, as a discrete creator chooses an action
        (compare discriminator rejection sampling, arXiv:1810.06758)."""
        images, number = [], self.gan.proposals
        classes = torch.arange(count, device=self.agent.device) % max(self.labels, 1)
        for label in classes.split(1000 // number):
            obs = self.imagine(number * len(label), label.repeat_interleave(number))
            proposed, scores = self.paint(obs)
            best = scores.view(-1, number).argmax(1)
            images.append(proposed.unflatten(0, (-1, number))[torch.arange(len(label)), best])
        return torch.cat(images)

    @torch.no_grad()
    def paint(self, obs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Observations [B, Z] -> images uint8 [B, C, H, W] and the least of the critics' scores [B], on the CPU."""
        agent = self.agent
        creator = (agent.average or agent.creator).eval()
        with agent.precision.autocast(agent.device):
            image = creator.policy(obs).mode()
            scores = creator.critic(obs, image).float().amin(0)
        return ((image + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).cpu(), scores.cpu()

    def morph(self, rows: int, columns: int = 10) -> torch.Tensor:
        """Paints from one noise to another in each row, along the sphere on which noise lies (arXiv:1609.04468).

        Returns uint8 [rows * columns, C, H, W]; if conditional, one class a row."""
        device = self.agent.device
        ends = torch.randn(2, rows, 1, self.latent_dim, device=device)
        share = torch.linspace(0, 1, columns, device=device).view(1, -1, 1)
        angle = torch.acos(F.cosine_similarity(ends[0], ends[1], -1)).unsqueeze(-1)  # [rows, 1, 1]
        latent = (((1 - share) * angle).sin() * ends[0] + (share * angle).sin() * ends[1]) / angle.sin()
        label = torch.arange(rows, device=device) % max(self.labels, 1)
        obs = self.imagine(rows * columns, label.repeat_interleave(columns))
        obs[:, : self.latent_dim] = latent.flatten(0, 1)
        return self.paint(obs)[0]

    def judge(self, obs: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
        """Scores [E, B] of images, augmented."""
        return self.agent.creator.critic(obs, self.augment(images)).float()

    def judgement_loss(self, batch: Experience) -> torch.Tensor:
        """The critic's loss. The first half of the batch holds the data's images, the second the agent's own."""
        gan, half, logs = self.gan, len(batch.obs) // 2, self.agent.logs
        real, created = self.judge(batch.obs, batch.action).split(half, 1)
        logs['real'], logs['created'] = real.detach().mean(), created.detach().mean()
        loss = self.game.critic(real, created)
        (obs, own_obs), (image, own) = batch.obs.split(half), batch.action.split(half)
        if gan.r1:
            loss = loss + gan.r1 / 2 * zero_centered(lambda x: self.judge(obs, x), image).mean()
        if gan.r2:
            loss = loss + gan.r2 / 2 * zero_centered(lambda x: self.judge(own_obs, x), own).mean()
        if gan.slope:
            loss = loss + gan.slope * one_centered(lambda x: self.judge(obs, x), image, own).mean()
        return loss

    def creation_loss(self, batch: Experience) -> torch.Tensor:
        """The actor's loss: its images climb the critic's score."""
        obs, image = (field[: len(field) // 2] for field in (batch.obs, batch.action))
        created = self.judge(obs, self.agent.creator.policy(obs).rsample())
        real = self.judge(obs, image) if self.game.pairs else None
        return self.game.actor(real, created)
