"""Running moments: observations and rewards on a scale that is learned as they come, and saved with the agent."""

import torch
from torch import nn


class Moments(nn.Module):
    """Mean and variance [*shape] of all that was counted, merged batch by batch (Chan et al. 1979)."""

    def __init__(self, shape):
        super().__init__()
        self.register_buffer('mean', torch.zeros(shape))
        self.register_buffer('var', torch.ones(shape))
        self.register_buffer('count', torch.zeros(()))

    @torch.no_grad()
    def update(self, x):
        """x [B, *shape]"""
        mean, var, count = x.mean(0), x.var(0, correction=0), self.count + len(x)
        apart = mean - self.mean
        merged = self.var * self.count + var * len(x) + apart**2 * self.count * len(x) / count
        self.mean += apart * len(x) / count
        self.var.copy_(merged / count)
        self.count.copy_(count)


class Normalized(nn.Module):
    """States [B, D] -> the same with mean 0 and deviation 1, cut at +-10, as far as `update` has seen them."""

    def __init__(self, input_shape, output_shape=None):
        super().__init__()
        self.moments = Moments(tuple(input_shape))

    def update(self, x):
        self.moments.update(x)

    def forward(self, x):
        return ((x - self.moments.mean) / (self.moments.var + 1e-8).sqrt()).clamp(-10, 10)


class RewardScale(nn.Module):
    """Rewards over the deviation of the discounted return, cut at +-10 (arXiv:2005.12729, section 3)."""

    def __init__(self, num_envs):
        super().__init__()
        self.moments = Moments(())
        self.register_buffer('carried', torch.zeros(num_envs))  # the discounted return so far, of each environment

    @torch.no_grad()
    def forward(self, reward, discount, last):
        """All [N, T] -> rewards [N, T]; counts them, so each rollout passes once."""
        returns = torch.empty_like(reward)
        for t in range(reward.shape[1]):
            returns[:, t] = self.carried + reward[:, t]
            self.carried.copy_(returns[:, t] * discount[:, t] * ~last[:, t])
        self.moments.update(returns.flatten())
        return (reward / (self.moments.var + 1e-8).sqrt()).clamp(-10, 10)
