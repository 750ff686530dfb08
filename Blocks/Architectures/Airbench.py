"""The network of airbench, which learns CIFAR-10 in the fewest operations (arXiv:2404.00498, section 3.1)."""

import torch
from torch import nn

from Blocks.Architectures.AvgPool import head
from Blocks.FeatureMaps import as_map


class Airbench(nn.Module):
    """[B, C, H, W] -> [B, channels[-1]]: a thin first convolution, then two for each of `channels`, the second at half
    the size, and of every feature its maximum over the image. From 18 pixels a side on.

    The paper's first convolution is frozen, to whiten patches of 2x2; here it learns: of 3x3, and with a norm. Weights
    lie channel by channel for each pixel, which makes updates a third faster on a CPU.
    """

    def __init__(self, input_shape, output_shape=None, channels=(64, 256, 256), stem=24):
        super().__init__()
        layers, depth = [nn.Conv2d(input_shape[0], stem, 3, bias=False), *active(stem)], stem
        for width in channels:
            layers += [nn.Conv2d(depth, width, 3, padding=1, bias=False), nn.MaxPool2d(2), *active(width)]
            layers += [nn.Conv2d(width, width, 3, padding=1, bias=False), *active(width)]
            depth = width
        self.layers = nn.Sequential(*layers).to(memory_format=torch.channels_last)
        self.head = head(depth, output_shape)

    def forward(self, x):
        features = self.layers(as_map(x).contiguous(memory_format=torch.channels_last))
        return self.head(features.amax((2, 3)))


def active(channels):
    return nn.BatchNorm2d(channels, momentum=0.4), nn.GELU()
