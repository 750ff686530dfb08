"""Feature maps [B, C, *grid], and their positions as tokens [B, N, C] for attention, relations and recurrence.

All architectures follow one convention: backbones return a map [D, h, w], so that pools, convolutions and flattening
can follow any of them; N tokens without a grid are a map [D, N, 1]; pools return [D].
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from Blocks.Initialization import lecun


def as_map(x: Tensor) -> Tensor:
    """Returns flat features [B, C] as a map of one pixel [B, C, 1, 1], and maps unchanged."""
    return x[..., None, None] if x.dim() == 2 else x


def tokens(x: Tensor) -> Tensor:
    """Returns the positions of a map as tokens: [B, C, *grid] -> [B, N, C]."""
    return x.flatten(2).mT


def token_grid(input_shape: Sequence[int], max_tokens: int | None = None) -> tuple[int, ...]:
    """Returns the grid of a feature map (C, *grid).

    Raises ValueError if the grid has a single position, or more than `max_tokens`.
    """
    grid = tuple(input_shape[1:])
    if max(grid, default=1) == 1:
        raise ValueError('it needs a feature map of several positions, as pool=Null keeps it, and here is one')
    count = math.prod(grid)
    if max_tokens and count > max_tokens:
        raise ValueError(
            f'it compares all pairs of at most {max_tokens} positions, and here are {count}: put it after Eyes'
        )
    return grid


def coordinates(grid: Sequence[int]) -> Tensor:
    """Returns the coordinates of a grid's positions [N, len(grid)], each in [-1, 1]."""
    sides = [torch.linspace(-1, 1, side) if side > 1 else torch.zeros(1) for side in grid]
    return torch.stack(torch.meshgrid(*sides, indexing='ij'), -1).flatten(0, -2)


class Patches(nn.Module):
    """[B, C, H, W] -> [B, D, h, w]: a linear layer over each patch. Zeros pad the right and lower edges.

    Args:
        size: pixels on a side of a patch; by default the smallest that makes at most `most` patches on a side.
    """

    def __init__(self, input_shape: Sequence[int], out_channels: int, size: int | None = None, most: int = 8) -> None:
        super().__init__()
        if len(input_shape) != 3:
            raise ValueError('it cuts images (C, H, W) into patches')
        self.size = size or -(-max(input_shape[1:]) // most)
        self.embed = nn.Conv2d(input_shape[0], out_channels, self.size, self.size).apply(lecun)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        return self.embed(F.pad(x, (0, -width % self.size, 0, -height % self.size)))


class ChannelNorm(nn.LayerNorm):
    """Layer normalization over the channels at each position of a map [B, C, H, W]."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)
