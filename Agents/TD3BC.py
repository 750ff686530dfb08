"""TD3+BC, a minimalist approach to offline reinforcement learning (arXiv:2106.06860)."""

from typing import Any

import torch

from Agents import Casts
from Agents.TD3 import TD3
from Datasets.Experience import Experience


class TD3BC(TD3):
    """TD3 whose actor also imitates the data's actions.

    alpha: weight of the value, which is divided by its own mean size. normalize_obs: normalize states by the running
        mean and deviation of the data (section 5).
    """

    def __init__(self, *args: Any, alpha: float, normalize_obs: bool, **common: Any) -> None:
        super().__init__(*args, **common)
        self.alpha = alpha
        self.blocks.normalize = normalize_obs

    def reinforce(self) -> tuple:
        creator, _, (critic, actor) = super().reinforce()
        return creator, Casts.observe_counted, (critic, actor._replace(losses=(self.faithful_actor_loss,)))

    def faithful_actor_loss(self, batch: Experience) -> torch.Tensor:
        """-alpha Q(s, pi(s)) / mean |Q| + (pi(s) - a)^2 (section 5); for discrete actions -log pi(a|s), no square."""
        features = batch.obs.detach()
        policy = self.creator.policy(features, self.noise)
        q = self.expected_value(self.creator.critic, features, policy)
        distance = policy.distance(batch.action).mean()
        self.logs['distance'] = distance.detach()
        return distance - self.alpha * q.mean() / q.detach().abs().mean()
