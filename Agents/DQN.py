"""Deep Q-learning (doi:10.1038/nature14236) and, by option, the parts of Rainbow (arXiv:1710.02298)."""

from typing import Any

import numpy as np
import torch

from Agents import Casts
from Agents.Agent import Agent
from Agents.Conservative import Conservative
from Agents.Losses.Distributional import cross_entropy, project
from Agents.Phase import Phase
from Blocks.Actors import Proposals
from Blocks.Architectures.Noisy import NoisyLinear
from Blocks.Creator import Creator, action_values, boltzmann, epsilon_greedy
from Datasets.Experience import Experience


class DQN(Conservative, Agent):
    """A critic learns r + discount * Q'(s', argmax Q(s', .)); the agent takes the action that it scores best.

    Actions that are vectors (continuous, or of several choices): the best of `num_proposals` random ones, in acting and
    in the target alike (as QT-Opt, arXiv:1806.10293, without its refinement).

    epsilon: probability of a random action, a schedule over agent steps. temperature: instead, actions are drawn in
        proportion to exp(Q / temperature), also a schedule.
    double: the online critic chooses the next action, the target critic scores it (arXiv:1509.06461).
    dueling: arXiv:1511.06581. atoms, support: learn the distribution of Q (arXiv:1707.06887).
    huber: errors are clipped at 1, as in the paper.
    conservative: weight of the penalty of `Agents.Conservative`, for offline learning.
    Noisy networks (arXiv:1706.10295) are heads: recipes.critic.q_head=Noisy.
    """

    def __init__(self, *args: Any, epsilon: float | str | None, temperature: float | str | None, double: bool,
                 dueling: bool, atoms: int | None, support: tuple[float, float], num_proposals: int,
                 conservative: float, **common: Any) -> None:  # fmt: skip
        super().__init__(*args, **common)
        self.epsilon, self.temperature = epsilon, temperature
        self.double_q, self.num_proposals, self.conservative = double, num_proposals, conservative
        self._critic_options = {'dueling': dueling, 'atoms': atoms, 'support': support}
        if self.domain.name == 'reinforce':
            self.exploration = epsilon if temperature is None else temperature  # type: ignore[assignment]

    def reinforce(self) -> tuple:
        encoder, spec = self.blocks.encoder(), self.spec
        critic = self.blocks.critic(encoder.repr_shape, spec.action_shape, spec.num_actions, **self._critic_options)
        actor = None if spec.num_actions else Proposals(self.num_proposals, spec.action_shape, spec.one_hots)
        creator = Creator(encoder, actor, critic, epsilon_greedy if self.temperature is None else boltzmann)
        loss = self.distribution_loss if self._critic_options['atoms'] else self.critic_loss
        return creator, Casts.observe, (Phase((loss, *self._penalties), ('encoder', 'critic')),)

    def alternatives(self, features: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        actor = self.creator.actor
        return (None, None) if actor is None else (actor(features), actor.log_density)

    def act(self, obs: np.ndarray, explore: bool = True, first: np.ndarray | None = None) -> np.ndarray:
        for layer in self._noisy:
            layer.explores = explore
        return super().act(obs, explore, first)

    def _build(self) -> None:
        super()._build()
        self._noisy = [layer for layer in self.modules() if isinstance(layer, NoisyLinear)]

    def _follow_up(self, batch: Experience) -> tuple[torch.Tensor, torch.Tensor]:
        """Features of s' by the target network, and the action that is best there."""
        target = self.target_creator
        features = target.encoder(batch.next_obs)
        separate = self.double_q and self.target is not None
        return features, (self.creator(batch.next_obs) if separate else target.policy(features)).mode()

    @torch.no_grad()
    def next_value(self, batch: Experience) -> torch.Tensor:
        """Q'(s', argmax_a Q(s', a)) [B]; unless double, Q = Q' and this is max_a Q'(s', a)."""
        target = self.target_creator
        if self.double_q and self.target is not None:
            return target.critic(*self._follow_up(batch)).float().amin(0)
        return action_values(target, target.encoder(batch.next_obs))[0].amax(1)

    def distribution_loss(self, batch: Experience) -> torch.Tensor:
        """Cross-entropy to the distribution of r + discount * Q'(s', argmax Q) (arXiv:1707.06887, algorithm 1)."""
        critic = self.creator.critic
        with torch.no_grad():
            probs = self.target_creator.critic.scores(*self._follow_up(batch)).float().softmax(-1)  # [E, B, Z]
            moved = batch.reward.unsqueeze(1) + batch.discount.unsqueeze(1) * critic.values  # [B, Z]
            target = project(probs, moved, critic.values)
        logits = critic.scores(batch.obs, batch.action).float()
        self.logs['q'] = (logits.detach().softmax(-1) * critic.values).sum(-1).mean()
        loss, self.td_error = cross_entropy(logits, target, batch.weight)
        self.logs['td_error'] = self.td_error
        return loss
