"""The encoder of a transformer (arXiv:1706.03762), with norms first (arXiv:2002.04745)."""

import torch
from torch import nn

from Blocks.Architectures.Attention import MOST, Layer
from Blocks.Architectures.AvgPool import AvgPool
from Blocks.FeatureMaps import places, tokens
from Blocks.Initialization import lecun
from Blocks.Shapes import size


class Transformer(nn.Module):
    """[B, C, *grid] -> [B, D, *grid]: `depth` layers over the places, whose positions are learned.

    out_channels: D, by default C. hidden_dim: of each layer's MLP, by default 4 * D. pool: null keeps the map; 'mean'
    of all places and 'token', a learned class token (BERT, arXiv:1810.04805), give [B, D]. As a head it ends in one of
    both, the mean by default, and a linear layer.
    """

    def __init__(self, input_shape, output_shape=None, out_channels=None, depth=4, heads=4, hidden_dim=None, pool=None,
                 dropout=0.0):  # fmt: skip
        super().__init__()
        if pool not in (None, 'mean', 'token'):
            raise ValueError(f"pool is null, mean or token, not '{pool}'")
        channels, self.grid = input_shape[0], places(input_shape, MOST)
        dim = out_channels or channels
        self.project = nn.Identity() if dim == channels else nn.Linear(channels, dim)
        self.positions = nn.Parameter(torch.randn(size(self.grid), dim))  # as large as what is seen there
        self.token = nn.Parameter(torch.randn(dim)) if pool == 'token' else None
        layers = (Layer(dim, heads, hidden_dim, dropout=dropout) for _ in range(depth))
        self.layers = nn.Sequential(*layers, nn.LayerNorm(dim))
        gathers = pool == 'mean' or output_shape is not None
        self.head = AvgPool((dim,), output_shape) if gathers else nn.Identity()
        self.project.apply(lecun)
        self.layers.apply(lecun)

    def forward(self, x):
        x = self.project(tokens(x)) + self.positions  # [B, C, *grid] -> [B, N, D]
        if self.token is None:
            return self.head(self.layers(x).mT.unflatten(2, self.grid))  # [B, D, *grid]
        x = torch.cat([self.token.expand(len(x), 1, -1), x], 1)
        return self.head(self.layers(x)[:, 0])
