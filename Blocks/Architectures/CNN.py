"""Plain convolutional networks: a general one, the one of the Nature DQN, the one of DrQ."""

import torch
from torch import nn

from Blocks.Architectures.MLP import MLP
from Blocks.Architectures.Null import Null
from Blocks.Initialization import orthogonal
from Blocks.Shapes import shape_of


class CNN(nn.Module):
    """[B, C, H, W] -> [B, channels[-1], H', W'], or [B, *output_shape] through a linear layer if that is given.

    One convolution for each entry of `channels`; kernels, strides and paddings are one number or one for each layer.
    `norm` puts batch normalisation between convolution and rectifier. A flat `input_shape` (C,) counts as 1x1 images.
    """

    layout = torch.channels_last  # of weights, and so of maps: 1.1 to 1.2 times as fast on CPU

    def __init__(
        self, input_shape, output_shape=None, channels=(32, 64, 128), kernels=3, strides=2, paddings=1, norm=True
    ):
        super().__init__()
        every = [each if hasattr(each, '__len__') else [each] * len(channels) for each in (kernels, strides, paddings)]
        layers, depth = [nn.Unflatten(1, (*input_shape, 1, 1))] if len(input_shape) == 1 else [], input_shape[0]
        for width, kernel, stride, padding in zip(channels, *every, strict=True):
            layers += [nn.Conv2d(depth, width, kernel, stride, padding, bias=not norm)]
            layers += [nn.BatchNorm2d(width)] if norm else []
            layers += [nn.ReLU()]
            depth = width
        self.layers, self.head = nn.Sequential(*layers).apply(orthogonal), Null()
        self.layers.to(memory_format=self.layout)
        if output_shape is not None:
            self.head = MLP(shape_of(self.layers, input_shape), output_shape, depth=0)

    def forward(self, x):
        return self.head(self.layers(x))


class Nature(CNN):
    """[B, C, 84, 84] -> [B, 64, 7, 7] (Mnih et al. 2015, doi:10.1038/nature14236)."""

    layout = torch.contiguous_format  # to turn the images costs what large kernels over few channels gain

    def __init__(self, input_shape, output_shape=None):
        super().__init__(input_shape, output_shape, (32, 64, 64), (8, 4, 3), (4, 2, 1), 0, norm=False)


class DrQ(CNN):
    """[B, C, 84, 84] -> [B, 32, 35, 35] (arXiv:2004.13649)."""

    def __init__(self, input_shape, output_shape=None):
        super().__init__(input_shape, output_shape, (32, 32, 32, 32), 3, (2, 1, 1, 1), 0, norm=False)


class Efficient(CNN):
    """[B, C, 84, 84] -> [B, 64, 3, 3]: the small network of data-efficient Rainbow (arXiv:1906.05243), 7x cheaper."""

    layout = torch.contiguous_format  # as above

    def __init__(self, input_shape, output_shape=None):
        super().__init__(input_shape, output_shape, (32, 64), 5, 5, 0, norm=False)
