"""Multi-layer perceptrons."""

import torch
from torch import nn

from Blocks.Shapes import size
from Blocks.Weights import orthogonal


class Readout(nn.Linear):
    """A last layer, in fp32 under autocast too: actions differ in worth by less than bf16 resolves (1 part in 256)."""

    def reset_parameters(self):
        nn.init.orthogonal_(self.weight)
        nn.init.zeros_(self.bias)

    def forward(self, x):
        with torch.autocast(x.device.type, enabled=False):
            return super().forward(x.float())


class MLP(nn.Module):
    """[B, *input_shape] -> [B, *output_shape] through `depth` hidden layers of `hidden_dim` rectified units."""

    Hidden, Last = nn.Linear, Readout

    def __init__(self, input_shape, output_shape=None, hidden_dim=512, depth=1):
        super().__init__()
        self.output_shape = (hidden_dim,) if output_shape is None else tuple(output_shape)
        layers, width = [], size(input_shape)
        for _ in range(depth):
            layers += [self.Hidden(width, hidden_dim), nn.ReLU()]
            width = hidden_dim
        if output_shape is not None:
            layers += [self.Last(width, size(output_shape))]
        self.layers = nn.Sequential(nn.Flatten(), *layers).apply(orthogonal)

    def forward(self, x):
        return self.layers(x).unflatten(1, self.output_shape)


class Trunk(nn.Module):
    """[B, *input_shape] -> [B, trunk_dim] in (-1, 1): a bounded bottleneck before a head (DrQ-v2, arXiv:2107.09645)."""

    def __init__(self, input_shape, output_shape=None, trunk_dim=50):
        super().__init__()
        width = trunk_dim if output_shape is None else size(output_shape)
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(size(input_shape), width), nn.LayerNorm(width), nn.Tanh())

    def forward(self, x):
        return self.layers(x)
