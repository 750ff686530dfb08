"""DrQ-v2 (arXiv:2107.09645): deterministic actor, two critics, n-step returns, noise on a schedule, shifted images."""

from functools import partial
from typing import Any

import torch

from Agents import Casts
from Agents.Agent import Agent
from Agents.Phase import Phase
from Blocks.Creator import Creator, Heads, clamped_gaussian, epsilon_categorical
from Datasets.Experience import Experience


class DrQV2(Agent):
    """Critics learn r + discount * min Q'(s', pi(s')); the actor climbs the least of them.

    Discrete actions: the actor gives their probabilities, and expectations over them are exact. The schedule that is
    the deviation of continuous actions is then the probability of a random one. Where an action is of both, its choices
    are drawn instead, with a straight-through gradient.

    noise_clip: bound of the noise in targets and gradients (not in acting).
    """

    def __init__(self, *args: Any, noise_clip: float, **common: Any) -> None:
        super().__init__(*args, **common)
        self.noise_clip = noise_clip

    def reinforce(self) -> tuple:
        encoder, spec = self.blocks.encoder(), self.spec
        critic = self.blocks.critic(encoder.repr_shape, spec.action_shape, spec.num_actions)
        decide = Heads(spec, epsilon_categorical, partial(clamped_gaussian, clip=self.noise_clip))
        actor = self.blocks.actor(encoder.repr_shape, decide.outputs)
        phases = Phase((self.critic_loss,), ('encoder', 'critic')), Phase((self.actor_loss,), ('actor',))
        return Creator(encoder, actor, critic, decide), Casts.observe, phases

    @torch.no_grad()
    def next_value(self, batch: Experience) -> torch.Tensor:
        """min Q'(s', pi(s')) [B]. Actor and encoder are the online ones: only critics have targets (section 3.1)."""
        features = self.creator.encoder(batch.next_obs)
        return self.expected_value(self.target_creator.critic, features, self.creator.policy(features, self.noise))
