"""Multi-head attention (arXiv:1706.03762)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from Blocks.Architectures.AvgPool import optional_head
from Blocks.FeatureMaps import token_grid, tokens
from Blocks.Initialization import lecun

MAX_TOKENS = 2048  # of self-attention, whose cost is quadratic


def layer_norm(channels: int) -> nn.LayerNorm:
    """Returns a layer normalization. Raises ValueError for one channel, which it would map to a constant."""
    if channels == 1:
        raise ValueError('it normalizes over channels, and here is one: put it after Eyes')
    return nn.LayerNorm(channels)


class AttentionLayer(nn.Module):
    """Tokens x [B, N, D] attend to a context [B, M, C], by default to themselves -> [B, N, D] (section 3.2).

    `bias` [heads, N, M] is added to the logits. A width D that `heads` does not divide is rounded up within the layer.
    """

    def __init__(self, dim: int, heads: int, context_dim: int | None = None) -> None:
        super().__init__()
        self.heads, width = heads, heads * -(-dim // heads)
        self.query = nn.Linear(dim, width, bias=False)
        self.key_value = nn.Linear(context_dim or dim, 2 * width, bias=False)
        self.out = nn.Linear(width, dim)

    def forward(self, x: Tensor, context: Tensor | None = None, bias: Tensor | None = None) -> Tensor:
        context = x if context is None else context
        query, key, value = (
            part.unflatten(2, (self.heads, -1)).transpose(1, 2)  # [B, N, H * K] -> [B, H, N, K]
            for part in (self.query(x), *self.key_value(context).chunk(2, -1))
        )
        attended = F.scaled_dot_product_attention(query, key, value, bias)  # [B, H, N, K]
        return self.out(attended.transpose(1, 2).flatten(2))


class TransformerLayer(nn.Module):
    """Attention and an MLP, both residual: tokens [B, N, D] and a context [B, M, C] or themselves -> [B, N, D].

    Norms come first (arXiv:2002.04745), which makes learning-rate warm-up unnecessary.
    """

    def __init__(
        self,
        dim: int,
        heads: int,
        hidden_dim: int | None = None,
        context_dim: int | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        hidden_dim = hidden_dim or 4 * dim
        self.norm, self.attend = layer_norm(dim), AttentionLayer(dim, heads, context_dim)
        self.context_norm = layer_norm(context_dim) if context_dim else None
        layers = nn.LayerNorm(dim), nn.Linear(dim, hidden_dim), nn.GELU(), nn.Dropout(dropout)
        self.mlp = nn.Sequential(*layers, nn.Linear(hidden_dim, dim), nn.Dropout(dropout))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        if context is not None and self.context_norm is not None:
            context = self.context_norm(context)
        x = x + self.dropout(self.attend(self.norm(x), context))
        return x + self.mlp(x)


class MultiHeadAttention(nn.Module):
    """[B, C, *grid] -> the same: adds to each position what it finds by attending to all of them."""

    def __init__(self, input_shape: Sequence[int], output_shape: Sequence[int] | None = None, heads: int = 4) -> None:
        super().__init__()
        self.grid = token_grid(input_shape, MAX_TOKENS)
        self.norm, self.attend = layer_norm(input_shape[0]), AttentionLayer(input_shape[0], heads).apply(lecun)
        self.head = optional_head(input_shape[0], output_shape)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(x + self.attend(self.norm(tokens(x))).mT.unflatten(2, self.grid))
