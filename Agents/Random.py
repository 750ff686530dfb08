"""Uniformly random actions: the baseline below every agent."""

from typing import Any

import numpy as np
import torch

from Agents import Casts
from Agents.Agent import Agent, uniform_actions
from Blocks.Creator import Creator, epsilon_greedy


class Random(Agent):
    """Acts at random, in evaluation too, and learns nothing."""

    def _build(self) -> None:
        super()._build()
        self.phases = ()

    def reinforce(self) -> tuple:
        encoder, spec = self.blocks.encoder(), self.spec
        critic = self.blocks.critic(encoder.repr_shape, spec.action_shape, spec.num_actions)
        return Creator(encoder, None, critic, epsilon_greedy), Casts.observe, ()

    def act(self, obs: np.ndarray, explore: bool = True, first: Any = None) -> np.ndarray:
        """Observations [N, ...] -> uniform actions [N] if discrete, else [N, A]: in [-1, 1], and one-hots."""
        shape = self.spec.action_shape
        like = torch.zeros(len(obs), *shape, dtype=torch.float if shape else torch.long)
        return uniform_actions(like, self.spec).numpy()
