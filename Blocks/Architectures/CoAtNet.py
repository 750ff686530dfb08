"""CoAtNet (arXiv:2106.04803): stages of convolution, then stages of attention with relative positions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from Blocks.Architectures.Attention import AttentionLayer
from Blocks.Architectures.AvgPool import optional_head
from Blocks.FeatureMaps import ChannelNorm, token_grid, tokens
from Blocks.Initialization import lecun


class SqueezeExcitation(nn.Module):
    """[B, C, H, W] -> the same, each channel scaled by a gate that depends on all channels (arXiv:1709.01507)."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        squeeze = nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, hidden, 1), nn.GELU()
        self.gate = nn.Sequential(*squeeze, nn.Conv2d(hidden, channels, 1), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gate(x)


class MBConv(nn.Module):
    """[B, C, H, W] -> [B, D, H / stride, W / stride]: an inverted bottleneck (arXiv:1801.04381), norm first."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        wide = 4 * width
        depthwise = nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False)
        self.layers = nn.Sequential(
            *(nn.BatchNorm2d(channels), nn.Conv2d(channels, wide, 1, bias=False), nn.BatchNorm2d(wide), nn.GELU()),
            *(depthwise, nn.BatchNorm2d(wide), nn.GELU(), SqueezeExcitation(wide, width), nn.Conv2d(wide, width, 1)),
        )
        self.shortcut = shortcut(channels, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        return self.shortcut(x) + self.layers(x)


class RelativeAttention(nn.Module):
    """[B, D, H, W] -> the same: attention with a learned bias for each relative position (equation 3), and an MLP."""

    relative: Tensor

    def __init__(self, input_shape: Sequence[int], head_dim: int = 32) -> None:
        super().__init__()
        channels, self.grid = input_shape[0], token_grid(input_shape)
        height, width = self.grid
        heads = max(1, channels // head_dim)
        self.norm, self.attend = ChannelNorm(channels), AttentionLayer(channels, heads)
        self.bias = nn.Parameter(torch.zeros(heads, (2 * height - 1) * (2 * width - 1)))
        row, column = torch.cartesian_prod(torch.arange(height), torch.arange(width)).T  # [N] each
        down, right = (side.unsqueeze(1) - side for side in (row, column))  # [N, N] each, from 1 - side to side - 1
        relative = (down + height - 1) * (2 * width - 1) + right + width - 1
        self.register_buffer('relative', relative, persistent=False)
        mlp = nn.Conv2d(channels, 4 * channels, 1), nn.GELU(), nn.Conv2d(4 * channels, channels, 1)
        self.mlp = nn.Sequential(ChannelNorm(channels), *mlp)

    def forward(self, x: Tensor) -> Tensor:
        attended = self.attend(tokens(self.norm(x)), bias=self.bias[:, self.relative])  # [B, N, D]
        x = x + attended.mT.unflatten(2, self.grid)
        return x + self.mlp(x)


def shortcut(channels: int, width: int, stride: int) -> nn.Sequential:
    """Returns the residual path around a layer that halves the map or changes its channels."""
    pool = [nn.MaxPool2d(3, 2, 1)] if stride == 2 else []
    return nn.Sequential(*pool, *([] if channels == width else [nn.Conv2d(channels, width, 1)]))


class CoAtNet(nn.Module):
    """[B, C, H, W] -> [B, channels[-1], h, w]: a stem, two stages of convolution and two of attention.

    A stage halves the map unless both sides have at most 4 pixels; the stem halves images from 64 pixels a side on. The
    paper changes the width within the first attention of a stage, here a layer before it does.

    Args:
        blocks: in each stage.
        channels: of the stem and each stage. CoAtNet-0 has blocks (2, 3, 5, 2) and channels (64, 96, 192, 384, 768).
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        output_shape: Sequence[int] | None = None,
        blocks: Sequence[int] = (2, 2, 2, 2),
        channels: Sequence[int] = (32, 48, 96, 192, 384),
    ) -> None:
        super().__init__()
        depth, grid = channels[0], input_shape[1:]
        if len(grid) != 2:
            raise ValueError('it wants images or feature maps (C, H, W)')
        first = 2 if min(grid) >= 64 else 1
        layers = [nn.Conv2d(input_shape[0], depth, 3, first, 1, bias=False), nn.BatchNorm2d(depth), nn.GELU()]
        layers += [nn.Conv2d(depth, depth, 3, 1, 1)]
        grid = halve(grid) if first == 2 else grid
        for stage, (count, width) in enumerate(zip(blocks, channels[1:], strict=True)):
            stride = 2 if max(grid) > 4 else 1
            grid = halve(grid) if stride == 2 else grid
            if stage < 2:
                layers += [MBConv(width if i else depth, width, 1 if i else stride) for i in range(count)]
            else:
                attention = (RelativeAttention((width, *grid)) for _ in range(count))
                layers += [shortcut(depth, width, stride), *attention]
            depth = width
        self.layers = nn.Sequential(*layers, ChannelNorm(depth))
        self.apply(lecun).to(memory_format=torch.channels_last)  # 1.1 times as fast on CPU
        self.head = optional_head(depth, output_shape)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layers(x))


def halve(grid: Sequence[int]) -> tuple[int, ...]:
    """Returns the grid after a convolution or pool of stride 2, which pads edges with zeros."""
    return tuple((side + 1) // 2 for side in grid)
