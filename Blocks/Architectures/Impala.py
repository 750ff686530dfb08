"""The residual network of IMPALA (arXiv:1802.01561, figure 3); four times as wide in BBF (arXiv:2305.19452)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from Blocks.Architectures.MLP import MLP
from Blocks.Architectures.Null import Null
from Blocks.Initialization import orthogonal
from Blocks.Shapes import shape_of


class ImpalaBlock(nn.Module):
    """[B, C, H, W] -> the same: adds two convolutions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        convolutions = [nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2)]
        self.layers = nn.Sequential(nn.ReLU(), convolutions[0], nn.ReLU(), convolutions[1])

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class Impala(nn.Module):
    """[B, C, 84, 84] -> [B, 32 * width, 11, 11]: each stage halves the image and adds two residual blocks.

    With an `output_shape`, a linear layer over the flattened map follows.

    Args:
        channels: of each stage.
        width: factor of all channels.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        output_shape: Sequence[int] | None = None,
        channels: Sequence[int] = (16, 32, 32),
        width: int = 1,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        depth = input_shape[0]
        for channel in channels:
            layers += [nn.Conv2d(depth, channel * width, 3, padding=1), nn.MaxPool2d(3, 2, padding=1)]
            layers += [ImpalaBlock(channel * width), ImpalaBlock(channel * width)]
            depth = channel * width
        self.layers = nn.Sequential(*layers, nn.ReLU()).apply(orthogonal)
        self.head: nn.Module = Null()
        self.layers.to(memory_format=torch.channels_last)  # 1.6 times as fast on CPU
        if output_shape is not None:
            self.head = MLP(shape_of(self.layers, input_shape), output_shape, depth=0)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layers(x))
