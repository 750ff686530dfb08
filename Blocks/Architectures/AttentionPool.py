"""Attention pooling (CLIP, arXiv:2103.00020, section 2.3)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from Blocks.Architectures.Attention import AttentionLayer
from Blocks.Architectures.AvgPool import optional_head
from Blocks.FeatureMaps import token_grid, tokens
from Blocks.Initialization import lecun


class AttentionPool(nn.Module):
    """[B, C, *grid] -> [B, C]: the mean token attends to all tokens and itself.

    Position embeddings have deviation C**-0.5.
    """

    def __init__(self, input_shape: Sequence[int], output_shape: Sequence[int] | None = None, heads: int = 4) -> None:
        super().__init__()
        channels, count = input_shape[0], math.prod(token_grid(input_shape))
        self.positions = nn.Parameter(channels**-0.5 * torch.randn(1 + count, channels))
        self.attend = AttentionLayer(channels, heads).apply(lecun)
        self.head = optional_head(channels, output_shape)

    def forward(self, x: Tensor) -> Tensor:
        x = tokens(x)
        x = torch.cat([x.mean(1, keepdim=True), x], 1) + self.positions  # [B, 1 + N, C]
        return self.head(self.attend(x[:, :1], x)[:, 0])
