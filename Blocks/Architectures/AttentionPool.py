"""Attention pooling (CLIP, arXiv:2103.00020, section 2.3)."""

import torch
from torch import nn

from Blocks.Architectures.Attention import Attend
from Blocks.Architectures.AvgPool import head
from Blocks.FeatureMaps import places, tokens
from Blocks.Initialization import lecun
from Blocks.Shapes import size


class AttentionPool(nn.Module):
    """[B, C, *grid] -> [B, C]: the mean of all places asks them all. Positions and weights of deviation C**-0.5."""

    def __init__(self, input_shape, output_shape=None, heads=4):
        super().__init__()
        channels, count = input_shape[0], size(places(input_shape))
        self.positions = nn.Parameter(channels**-0.5 * torch.randn(1 + count, channels))
        self.attend = Attend(channels, heads).apply(lecun)
        self.head = head(channels, output_shape)

    def forward(self, x):
        x = tokens(x)
        x = torch.cat([x.mean(1, keepdim=True), x], 1) + self.positions  # [B, 1 + N, C]
        return self.head(self.attend(x[:, :1], x)[:, 0])
