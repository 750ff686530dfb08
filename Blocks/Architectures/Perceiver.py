"""The Perceiver (arXiv:2103.03206): a few latents ask an input of any size, at a cost linear in its places."""

import math

import torch
from torch import nn

from Blocks.Architectures.Attention import Layer
from Blocks.Architectures.AvgPool import head
from Blocks.FeatureMaps import coordinates, places, tokens
from Blocks.Initialization import lecun


class Perceiver(nn.Module):
    """[B, C, *grid] -> [B, out_channels, latents, 1]: `depth` times the latents ask the input, and then each other.

    bands: frequencies of the positions, from one to half the places of a side (section 3.2). hidden_dim: of each
    layer's MLP, by default 4 * out_channels.
    """

    def __init__(self, input_shape, output_shape=None, latents=32, out_channels=128, depth=2, heads=4, hidden_dim=None,
                 bands=8):  # fmt: skip
        super().__init__()
        self.register_buffer('positions', fourier(places(input_shape), bands), persistent=False)  # [N, P]
        self.latents = nn.Parameter(0.02 * torch.randn(latents, out_channels))
        width = input_shape[0] + self.positions.shape[1]
        self.cross = nn.ModuleList(Layer(out_channels, 1, hidden_dim, width) for _ in range(depth))
        self.selves = nn.ModuleList(Layer(out_channels, heads, hidden_dim) for _ in range(depth))
        self.norm, self.head = nn.LayerNorm(out_channels), head(out_channels, output_shape)
        self.cross.apply(lecun)
        self.selves.apply(lecun)

    def forward(self, x):
        x = torch.cat([tokens(x), self.positions.expand(len(x), -1, -1)], 2)  # [B, N, C + P]
        latents = self.latents.expand(len(x), -1, -1)
        for ask, talk in zip(self.cross, self.selves, strict=True):
            latents = talk(ask(latents, x))
        return self.head(self.norm(latents).mT.unsqueeze(3))  # [B, L, D] -> [B, D, L, 1]


def fourier(grid, bands):
    """Where the places of a grid are, and sine and cosine of it by `bands` frequencies: [N, P]."""
    where, bands = coordinates(grid), torch.stack([torch.linspace(1, max(side / 2, 1), bands) for side in grid])
    waves = math.pi * where.unsqueeze(2) * bands  # [N, S, bands]
    return torch.cat([where, waves.sin().flatten(1), waves.cos().flatten(1)], 1)
