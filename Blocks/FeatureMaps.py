"""Feature maps [B, C, *grid], and their places as tokens [B, N, C] for what attends, relates or reads in order.

The convention of all architectures: what sees gives a map [D, h, w], so that pools, convolutions and flattening work
behind everything; N tokens without a grid are a map [D, N, 1]; what has gathered gives [D].
"""

import torch
from torch import nn
from torch.nn import functional as F

from Blocks.Initialization import lecun
from Blocks.Shapes import size


def as_map(x):
    """[B, C, H, W] as it is; flat features [B, C] as images of one pixel."""
    return x[..., None, None] if x.dim() == 2 else x


def tokens(x):
    """[B, C, *grid] -> [B, N, C]"""
    return x.flatten(2).mT


def places(input_shape, most=None):
    """(C, *grid) -> grid. Raises ValueError if there is but one place, or more than `most`."""
    grid = tuple(input_shape[1:])
    if max(grid, default=1) == 1:
        raise ValueError('it goes from place to place, and here is one: it wants a feature map, as pool=Null keeps it')
    if most and size(grid) > most:
        raise ValueError(f'it pairs all places, and {size(grid)} are more than {most}: put it behind eyes')
    return grid


def coordinates(grid):
    """Where the places of a grid are: [N, sides], each side from -1 to 1."""
    sides = [torch.linspace(-1, 1, side) if side > 1 else torch.zeros(1) for side in grid]
    return torch.stack(torch.meshgrid(*sides, indexing='ij'), -1).flatten(0, -2)


class Patches(nn.Module):
    """[B, C, H, W] -> [B, D, h, w]: a linear layer over each patch of `size` pixels a side, at the edges with zeros.

    size: by default what makes at most `most` patches a side.
    """

    def __init__(self, input_shape, out_channels, size=None, most=8):
        super().__init__()
        if len(input_shape) != 3:
            raise ValueError('it cuts images (C, H, W) into patches')
        self.size = size or -(-max(input_shape[1:]) // most)
        self.embed = nn.Conv2d(input_shape[0], out_channels, self.size, self.size).apply(lecun)

    def forward(self, x):
        height, width = x.shape[2:]
        return self.embed(F.pad(x, (0, -width % self.size, 0, -height % self.size)))


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of each place of a map [B, C, H, W]."""

    def forward(self, x):
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)
