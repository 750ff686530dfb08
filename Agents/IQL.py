"""Implicit Q-learning (arXiv:2110.06169): nothing is ever asked about an action that was not taken."""

import torch

from Agents.DrQV2 import DrQV2
from Agents.Losses.Offline import expectile_loss


class IQL(DrQV2):
    """V(s) learns an upper expectile of Q(s, a) over what was done; Q learns r + discount * V(s'); the actor imitates
    what was done the more, the better it came out. Actor, critics and exploration are DrQ-v2's.

    expectile: 0.5: what is done on average is worth; towards 1: the best of what was done. beta: inverse temperature,
    per unit of reward: 0 is behaviour cloning. max_weight: bound of the actor's weights.
    """

    def __init__(self, *args, expectile=0.7, beta=3.0, max_weight=100.0, **common):
        self.expectile, self.beta, self.max_weight = expectile, beta, max_weight
        super().__init__(*args, **common)

    def reinforce(self):
        creator, cast, (critic, actor) = super().reinforce()
        creator.value = self.build_critic(creator.encoder.repr_shape, None)
        judge = critic._replace(losses=('value_loss', 'critic_loss'), trains=(*critic.trains, 'value'))
        return creator, cast, (judge, actor._replace(losses=('weighted_imitation_loss',)))

    def value(self, features):
        """V(s) [B]"""
        return self.creator.value(features).float().amin(0)

    @torch.no_grad()
    def next_value(self, batch):
        """V(s') [B] (eq. 6)."""
        return self.value(self.creator.encoder(batch.next_obs))

    @torch.no_grad()
    def worth_done(self, batch):
        """min Q'(s, a) [B] of what was done."""
        return self.slow.critic(batch.obs, batch.action).float().amin(0)

    def value_loss(self, batch):
        """Eq. 5."""
        value = self.creator.value(batch.obs).float()  # [E, B]
        self.logs['value'] = value.detach().mean()
        return expectile_loss(self.worth_done(batch) - value, self.expectile)

    def weighted_imitation_loss(self, batch):
        """Eq. 7, where log pi is minus the squared error: that of a normal whose deviation is not learned."""
        features = batch.obs.detach()
        with torch.no_grad():
            advantage = self.worth_done(batch) - self.value(features)
            weight = (self.beta * advantage).exp().clamp(max=self.max_weight)
        self.logs['advantage'], self.logs['weight'] = advantage.mean(), weight.mean()
        return (weight * self.creator.policy(features).distance(batch.action)).mean()
