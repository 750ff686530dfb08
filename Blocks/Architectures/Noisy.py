"""Noisy networks (arXiv:1706.10295): weights that explore, by as much as they learn to."""

import torch
from torch import nn
from torch.nn import functional as F

from Blocks.Architectures.MLP import MLP, Exact


class NoisyLinear(nn.Linear):
    """A linear layer with factorised Gaussian noise on its weights (section 3, b), new in every call.

    There is noise in training, and where `explores` is set; else it is a linear layer. `sigma`: deviation at the start,
    over the root of the number of inputs. Means begin as PyTorch's own weights, which are the paper's (section 3.2).
    """

    def __init__(self, inputs, outputs, sigma=0.5):
        super().__init__(inputs, outputs)
        self.explores = False
        self.weight_sigma = nn.Parameter(torch.full_like(self.weight, sigma * inputs**-0.5))
        self.bias_sigma = nn.Parameter(torch.full_like(self.bias, sigma * inputs**-0.5))

    def forward(self, x):
        if not (self.training or self.explores):
            return super().forward(x)
        into, out = (self.noise(size) for size in (self.in_features, self.out_features))
        weight = self.weight + self.weight_sigma * out.unsqueeze(1) * into  # eq. 10
        return F.linear(x, weight, self.bias + self.bias_sigma * out)  # eq. 11

    def noise(self, size):
        noise = torch.randn(size, device=self.weight.device)
        return noise.sign() * noise.abs().sqrt()


class NoisyReadout(Exact, NoisyLinear):
    """The last layer."""


class Noisy(MLP):
    """An MLP of noisy layers."""

    Hidden, Last = NoisyLinear, NoisyReadout
