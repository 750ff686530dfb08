"""Pooling by a class token (CaiT, arXiv:2103.17239, section 3)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from Blocks.Architectures.Attention import TransformerLayer
from Blocks.Architectures.AvgPool import optional_head
from Blocks.FeatureMaps import token_grid, tokens
from Blocks.Initialization import lecun


class CLSPool(nn.Module):
    """[B, C, *grid] -> [B, C]: a learned token attends to itself and all positions in each of `depth` layers.

    Args:
        hidden_dim: of each layer's MLP, by default 4 * C.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        output_shape: Sequence[int] | None = None,
        depth: int = 1,
        heads: int = 4,
        hidden_dim: int | None = None,
    ) -> None:
        super().__init__()
        channels, count = input_shape[0], math.prod(token_grid(input_shape))
        self.token = nn.Parameter(torch.randn(channels))
        self.positions = nn.Parameter(torch.randn(count, channels))
        self.layers = nn.ModuleList(
            TransformerLayer(channels, heads, hidden_dim, context_dim=channels) for _ in range(depth)
        )
        self.norm, self.head = nn.LayerNorm(channels), optional_head(channels, output_shape)
        self.layers.apply(lecun)

    def forward(self, x: Tensor) -> Tensor:
        x = tokens(x) + self.positions
        token = self.token.expand(len(x), 1, -1)
        for layer in self.layers:
            token = layer(token, torch.cat([token, x], 1))
        return self.head(self.norm(token)[:, 0])
