"""Multi-head attention (arXiv:1706.03762)."""

from torch import nn
from torch.nn import functional as F

from Blocks.Architectures.AvgPool import head
from Blocks.FeatureMaps import places, tokens
from Blocks.Initialization import lecun

MOST = 2048  # places that attend to each other, at the cost of their square


def norm(channels):
    """Layer normalisation. Raises ValueError for one channel, of which it leaves nothing."""
    if channels == 1:
        raise ValueError('it normalises over channels, and here is one: let eyes see first')
    return nn.LayerNorm(channels)


class Attend(nn.Module):
    """Tokens x [B, N, D] ask a context [B, M, C], by default themselves -> [B, N, D] (section 3.2).

    `bias` [heads, N, M] is added to the logits of the attention. Widths that `heads` does not divide are rounded up.
    """

    def __init__(self, dim, heads, context_dim=None):
        super().__init__()
        self.heads, width = heads, heads * -(-dim // heads)
        self.query = nn.Linear(dim, width, bias=False)
        self.key_value = nn.Linear(context_dim or dim, 2 * width, bias=False)
        self.out = nn.Linear(width, dim)

    def forward(self, x, context=None, bias=None):
        context = x if context is None else context
        query, key, value = (
            part.unflatten(2, (self.heads, -1)).transpose(1, 2)  # [B, N, H * K] -> [B, H, N, K]
            for part in (self.query(x), *self.key_value(context).chunk(2, -1))
        )
        attended = F.scaled_dot_product_attention(query, key, value, bias)  # [B, H, N, K]
        return self.out(attended.transpose(1, 2).flatten(2))


class Layer(nn.Module):
    """A layer of a transformer: tokens [B, N, D] ask a context [B, M, C] or themselves -> [B, N, D].

    Norms come first (arXiv:2002.04745), so that it learns without warm-up.
    """

    def __init__(self, dim, heads, hidden_dim=None, context_dim=None, dropout=0.0):
        super().__init__()
        hidden_dim = hidden_dim or 4 * dim
        self.norm, self.attend = norm(dim), Attend(dim, heads, context_dim)
        self.context_norm = norm(context_dim) if context_dim else None
        layers = nn.LayerNorm(dim), nn.Linear(dim, hidden_dim), nn.GELU(), nn.Dropout(dropout)
        self.mlp = nn.Sequential(*layers, nn.Linear(hidden_dim, dim), nn.Dropout(dropout))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, context=None):
        context = None if context is None else self.context_norm(context)
        x = x + self.dropout(self.attend(self.norm(x), context))
        return x + self.mlp(x)


class MultiHeadAttention(nn.Module):
    """[B, C, *grid] -> the same: what each place finds in all others is added to it."""

    def __init__(self, input_shape, output_shape=None, heads=4):
        super().__init__()
        self.grid = places(input_shape, MOST)
        self.norm, self.attend = norm(input_shape[0]), Attend(input_shape[0], heads).apply(lecun)
        self.head = head(input_shape[0], output_shape)

    def forward(self, x):
        return self.head(x + self.attend(self.norm(tokens(x))).mT.unflatten(2, self.grid))
