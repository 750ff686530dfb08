"""Residual generator and discriminator (SNGAN, arXiv:1802.05957, appendix B.4), for images of any size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from Blocks.Architectures.DCGAN import map_sizes
from Blocks.Architectures.MLP import Readout


class GeneratorBlock(nn.Module):
    """[B, C, h, w] -> [B, D, *grid]: upsamples to `grid` and adds two convolutions."""

    def __init__(self, channels: int, width: int, grid: tuple[int, int]) -> None:
        super().__init__()
        self.grow, self.shortcut = nn.Upsample(grid), nn.Conv2d(channels, width, 1)
        first = nn.BatchNorm2d(channels), nn.ReLU(), self.grow, nn.Conv2d(channels, width, 3, padding=1)
        self.layers = nn.Sequential(*first, nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        return self.shortcut(self.grow(x)) + self.layers(x)


class DiscriminatorBlock(nn.Module):
    """[B, C, H, W] -> [B, D, H / 2, W / 2]: adds two convolutions and downsamples.

    Args:
        halves: whether to downsample.
        image: whether the input is an image, which no rectifier precedes.
    """

    def __init__(self, channels: int, width: int, halves: bool = True, image: bool = False) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *([] if image else [nn.ReLU()]),
            *(nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1)),
        )
        self.shortcut = nn.Identity() if channels == width and not halves else nn.Conv2d(channels, width, 1)
        self.shrink = nn.AvgPool2d(2, ceil_mode=True) if halves else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.shrink(self.shortcut(x) + self.layers(x))


def widths(channels: int, count: int) -> list[int]:
    """Returns the channels of `count` maps from the finest to the coarsest: doubling, up to eight times the first."""
    return [channels * 2 ** min(i, 3) for i in range(count)]


class ResidualGenerator(nn.Module):
    """Latent [B, Z] -> image [B, C, H, W] in (-1, 1).

    Args:
        channels: of the finest map; each coarser one has twice as many, up to eight times.
    """

    def __init__(self, input_shape: Sequence[int], output_shape: Sequence[int], channels: int = 32) -> None:
        super().__init__()
        grids = map_sizes(*output_shape[1:])
        depths = widths(channels, len(grids))[::-1]
        project = nn.Linear(math.prod(input_shape), depths[0] * math.prod(grids[0]))
        blocks = (GeneratorBlock(*pair, grid) for pair, grid in zip(pairwise(depths), grids[1:], strict=True))
        last = nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, output_shape[0], 3, padding=1), nn.Tanh()
        self.layers = nn.Sequential(nn.Flatten(), project, nn.Unflatten(1, (depths[0], *grids[0])), *blocks, *last)
        self.apply(glorot)

    def forward(self, latent: Tensor) -> Tensor:
        return self.layers(latent)


class ResidualDiscriminator(nn.Module):
    """Image [B, C, H, W] -> scores [B, *output_shape], unbounded.

    Args:
        channels: of the finest map; each coarser one has twice as many, up to eight times.
        spectral: spectral normalization: each layer's largest singular value is 1, which bounds the gradient of the
            scores. Turn it off with a gradient penalty.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        output_shape: Sequence[int] = (1,),
        channels: int = 32,
        spectral: bool = True,
    ) -> None:
        super().__init__()
        depths = widths(channels, len(map_sizes(*input_shape[1:])))[1:]
        first = DiscriminatorBlock(input_shape[0], depths[0], image=True)
        blocks = [first, *(DiscriminatorBlock(*pair) for pair in pairwise(depths))]
        self.layers = nn.Sequential(*blocks, DiscriminatorBlock(depths[-1], depths[-1], halves=False), nn.ReLU())
        self.score, self.output_shape = Readout(depths[-1], math.prod(output_shape)), tuple(output_shape)
        self.apply(glorot)
        if spectral:
            self.apply(normalize_spectrum)

    def forward(self, image: Tensor) -> Tensor:
        features = self.layers(image).sum((2, 3))  # [B, D, h, w] -> [B, D]
        return self.score(features).unflatten(1, self.output_shape)


def glorot(module: nn.Module) -> None:
    """Draws uniform weights of deviation (2 / (fan_in + fan_out))**0.5, as the paper's own code does; for `apply`."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def normalize_spectrum(module: nn.Module) -> None:
    """Adds spectral normalization to a layer; for `apply`."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        spectral_norm(module)
