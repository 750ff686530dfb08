"""Implicit Q-learning (arXiv:2110.06169): no value of an action outside the data is ever needed."""

from typing import Any

import torch

from Agents.DrQV2 import DrQV2
from Agents.Losses.Offline import expectile_loss
from Datasets.Experience import Experience


class IQL(DrQV2):
    """V(s) learns an upper expectile of Q(s, a) over the data's actions; Q learns r + discount * V(s'); the actor
    imitates the data's actions, weighted by exp(beta * advantage). Actor, critics and exploration are DrQ-v2's.

    expectile: 0.5: V is the mean of Q over the data's actions; towards 1: its maximum. beta: inverse temperature, per
        unit of reward; 0 is behavior cloning. max_weight: bound of the actor's weights.
    """

    def __init__(self, *args: Any, expectile: float, beta: float, max_weight: float, **common: Any) -> None:
        super().__init__(*args, **common)
        self.expectile, self.beta, self.max_weight = expectile, beta, max_weight

    def reinforce(self) -> tuple:
        creator, cast, (critic, actor) = super().reinforce()
        creator.value = self.blocks.critic(creator.encoder.repr_shape, None)
        judge = critic._replace(losses=(self.value_loss, self.critic_loss), trains=(*critic.trains, 'value'))
        return creator, cast, (judge, actor._replace(losses=(self.weighted_imitation_loss,)))

    def value(self, features: torch.Tensor) -> torch.Tensor:
        """V(s) [B]"""
        return self.creator.value(features).float().amin(0)

    @torch.no_grad()
    def next_value(self, batch: Experience) -> torch.Tensor:
        """V(s') [B] (eq. 6)."""
        return self.value(self.creator.encoder(batch.next_obs))

    @torch.no_grad()
    def value_of_data(self, batch: Experience) -> torch.Tensor:
        """min Q'(s, a) [B] of the data's actions."""
        return self.target_creator.critic(batch.obs, batch.action).float().amin(0)

    def value_loss(self, batch: Experience) -> torch.Tensor:
        """Expectile regression (eq. 5)."""
        value = self.creator.value(batch.obs).float()  # [E, B]
        self.logs['value'] = value.detach().mean()
        return expectile_loss(self.value_of_data(batch) - value, self.expectile)

    def weighted_imitation_loss(self, batch: Experience) -> torch.Tensor:
        """Advantage-weighted regression (eq. 7). log pi is minus the squared error: a normal of fixed deviation."""
        features = batch.obs.detach()
        with torch.no_grad():
            advantage = self.value_of_data(batch) - self.value(features)
            weight = (self.beta * advantage).exp().clamp(max=self.max_weight)
        self.logs['advantage'], self.logs['weight'] = advantage.mean(), weight.mean()
        return (weight * self.creator.policy(features).distance(batch.action)).mean()
