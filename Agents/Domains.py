"""What every agent shares of the two domains that are no control: prediction and creation of images."""

from typing import NamedTuple

import torch
from torch.nn import functional as F

from Agents import Casts
from Agents.Losses.Adversarial import GAMES, one_centered, zero_centered
from Agents.Losses.Supervised import known, mixed, negative_log_likelihood
from Agents.Phase import Phase
from Blocks.Architectures import Null
from Blocks.Augmentations import DiffAugment
from Blocks.Creator import Creator, paint, predict
from Support.Errors import UserError, hint


class Classifies:
    """The actor predicts. Labels teach it, or a critic that learned how wrong it is, or both."""

    def classify(self):
        """-> Creator, cast, phases."""
        encoder = self.build_encoder()
        classes = (self.spec.num_actions,)
        creator = Creator(encoder, self.build_actor(encoder.repr_shape, classes), None, predict)
        if not self.RL:
            return creator, Casts.observe, (Phase(('supervised_loss',), ('encoder', 'actor')),)
        creator.critic = self.build_critic(encoder.repr_shape, classes)
        climb = Phase(('actor_loss',), ('actor',))
        if not self.supervise:
            return creator, Casts.classify, (Phase(('critic_loss',), ('encoder', 'critic')), climb)
        judge = Phase(('critic_loss', 'supervised_loss'), ('encoder', 'critic', 'actor'))
        return creator, Casts.classify, (judge, climb)

    def supervised_loss(self, batch):
        """The actor learns its label, where there is one."""
        policy, weight = self.creator.policy(batch.obs), known(batch.label)
        label = batch.label.argmax(-1) if mixed(batch.label) else batch.label
        self.logs['accuracy'] = ((policy.mode().argmax(-1) == label) * weight).mean()
        return (negative_log_likelihood(policy, batch.label, self.label_smoothing) * weight).mean()


class Gan(NamedTuple):
    """How a critic judges images, and learns to."""

    loss: str = 'least_squares'  # one of Agents.Losses.Adversarial.GAMES
    conditional: bool = False  # the label is part of what is observed
    critic_steps: int = 1  # updates of the critic for one of the actor
    proposals: int = 4  # images painted for each that is wanted; the critic chooses
    augment: tuple | None = None  # parts of Blocks.Augmentations.DiffAugment, for all images that the critic sees
    r1: float = 0.0  # weight of the zero-centred penalty at the data's images
    r2: float = 0.0  # and at the agent's own
    slope: float = 0.0  # weight of the one-centred penalty between them; 10 for loss=wasserstein


class Generates:
    """The actor paints from noise; the critic tells its images from the data's."""

    def generate(self):
        """-> Creator, cast, phases. Images are augmented for the critic alone, if at all."""
        gan, self.aug, shape = self.gan, Null(), self.obs_shape
        if gan.loss not in GAMES:
            near = hint(gan.loss, GAMES)
            raise UserError(f"agent.gan.loss is one of {', '.join(GAMES)}, not '{gan.loss}'.{near}")
        if gan.conditional and self.spec.label_kind != 'class':
            raise UserError('conditional=true needs labels: task=classify/mnist, or leave it out')
        self.game, self.labels = GAMES[gan.loss], self.spec.num_actions if gan.conditional else 0
        self.disturb = DiffAugment(shape, gan.augment) if gan.augment else Null()
        obs_shape = (self.latent_shape[0] + self.labels,)
        critic = self.build_critic(obs_shape, shape, condition=self.labels)
        creator = Creator(Null(), self.build_actor(obs_shape, shape), critic, paint)
        judge = Phase(('judgement_loss',), ('critic',))
        return creator, Casts.generate, (judge, Phase(('creation_loss',), ('actor',), gan.critic_steps))

    def imagine(self, count, label=None):
        """What is to be painted: noise [B, Z], and behind it which class, as one-hot [B, Z + K], if conditional."""
        latent = torch.randn(count, *self.latent_shape, device=self.device)
        if not self.labels:
            return latent
        return torch.cat([latent, F.one_hot(label, self.labels).to(latent)], 1)

    @torch.no_grad()
    def create(self, count):
        """Images painted from noise -> uint8 [count, C, H, W]; if conditional, of the classes 0, 1, ... in turn.

        Each is what the critic thinks the best of several proposals, as an action of a discrete creator is (compare
        discriminator rejection sampling, arXiv:1810.06758)."""
        images, number = [], self.gan.proposals
        for label in (torch.arange(count, device=self.device) % max(self.labels, 1)).split(1000 // number):
            obs = self.imagine(number * len(label), label.repeat_interleave(number))
            proposed, scores = self.paint(obs)
            best = scores.view(-1, number).argmax(1)
            images.append(proposed.unflatten(0, (-1, number))[torch.arange(len(label)), best])
        return torch.cat(images)

    @torch.no_grad()
    def paint(self, obs):
        """What is observed [B, Z] -> uint8 images [B, C, H, W] and what the least of the critics gives them [B]."""
        creator = (self.average or self.creator).eval()
        with self.autocast():
            image = creator.policy(obs).mode()
            scores = creator.critic(obs, image).float().amin(0)
        return ((image + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).cpu(), scores.cpu()

    def morph(self, rows, columns=10):
        """From one noise to another in each row, along the sphere on which noise lies (arXiv:1609.04468) -> uint8
        [rows * columns, C, H, W]; if conditional, of one class a row."""
        ends = torch.randn(2, rows, 1, *self.latent_shape, device=self.device)
        share = torch.linspace(0, 1, columns, device=self.device).view(1, -1, 1)
        angle = torch.acos(F.cosine_similarity(*ends, -1)).unsqueeze(-1)  # [rows, 1, 1]
        latent = (((1 - share) * angle).sin() * ends[0] + (share * angle).sin() * ends[1]) / angle.sin()
        label = torch.arange(rows, device=self.device) % max(self.labels, 1)
        obs = self.imagine(rows * columns, label.repeat_interleave(columns))
        obs[:, : self.latent_shape[0]] = latent.flatten(0, 1)
        return self.paint(obs)[0]

    def judge(self, obs, images):
        """Scores [E, B]."""
        return self.creator.critic(obs, self.disturb(images)).float()

    def judgement_loss(self, batch):
        """The critic learns what images are worth: the first half the data's, the second the agent's own."""
        gan, half = self.gan, len(batch.obs) // 2
        real, created = self.judge(batch.obs, batch.action).split(half, 1)
        self.logs['real'], self.logs['created'] = real.detach().mean(), created.detach().mean()
        loss = self.game.critic(real, created)
        (obs, own_obs), (image, own) = batch.obs.split(half), batch.action.split(half)
        if gan.r1:
            loss = loss + gan.r1 / 2 * zero_centered(lambda x: self.judge(obs, x), image).mean()
        if gan.r2:
            loss = loss + gan.r2 / 2 * zero_centered(lambda x: self.judge(own_obs, x), own).mean()
        if gan.slope:
            loss = loss + gan.slope * one_centered(lambda x: self.judge(obs, x), image, own).mean()
        return loss

    def creation_loss(self, batch):
        """The actor climbs its critic."""
        obs, image = (field[: len(field) // 2] for field in (batch.obs, batch.action))
        created = self.judge(obs, self.creator.policy(obs).rsample())
        real = self.judge(obs, image) if self.game.pairs else None
        return self.game.actor(real, created)
