"""Deep convolutional generator and discriminator (DCGAN, arXiv:1511.06434), for images of any size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from Blocks.Shapes import shape_of


def map_sizes(height: int, width: int) -> list[tuple[int, int]]:
    """Returns the sizes of the maps from the coarsest, at most 4 a side, to the image: 4, 7, 14, 28 for MNIST."""
    sizes = [(height, width)]
    while max(sizes[0]) > 4 or len(sizes) == 1:
        sizes.insert(0, ((sizes[0][0] + 1) // 2, (sizes[0][1] + 1) // 2))
    return sizes


def normal_weights(module: nn.Module) -> None:
    """Draws linear and convolutional weights from N(0, 0.02), as the paper does; for `apply`."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.normal_(module.weight, 0, 0.02)


class Generator(nn.Module):
    """Latent [B, Z] -> image [B, C, H, W] in (-1, 1).

    Args:
        channels: of the finest hidden map; each coarser one has twice as many.
    """

    def __init__(self, input_shape: Sequence[int], output_shape: Sequence[int], channels: int = 32) -> None:
        super().__init__()
        self.sizes = map_sizes(*output_shape[1:])
        widths = [channels * 2**i for i in reversed(range(len(self.sizes) - 1))]
        self.project = nn.Sequential(
            nn.Flatten(),
            nn.Linear(math.prod(input_shape), widths[0] * math.prod(self.sizes[0]), bias=False),
            nn.Unflatten(1, (widths[0], *self.sizes[0])),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(),
        )
        self.grow = nn.ModuleList(
            nn.Sequential(nn.ConvTranspose2d(width, narrower, 4, 2, 1, bias=False), nn.BatchNorm2d(narrower), nn.ReLU())
            for width, narrower in pairwise(widths)
        )
        self.grow.append(nn.ConvTranspose2d(widths[-1], output_shape[0], 4, 2, 1))
        self.apply(normal_weights)

    def forward(self, latent: Tensor) -> Tensor:
        x = self.project(latent)
        for layer, (height, width) in zip(self.grow, self.sizes[1:], strict=True):
            x = layer(x)[..., :height, :width]  # an odd size is one less than doubled
        return torch.tanh(x)


class Discriminator(nn.Module):
    """Image [B, C, H, W] -> scores [B, *output_shape], unbounded.

    Without the paper's batch normalization: real and generated images share a batch here, and its statistics would leak
    which are which.

    Args:
        channels: of the first layer; each further one has twice as many.
    """

    def __init__(self, input_shape: Sequence[int], output_shape: Sequence[int] = (1,), channels: int = 32) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        depth = input_shape[0]
        for i, (height, breadth) in enumerate(reversed(map_sizes(*input_shape[1:])[1:])):
            width = channels * 2**i
            if height % 2 or breadth % 2:  # so that the sizes are the generator's
                layers += [nn.ZeroPad2d((0, breadth % 2, 0, height % 2))]
            layers += [nn.Conv2d(depth, width, 4, 2, 1), nn.LeakyReLU(0.2)]
            depth = width
        features = math.prod(shape_of(nn.Sequential(*layers), input_shape))
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(features, math.prod(output_shape)))
        self.output_shape = tuple(output_shape)
        self.apply(normal_weights)

    def forward(self, image: Tensor) -> Tensor:
        return self.layers(image).unflatten(1, self.output_shape)


DCGAN = Generator  # under its paper's name
