"""Residual generator and discriminator (SNGAN, arXiv:1802.05957, appendix B.4), for images of any size."""

from itertools import pairwise

from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from Blocks.Architectures.DCGAN import sizes
from Blocks.Architectures.MLP import Readout
from Blocks.Shapes import size


class Up(nn.Module):
    """[B, C, h, w] -> [B, D, *grid]: a residual block at the size of `grid`."""

    def __init__(self, channels, width, grid):
        super().__init__()
        self.grow, self.shortcut = nn.Upsample(grid), nn.Conv2d(channels, width, 1)
        first = nn.BatchNorm2d(channels), nn.ReLU(), self.grow, nn.Conv2d(channels, width, 3, padding=1)
        self.layers = nn.Sequential(*first, nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1))

    def forward(self, x):
        return self.shortcut(self.grow(x)) + self.layers(x)


class Down(nn.Module):
    """[B, C, H, W] -> [B, D, H / 2, W / 2], or of the same size: a residual block. No rectifier before an image."""

    def __init__(self, channels, width, halves=True, image=False):
        super().__init__()
        self.layers = nn.Sequential(
            *([] if image else [nn.ReLU()]),
            *(nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1)),
        )
        self.shortcut = nn.Identity() if channels == width and not halves else nn.Conv2d(channels, width, 1)
        self.shrink = nn.AvgPool2d(2, ceil_mode=True) if halves else nn.Identity()

    def forward(self, x):
        return self.shrink(self.shortcut(x) + self.layers(x))


def widths(channels, count):
    """Of `count` maps from the finest inwards: they double, up to eight times the first."""
    return [channels * 2 ** min(i, 3) for i in range(count)]


class ResidualGenerator(nn.Module):
    """Latent [B, Z] -> image [B, C, H, W] in (-1, 1). `channels` of the finest map; they double inwards."""

    def __init__(self, input_shape, output_shape, channels=32):
        super().__init__()
        grids = sizes(*output_shape[1:])
        depths = widths(channels, len(grids))[::-1]
        project = nn.Linear(size(input_shape), depths[0] * size(grids[0]))
        blocks = (Up(*pair, grid) for pair, grid in zip(pairwise(depths), grids[1:], strict=True))
        last = nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, output_shape[0], 3, padding=1), nn.Tanh()
        self.layers = nn.Sequential(nn.Flatten(), project, nn.Unflatten(1, (depths[0], *grids[0])), *blocks, *last)
        self.apply(glorot)

    def forward(self, latent):
        return self.layers(latent)


class ResidualDiscriminator(nn.Module):
    """Image [B, C, H, W] -> score [B, *output_shape], unbounded. `channels` of the finest map; they double inwards.

    spectral: each layer's largest singular value is 1, which bounds how steep the scores are; with a gradient penalty
    rather not.
    """

    def __init__(self, input_shape, output_shape=(1,), channels=32, spectral=True):
        super().__init__()
        depths = widths(channels, len(sizes(*input_shape[1:])))[1:]
        blocks = [Down(input_shape[0], depths[0], image=True), *(Down(*pair) for pair in pairwise(depths))]
        self.layers = nn.Sequential(*blocks, Down(depths[-1], depths[-1], halves=False), nn.ReLU())
        self.score, self.output_shape = Readout(depths[-1], size(output_shape)), tuple(output_shape)
        self.apply(glorot)
        if spectral:
            self.apply(bounded)

    def forward(self, image):
        features = self.layers(image).sum((2, 3))  # [B, D, h, w] -> [B, D]
        return self.score(features).unflatten(1, self.output_shape)


def glorot(module):
    """For `apply`: uniform weights of deviation (2 / (inputs + outputs))**0.5, as the paper's own code has them."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)


def bounded(module):
    if isinstance(module, nn.Conv2d | nn.Linear):
        spectral_norm(module)
