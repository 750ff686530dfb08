"""Deep convolutional generator and discriminator (arXiv:1511.06434), for images of any size."""

from itertools import pairwise

import torch
from torch import nn

from Blocks.Shapes import shape_of, size


def sizes(height, width):
    """Sizes of the feature maps from the coarsest, at most 4 a side, to the image: 4, 7, 14, 28 for digits."""
    shapes = [(height, width)]
    while max(shapes[0]) > 4 or len(shapes) == 1:
        shapes.insert(0, tuple((side + 1) // 2 for side in shapes[0]))
    return shapes


def initialize(module):
    """N(0, 0.02) weights, as the paper has them."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.normal_(module.weight, 0, 0.02)


class Generator(nn.Module):
    """Latent [B, Z] -> image [B, C, H, W] in (-1, 1). `channels` of the finest hidden map; they double inwards."""

    def __init__(self, input_shape, output_shape, channels=32):
        super().__init__()
        self.sizes = sizes(*output_shape[1:])
        widths = [channels * 2**i for i in reversed(range(len(self.sizes) - 1))]
        self.project = nn.Sequential(
            nn.Flatten(),
            nn.Linear(size(input_shape), widths[0] * size(self.sizes[0]), bias=False),
            nn.Unflatten(1, (widths[0], *self.sizes[0])),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(),
        )
        self.grow = nn.ModuleList(
            nn.Sequential(nn.ConvTranspose2d(width, narrower, 4, 2, 1, bias=False), nn.BatchNorm2d(narrower), nn.ReLU())
            for width, narrower in pairwise(widths)
        )
        self.grow.append(nn.ConvTranspose2d(widths[-1], output_shape[0], 4, 2, 1))
        self.apply(initialize)

    def forward(self, latent):
        x = self.project(latent)
        for layer, (height, width) in zip(self.grow, self.sizes[1:], strict=True):
            x = layer(x)[..., :height, :width]  # an odd size is one less than doubled
        return torch.tanh(x)


class Discriminator(nn.Module):
    """Image [B, C, H, W] -> score [B, *output_shape], unbounded. `channels` of the first layer; they double inwards.

    Without the paper's batch normalisation: real and created images come in one batch here and would
    tell on each other.
    """

    def __init__(self, input_shape, output_shape=(1,), channels=32):
        super().__init__()
        layers, depth = [], input_shape[0]
        for i, (height, breadth) in enumerate(reversed(sizes(*input_shape[1:])[1:])):
            width = channels * 2**i
            if height % 2 or breadth % 2:  # so that the sizes are the generator's
                layers += [nn.ZeroPad2d((0, breadth % 2, 0, height % 2))]
            layers += [nn.Conv2d(depth, width, 4, 2, 1), nn.LeakyReLU(0.2)]
            depth = width
        features = size(shape_of(nn.Sequential(*layers), input_shape))
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(features, size(output_shape)))
        self.output_shape = tuple(output_shape)
        self.apply(initialize)

    def forward(self, image):
        return self.layers(image).unflatten(1, self.output_shape)


DCGAN = Generator  # under its paper's name
