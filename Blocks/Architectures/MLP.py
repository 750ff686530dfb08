"""Multi-layer perceptrons."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from Blocks.Initialization import orthogonal
from Blocks.Shapes import Flat
from Support.Classes import resolve

if TYPE_CHECKING:
    Layer = nn.Module
else:  # a mixin
    Layer = object


class Exact(Layer):
    """A mixin of layers that compute in fp32 under autocast too.

    The values of two actions may differ by less than bf16 resolves (1 part in 256).
    """

    def forward(self, x: Tensor) -> Tensor:
        x = x.float()
        if not torch.is_autocast_enabled(x.device.type):  # the context manager takes as long as a small layer
            return super().forward(x)
        with torch.autocast(x.device.type, enabled=False):
            return super().forward(x)


class Readout(Exact, nn.Linear):
    """The last layer of a head: linear, in fp32, with orthogonal weights of gain 1."""

    def reset_parameters(self) -> None:
        nn.init.orthogonal_(self.weight)
        nn.init.zeros_(self.bias)


class MLP(nn.Module):
    """[B, *input_shape] -> [B, *output_shape], or [B, hidden_dim] without an `output_shape`.

    Args:
        hidden_dim, depth: units of a hidden layer, and how many hidden layers.
        activation: of the hidden units, a class of torch.nn by name: ReLU, Tanh, GELU, SiLU. Raises UserError for an
            unknown one.
    """

    Hidden: type[nn.Module] = nn.Linear
    Last: type[nn.Module] = Readout

    def __init__(
        self,
        input_shape: Sequence[int],
        output_shape: Sequence[int] | None = None,
        hidden_dim: int = 512,
        depth: int = 1,
        activation: str = 'ReLU',
    ) -> None:
        super().__init__()
        self.output_shape = (hidden_dim,) if output_shape is None else tuple(output_shape)
        activate = resolve(f'torch.nn.modules.activation.{activation}')
        layers, width = [], math.prod(input_shape)
        for _ in range(depth):
            layers += [self.Hidden(width, hidden_dim), activate()]
            width = hidden_dim
        if output_shape is not None:
            layers += [self.Last(width, math.prod(output_shape))]
        self.layers = nn.Sequential(Flat(), *layers).apply(partial(orthogonal, gain=gain(activate())))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x).unflatten(1, self.output_shape)


@torch.no_grad()
def gain(activation: nn.Module) -> float:
    """Returns the gain of weights before an activation f that keeps the scale of signals from layer to layer.

    1 / sqrt(E f(x)^2) for a standard normal x (arXiv:1502.01852, eq. 10); sqrt(2) for ReLU.
    """
    x = torch.linspace(-10, 10, 2001, dtype=torch.double)
    density = (-(x**2) / 2).exp()
    return float((density.sum() / (density * activation.double()(x) ** 2).sum()).sqrt())


class Trunk(nn.Module):
    """[B, *input_shape] -> [B, trunk_dim] in (-1, 1): a bounded bottleneck before a head (DrQ-v2, arXiv:2107.09645)."""

    def __init__(
        self, input_shape: Sequence[int], output_shape: Sequence[int] | None = None, trunk_dim: int = 50
    ) -> None:
        super().__init__()
        width = trunk_dim if output_shape is None else math.prod(output_shape)
        self.layers = nn.Sequential(Flat(), nn.Linear(math.prod(input_shape), width), nn.LayerNorm(width), nn.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)
