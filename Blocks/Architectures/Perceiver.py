"""The Perceiver (arXiv:2103.03206): a few latents attend to an input of any size, at linear cost."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from Blocks.Architectures.Attention import TransformerLayer
from Blocks.Architectures.AvgPool import optional_head
from Blocks.FeatureMaps import coordinates, token_grid, tokens
from Blocks.Initialization import lecun


class Perceiver(nn.Module):
    """[B, C, *grid] -> [B, out_channels, latents, 1]: latents attend to the input, then to each other, `depth` times.

    Args:
        latents, out_channels: number of latents, and their width.
        heads: of the latents' self-attention.
        hidden_dim: of each layer's MLP, by default 4 * out_channels.
        bands: number of frequencies in the position encodings, from one to half the positions of a side (section 3.2).
    """

    positions: Tensor

    def __init__(
        self,
        input_shape: Sequence[int],
        output_shape: Sequence[int] | None = None,
        latents: int = 32,
        out_channels: int = 128,
        depth: int = 2,
        heads: int = 4,
        hidden_dim: int | None = None,
        bands: int = 8,
    ) -> None:
        super().__init__()
        self.register_buffer('positions', fourier(token_grid(input_shape), bands), persistent=False)  # [N, P]
        self.latents = nn.Parameter(0.02 * torch.randn(latents, out_channels))
        width = input_shape[0] + self.positions.shape[1]
        self.cross = nn.ModuleList(TransformerLayer(out_channels, 1, hidden_dim, width) for _ in range(depth))
        self.selves = nn.ModuleList(TransformerLayer(out_channels, heads, hidden_dim) for _ in range(depth))
        self.norm, self.head = nn.LayerNorm(out_channels), optional_head(out_channels, output_shape)
        self.cross.apply(lecun)
        self.selves.apply(lecun)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat([tokens(x), self.positions.expand(len(x), -1, -1)], 2)  # [B, N, C + P]
        latents = self.latents.expand(len(x), -1, -1)
        for cross_attention, self_attention in zip(self.cross, self.selves, strict=True):
            latents = self_attention(cross_attention(latents, x))
        return self.head(self.norm(latents).mT.unsqueeze(3))  # [B, L, D] -> [B, D, L, 1]


def fourier(grid: Sequence[int], bands: int) -> Tensor:
    """Returns the coordinates of a grid's positions, and their sines and cosines at `bands` frequencies: [N, P]."""
    where = coordinates(grid)
    frequencies = torch.stack([torch.linspace(1, max(side / 2, 1), bands) for side in grid])
    waves = math.pi * where.unsqueeze(2) * frequencies  # [N, S, bands]
    return torch.cat([where, waves.sin().flatten(1), waves.cos().flatten(1)], 1)
