"""The encoder of a transformer (arXiv:1706.03762), with norms first (arXiv:2002.04745)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from Blocks.Architectures.Attention import MAX_TOKENS, TransformerLayer
from Blocks.Architectures.AvgPool import AvgPool
from Blocks.FeatureMaps import token_grid, tokens
from Blocks.Initialization import lecun


class Transformer(nn.Module):
    """[B, C, *grid] -> [B, D, *grid], or [B, D] with a pool: self-attention with learned position embeddings.

    Args:
        out_channels: D, by default C.
        depth, heads: number of layers, and heads in each.
        hidden_dim: of each layer's MLP, by default 4 * D.
        pool: None keeps the map; 'mean' averages all positions; 'token' returns a learned class token (BERT,
            arXiv:1810.04805). With an `output_shape`, None means 'mean', and a linear layer follows.
        dropout: probability.

    Raises ValueError for an unknown pool, or more than 2048 positions.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        output_shape: Sequence[int] | None = None,
        out_channels: int | None = None,
        depth: int = 4,
        heads: int = 4,
        hidden_dim: int | None = None,
        pool: str | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if pool not in (None, 'mean', 'token'):
            raise ValueError(f"pool is null, mean or token, not '{pool}'")
        channels, self.grid = input_shape[0], token_grid(input_shape, MAX_TOKENS)
        dim = out_channels or channels
        self.project = nn.Identity() if dim == channels else nn.Linear(channels, dim)
        self.positions = nn.Parameter(torch.randn(math.prod(self.grid), dim))  # on the scale of the tokens
        self.token = nn.Parameter(torch.randn(dim)) if pool == 'token' else None
        layers = (TransformerLayer(dim, heads, hidden_dim, dropout=dropout) for _ in range(depth))
        self.layers = nn.Sequential(*layers, nn.LayerNorm(dim))
        pooled = pool == 'mean' or output_shape is not None
        self.head = AvgPool((dim,), output_shape) if pooled else nn.Identity()
        self.project.apply(lecun)
        self.layers.apply(lecun)

    def forward(self, x: Tensor) -> Tensor:
        x = self.project(tokens(x)) + self.positions  # [B, C, *grid] -> [B, N, D]
        if self.token is None:
            return self.head(self.layers(x).mT.unflatten(2, self.grid))  # [B, D, *grid]
        x = torch.cat([self.token.expand(len(x), 1, -1), x], 1)
        return self.head(self.layers(x)[:, 0])
