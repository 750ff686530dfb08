"""Relation networks (arXiv:1706.01427)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from Blocks.Architectures.AvgPool import optional_head
from Blocks.FeatureMaps import coordinates, token_grid, tokens
from Blocks.Initialization import orthogonal


class Relation(nn.Module):
    """[B, C, *grid] -> [B, hidden_dim]: f(mean of g(pair)) over pairs of positions with coordinates (equation 1).

    The mean replaces the paper's sum, so that the scale does not depend on the number of positions.

    Args:
        hidden_dim: units of each layer of g and f.
        depth: layers of g; f has two.

    Raises ValueError for more than 256 positions.
    """

    where: Tensor

    def __init__(
        self,
        input_shape: Sequence[int],
        output_shape: Sequence[int] | None = None,
        hidden_dim: int = 256,
        depth: int = 4,
    ) -> None:
        super().__init__()
        grid = token_grid(input_shape, max_tokens=256)  # the backward pass keeps a vector of each pair
        self.register_buffer('where', coordinates(grid), persistent=False)  # [N, S]
        width = input_shape[0] + len(grid)
        self.one, self.other = nn.Linear(width, hidden_dim), nn.Linear(width, hidden_dim, bias=False)  # g's first layer
        self.g = nn.Sequential(nn.ReLU(), *dense(hidden_dim, depth - 1))
        self.f = nn.Sequential(*dense(hidden_dim, 2))
        self.apply(orthogonal)
        self.head = optional_head(hidden_dim, output_shape)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat([tokens(x), self.where.expand(len(x), -1, -1)], 2)  # [B, N, C + S]
        pairs = self.one(x).unsqueeze(2) + self.other(x).unsqueeze(1)  # [B, N, N, D]
        return self.head(self.f(self.g(pairs).mean((1, 2))))


def dense(width: int, depth: int) -> list[nn.Module]:
    """Returns `depth` linear layers, each with a rectifier."""
    return [layer for _ in range(depth) for layer in (nn.Linear(width, width), nn.ReLU())]
