"""ConvNeXt (arXiv:2201.03545): a convolutional network with what transformers taught."""

import torch
from torch import nn

from Blocks.Architectures.AvgPool import head
from Blocks.FeatureMaps import ChannelNorm, Patches, as_map
from Blocks.Initialization import truncated


class Block(nn.Module):
    """[B, C, H, W] -> the same: a wide depthwise convolution and an MLP, scaled by 1e-6 at the start."""

    def __init__(self, channels):
        super().__init__()
        self.space = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        mlp = nn.Linear(channels, 4 * channels), nn.GELU(), nn.Linear(4 * channels, channels)
        self.channels = nn.Sequential(nn.LayerNorm(channels), *mlp)
        self.scale = nn.Parameter(torch.full((channels,), 1e-6))

    def forward(self, x):
        return x + (self.scale * self.channels(self.space(x).movedim(1, -1))).movedim(-1, 1)


class ConvNeXt(nn.Module):
    """[B, C, H, W] -> [B, channels[-1], h, w]: stages of `blocks`, each but the first at half the size.

    The smallest, 'atto' of ConvNeXt V2 (arXiv:2301.00808, table 10), is the default; ConvNeXt-T has blocks=[3,3,9,3]
    and channels=[96,192,384,768]. patch_size: of the stem; by default 4, and 2 below 64 pixels. Flat features count as
    an image of one pixel.
    """

    def __init__(self, input_shape, output_shape=None, blocks=(2, 2, 6, 2), channels=(40, 80, 160, 320),
                 patch_size=None):  # fmt: skip
        super().__init__()
        shape = (*input_shape, 1, 1)[:3]
        size, layers = patch_size or (4 if min(shape[1:]) >= 64 else 2), []
        for depth, count in zip(channels, blocks, strict=True):
            patches = Patches(shape, depth, size)
            layers += [ChannelNorm(shape[0]), patches] if layers else [patches, ChannelNorm(depth)]
            layers += [Block(depth) for _ in range(count)]
            shape, size = (depth, *shape[1:]), 2
        self.layers = nn.Sequential(*layers, ChannelNorm(channels[-1]))
        self.apply(truncated)
        self.head = head(channels[-1], output_shape)

    def forward(self, x):
        return self.head(self.layers(as_map(x)))
