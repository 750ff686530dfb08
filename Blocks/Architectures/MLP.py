"""Multi-layer perceptrons."""

from functools import partial

import torch
from torch import nn

from Blocks.Initialization import orthogonal
from Blocks.Shapes import Flat, size
from Support.Classes import resolve


class Exact:
    """A layer in fp32 under autocast too: actions differ in worth by less than bf16 resolves (1 part in 256)."""

    def forward(self, x):
        x = x.float()
        if not torch.is_autocast_enabled(x.device.type):  # to leave it takes as long as a small layer
            return super().forward(x)
        with torch.autocast(x.device.type, enabled=False):
            return super().forward(x)


class Readout(Exact, nn.Linear):
    """A last layer."""

    def reset_parameters(self):
        nn.init.orthogonal_(self.weight)
        nn.init.zeros_(self.bias)


class MLP(nn.Module):
    """[B, *input_shape] -> [B, *output_shape] through `depth` hidden layers of `hidden_dim` units.

    activation: of the hidden units, by its name in torch.nn: ReLU, Tanh, GELU, SiLU. Raises UserError for another.
    """

    Hidden, Last = nn.Linear, Readout

    def __init__(self, input_shape, output_shape=None, hidden_dim=512, depth=1, activation='ReLU'):
        super().__init__()
        self.output_shape = (hidden_dim,) if output_shape is None else tuple(output_shape)
        activate = resolve(f'torch.nn.modules.activation.{activation}')
        layers, width = [], size(input_shape)
        for _ in range(depth):
            layers += [self.Hidden(width, hidden_dim), activate()]
            width = hidden_dim
        if output_shape is not None:
            layers += [self.Last(width, size(output_shape))]
        self.layers = nn.Sequential(Flat(), *layers).apply(partial(orthogonal, gain=gain(activate())))

    def forward(self, x):
        return self.layers(x).unflatten(1, self.output_shape)


@torch.no_grad()
def gain(activation):
    """Of the weights before an activation: 1 / sqrt(E f(x)^2) of a normal x, so that signals keep their size from layer
    to layer (arXiv:1502.01852, eq. 10). ReLU: sqrt(2)."""
    x = torch.linspace(-10, 10, 2001, dtype=torch.double)
    density = (-(x**2) / 2).exp()
    return float((density.sum() / (density * activation.double()(x) ** 2).sum()).sqrt())


class Trunk(nn.Module):
    """[B, *input_shape] -> [B, trunk_dim] in (-1, 1): a bounded bottleneck before a head (DrQ-v2, arXiv:2107.09645)."""

    def __init__(self, input_shape, output_shape=None, trunk_dim=50):
        super().__init__()
        width = trunk_dim if output_shape is None else size(output_shape)
        self.layers = nn.Sequential(Flat(), nn.Linear(size(input_shape), width), nn.LayerNorm(width), nn.Tanh())

    def forward(self, x):
        return self.layers(x)
