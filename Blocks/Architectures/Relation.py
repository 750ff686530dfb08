"""Relation networks (arXiv:1706.01427)."""

import torch
from torch import nn

from Blocks.Architectures.AvgPool import head
from Blocks.FeatureMaps import coordinates, places, tokens
from Blocks.Initialization import orthogonal


class Relation(nn.Module):
    """[B, C, *grid] -> [B, hidden_dim]: f(mean over pairs of places of g(both, where they are)) (equation 1).

    g and f are MLPs of `depth` and two layers of `hidden_dim` units. The mean in place of the paper's sum keeps the
    scale for any number of places.
    """

    def __init__(self, input_shape, output_shape=None, hidden_dim=256, depth=4):
        super().__init__()
        grid = places(input_shape, most=256)  # of each pair a vector is kept for the gradient
        self.register_buffer('where', coordinates(grid), persistent=False)  # [N, S]
        width = input_shape[0] + len(grid)
        self.one, self.other = nn.Linear(width, hidden_dim), nn.Linear(width, hidden_dim, bias=False)  # g's first layer
        self.g = nn.Sequential(nn.ReLU(), *dense(hidden_dim, depth - 1))
        self.f = nn.Sequential(*dense(hidden_dim, 2))
        self.apply(orthogonal)
        self.head = head(hidden_dim, output_shape)

    def forward(self, x):
        x = torch.cat([tokens(x), self.where.expand(len(x), -1, -1)], 2)  # [B, N, C + S]
        pairs = self.one(x).unsqueeze(2) + self.other(x).unsqueeze(1)  # [B, N, N, D]
        return self.head(self.f(self.g(pairs).mean((1, 2))))


def dense(width, depth):
    return [layer for _ in range(depth) for layer in (nn.Linear(width, width), nn.ReLU())]
