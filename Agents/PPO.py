"""Proximal policy optimization (arXiv:1707.06347)."""

from typing import Any

import torch

from Agents.A2C import A2C
from Agents.Losses.PolicyGradient import approximate_kl, clipped_ratio
from Datasets.Experience import Experience


class PPO(A2C):
    """Learns several epochs from a rollout, as far as the ratio of new to old probabilities allows.

    clip: how far a ratio may leave 1. clip_value: how far values may leave the old ones; None: no bound.
    target_kl: the epochs of a rollout end once the policy has moved by this KL divergence; None: never early.
    """

    def __init__(self, *args: Any, clip: float, clip_value: float | None, target_kl: float | None,
                 **common: Any) -> None:  # fmt: skip
        super().__init__(*args, **common)
        self.clip, self.clip_value, self.target_kl = clip, clip_value, target_kl

    def objective(self, log_prob: torch.Tensor, old_log_prob: torch.Tensor, advantage: torch.Tensor) -> torch.Tensor:
        self._kl = self.logs['kl'] = approximate_kl(log_prob.detach(), old_log_prob)
        return clipped_ratio(log_prob, old_log_prob, advantage, self.clip)

    def _finished(self) -> bool:
        return self.target_kl is not None and bool(self._kl > self.target_kl)

    def value_loss(self, batch: Experience) -> torch.Tensor:
        """The larger of the squared errors with and without the clipped value (as in the paper's own code)."""
        if self.clip_value is None:
            return super().value_loss(batch)
        old, value = batch.returns - batch.advantage, self.creator.critic(batch.obs).float()
        clipped = old + (value - old).clamp(-self.clip_value, self.clip_value)
        error = ((value - batch.returns) ** 2).maximum((clipped - batch.returns) ** 2)
        return self.value_coef * error.mean()
