"""Noisy networks (arXiv:1706.10295): exploration by noise of learned scale on the weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from Blocks.Architectures.MLP import MLP, Exact


class NoisyLinear(nn.Linear):
    """A linear layer with factorized Gaussian noise on its weights (section 3, b), drawn anew in every call.

    The noise is on in training mode and while `explores` is set. Means are initialized as PyTorch initializes linear
    layers, which is the paper's choice (section 3.2).

    Args:
        sigma: initial deviation of the noise, times the root of the number of inputs.
    """

    def __init__(self, inputs: int, outputs: int, sigma: float = 0.5) -> None:
        super().__init__(inputs, outputs)
        self.explores = False
        self.weight_sigma = nn.Parameter(torch.full_like(self.weight, sigma * inputs**-0.5))
        self.bias_sigma = nn.Parameter(torch.full_like(self.bias, sigma * inputs**-0.5))

    def forward(self, x: Tensor) -> Tensor:
        if not (self.training or self.explores):
            return super().forward(x)
        into, out = (self.noise(size) for size in (self.in_features, self.out_features))
        weight = self.weight + self.weight_sigma * out.unsqueeze(1) * into  # eq. 10
        return F.linear(x, weight, self.bias + self.bias_sigma * out)  # eq. 11

    def noise(self, size: int) -> Tensor:
        noise = torch.randn(size, device=self.weight.device)
        return noise.sign() * noise.abs().sqrt()


class NoisyReadout(Exact, NoisyLinear):
    """The last layer of a noisy network, in fp32."""


class Noisy(MLP):
    """An MLP of noisy layers."""

    Hidden, Last = NoisyLinear, NoisyReadout
