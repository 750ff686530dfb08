"""Uniformly random actions: the floor that every agent must leave behind."""

import torch

from Agents import Casts
from Agents.Agent import Agent
from Blocks.Creator import Creator, choose


class Random(Agent):
    """Acts at random, in evaluation too, and learns nothing."""

    def __init__(self, *args, **common):
        super().__init__(*args, **common)
        self.phases = ()

    def reinforce(self):
        encoder, spec = self.build_encoder(), self.spec
        critic = self.build_critic(encoder.repr_shape, spec.action_shape, spec.num_actions)
        return Creator(encoder, None, critic, choose), Casts.observe, ()

    def act(self, obs, explore=True, first=None):
        """Observations [N, ...] -> uniform actions: [N] of the discrete ones, else [N, A] in [-1, 1] and of choices."""
        shape = self.spec.action_shape
        return self.explore(torch.zeros(len(obs), *shape, dtype=torch.float if shape else torch.long)).numpy()
