"""DrQ-v2 (arXiv:2107.09645): deterministic actor, two critics, n-step returns, noise on a schedule, shifted images."""

from functools import partial

import torch

from Agents import Casts
from Agents.Agent import Agent, Phase
from Blocks.Creator import Creator, Heads, pick, steer


class DrQV2(Agent):
    """Critics learn r + discount * min Q'(s', pi(s')); the actor climbs their minimum.

    Discrete actions: the actor gives their probabilities, and expectations over them are exact. The schedule that is
    the deviation of continuous actions is then the probability of a random one. Where an action is of both, its choices
    are drawn instead, with a straight-through gradient.

    noise_clip: bound of the noise in targets and gradients (not in acting).
    """

    def __init__(self, *args, num_critics=2, noise_clip=0.3, **common):
        self.noise_clip = noise_clip
        super().__init__(*args, num_critics=num_critics, **common)

    def reinforce(self):
        encoder, spec = self.build_encoder(), self.spec
        critic = self.build_critic(encoder.repr_shape, spec.action_shape, spec.num_actions)
        decide = Heads(spec, pick, partial(steer, clip=self.noise_clip))
        actor = self.build_actor(encoder.repr_shape, decide.outputs)
        phases = Phase(('critic_loss',), ('encoder', 'critic')), Phase(('actor_loss',), ('actor',))
        return Creator(encoder, actor, critic, decide), Casts.observe, phases

    @torch.no_grad()
    def next_value(self, batch):
        """min Q'(s', pi(s')) [B], of the present actor and encoder: only the critics are slow (section 3.1)."""
        features = self.creator.encoder(batch.next_obs)
        return self.worth(self.slow.critic, features, self.creator.policy(features, self.noise))
