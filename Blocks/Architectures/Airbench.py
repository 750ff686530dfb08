"""The network of airbench, which trains fast on CIFAR-10 (arXiv:2404.00498, section 3.1)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from Blocks.Architectures.AvgPool import optional_head
from Blocks.FeatureMaps import as_map


class Airbench(nn.Module):
    """[B, C, H, W] -> [B, channels[-1]], for images from 18 pixels a side on.

    A convolution of `stem` channels, two for each of `channels`, of which the second works at half the size, and the
    maximum over all positions. The paper's first convolution is frozen and whitens patches of 2x2; here it is of 3x3,
    learned and normalized. Weights are channels-last, which makes updates a third faster on a CPU.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        output_shape: Sequence[int] | None = None,
        channels: Sequence[int] = (64, 256, 256),
        stem: int = 24,
    ) -> None:
        super().__init__()
        layers, depth = [nn.Conv2d(input_shape[0], stem, 3, bias=False), *norm_gelu(stem)], stem
        for width in channels:
            layers += [nn.Conv2d(depth, width, 3, padding=1, bias=False), nn.MaxPool2d(2), *norm_gelu(width)]
            layers += [nn.Conv2d(width, width, 3, padding=1, bias=False), *norm_gelu(width)]
            depth = width
        self.layers = nn.Sequential(*layers).to(memory_format=torch.channels_last)
        self.head = optional_head(depth, output_shape)

    def forward(self, x: Tensor) -> Tensor:
        features = self.layers(as_map(x).contiguous(memory_format=torch.channels_last))
        return self.head(features.amax((2, 3)))


def norm_gelu(channels: int) -> tuple[nn.Module, nn.Module]:
    """Returns batch normalization and an activation."""
    return nn.BatchNorm2d(channels, momentum=0.4), nn.GELU()
