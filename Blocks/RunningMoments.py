"""Running mean and variance of observations and rewards, for normalization; saved with the agent."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Moments(nn.Module):
    """The mean and variance [*shape] of all samples so far, merged batch by batch (Chan et al. 1979)."""

    mean: Tensor
    var: Tensor
    count: Tensor

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__()
        self.register_buffer('mean', torch.zeros(shape))
        self.register_buffer('var', torch.ones(shape))
        self.register_buffer('count', torch.zeros(()))

    @torch.no_grad()
    def update(self, x: Tensor) -> None:
        """Adds a batch x [B, *shape]."""
        mean, var, count = x.mean(0), x.var(0, correction=0), self.count + len(x)
        delta = mean - self.mean
        merged = self.var * self.count + var * len(x) + delta**2 * self.count * len(x) / count
        self.mean += delta * len(x) / count
        self.var.copy_(merged / count)
        self.count.copy_(count)


class Normalized(nn.Module):
    """States [B, D] -> [B, D] of mean 0 and deviation 1 by the moments so far, clipped at +-10."""

    def __init__(self, input_shape: Sequence[int], output_shape: Sequence[int] | None = None) -> None:
        super().__init__()
        self.moments = Moments(tuple(input_shape))

    def update(self, x: Tensor) -> None:
        """Adds states x [B, D] to the moments."""
        self.moments.update(x)

    def forward(self, x: Tensor) -> Tensor:
        return ((x - self.moments.mean) / (self.moments.var + 1e-8).sqrt()).clamp(-10, 10)


class RewardScale(nn.Module):
    """Divides rewards by the deviation of discounted returns, clips them at +-10 (arXiv:2005.12729, section 3)."""

    carried: Tensor

    def __init__(self, num_envs: int) -> None:
        super().__init__()
        self.moments = Moments(())
        self.register_buffer('carried', torch.zeros(num_envs))  # each environment's discounted return so far

    @torch.no_grad()
    def forward(self, reward: Tensor, discount: Tensor, last: Tensor) -> Tensor:
        """All [N, T] -> scaled rewards [N, T]. Adds the returns to the moments, so call it once per rollout."""
        returns = torch.empty_like(reward)
        for t in range(reward.shape[1]):
            returns[:, t] = self.carried + reward[:, t]
            self.carried.copy_(returns[:, t] * discount[:, t] * ~last[:, t])
        self.moments.update(returns.flatten())
        return (reward / (self.moments.var + 1e-8).sqrt()).clamp(-10, 10)
