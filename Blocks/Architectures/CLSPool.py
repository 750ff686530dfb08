"""Pooling by a class token (CaiT, arXiv:2103.17239, section 3)."""

import torch
from torch import nn

from Blocks.Architectures.Attention import Layer
from Blocks.Architectures.AvgPool import head
from Blocks.FeatureMaps import places, tokens
from Blocks.Initialization import lecun
from Blocks.Shapes import size


class CLSPool(nn.Module):
    """[B, C, *grid] -> [B, C]: a learned token asks itself and all places, `depth` times."""

    def __init__(self, input_shape, output_shape=None, depth=1, heads=4, hidden_dim=None):
        super().__init__()
        channels, count = input_shape[0], size(places(input_shape))
        self.token = nn.Parameter(torch.randn(channels))
        self.positions = nn.Parameter(torch.randn(count, channels))
        self.layers = nn.ModuleList(Layer(channels, heads, hidden_dim, context_dim=channels) for _ in range(depth))
        self.norm, self.head = nn.LayerNorm(channels), head(channels, output_shape)
        self.layers.apply(lecun)

    def forward(self, x):
        x = tokens(x) + self.positions
        token = self.token.expand(len(x), 1, -1)
        for layer in self.layers:
            token = layer(token, torch.cat([token, x], 1))
        return self.head(self.norm(token)[:, 0])
