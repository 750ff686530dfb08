"""ConvNeXt (arXiv:2201.03545): a convolutional network with the design choices of vision transformers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from Blocks.Architectures.AvgPool import optional_head
from Blocks.FeatureMaps import ChannelNorm, Patches, as_map
from Blocks.Initialization import truncated_normal


class ConvNeXtBlock(nn.Module):
    """[B, C, H, W] -> the same: adds a wide depthwise convolution and an MLP, scaled by 1e-6 at first."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.space = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        mlp = nn.Linear(channels, 4 * channels), nn.GELU(), nn.Linear(4 * channels, channels)
        self.channels = nn.Sequential(nn.LayerNorm(channels), *mlp)
        self.scale = nn.Parameter(torch.full((channels,), 1e-6))

    def forward(self, x: Tensor) -> Tensor:
        return x + (self.scale * self.channels(self.space(x).movedim(1, -1))).movedim(-1, 1)


class ConvNeXt(nn.Module):
    """[B, C, H, W] -> [B, channels[-1], h, w]: stages of `blocks`, each but the first at half the size.

    The default is the smallest, 'atto' of ConvNeXt V2 (arXiv:2301.00808, table 10). Flat features [B, C] count as
    images of one pixel.

    Args:
        blocks, channels: of each stage. ConvNeXt-T has blocks (3, 3, 9, 3) and channels (96, 192, 384, 768).
        patch_size: of the stem, in pixels; by default 4, and 2 for images with less than 64 pixels on a side.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        output_shape: Sequence[int] | None = None,
        blocks: Sequence[int] = (2, 2, 6, 2),
        channels: Sequence[int] = (40, 80, 160, 320),
        patch_size: int | None = None,
    ) -> None:
        super().__init__()
        shape = (*input_shape, 1, 1)[:3]
        size = patch_size or (4 if min(shape[1:]) >= 64 else 2)
        layers: list[nn.Module] = []
        for depth, count in zip(channels, blocks, strict=True):
            patches = Patches(shape, depth, size)
            layers += [ChannelNorm(shape[0]), patches] if layers else [patches, ChannelNorm(depth)]
            layers += [ConvNeXtBlock(depth) for _ in range(count)]
            shape, size = (depth, *shape[1:]), 2
        self.layers = nn.Sequential(*layers, ChannelNorm(channels[-1]))
        self.apply(truncated_normal)
        self.head = optional_head(channels[-1], output_shape)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layers(as_map(x)))
