"""Attention and transformer layers against torch's own with the same weights."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from Blocks.Architectures import MultiHeadAttention
from Blocks.Architectures.Attention import MAX_TOKENS, AttentionLayer, TransformerLayer
from Blocks.FeatureMaps import tokens


def copy(ours, theirs):
    """Gives torch's attention the weights of ours."""
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([ours.query.weight, ours.key_value.weight]))
        theirs.in_proj_bias.zero_()
        theirs.out_proj.load_state_dict(ours.out.state_dict())


def test_attention_against_torch():
    ours, theirs = AttentionLayer(8, 2), nn.MultiheadAttention(8, 2, batch_first=True)
    copy(ours, theirs)
    x, context, bias = torch.randn(3, 5, 8), torch.randn(3, 7, 8), torch.randn(2, 5, 7)
    torch.testing.assert_close(ours(x), theirs(x, x, x)[0])
    torch.testing.assert_close(ours(x, context), theirs(x, context, context)[0])
    mask = bias.repeat(3, 1, 1)  # [B * heads, N, M]
    torch.testing.assert_close(ours(x, context, bias), theirs(x, context, context, attn_mask=mask)[0])


def test_a_transformer_layer_against_torch():
    ours = TransformerLayer(8, 2, hidden_dim=12)
    theirs = nn.TransformerEncoderLayer(8, 2, 12, 0.0, F.gelu, batch_first=True, norm_first=True)
    for parameter in ours.norm.parameters():
        nn.init.normal_(parameter)
    copy(ours.attend, theirs.self_attn)
    norm, first, *_, second, _ = ours.mlp
    for mine, yours in ((ours.norm, theirs.norm1), (norm, theirs.norm2), (first, theirs.linear1),
                        (second, theirs.linear2)):  # fmt: skip
        yours.load_state_dict(mine.state_dict())
    x = torch.randn(3, 5, 8)
    torch.testing.assert_close(ours(x), theirs(x))


def test_a_context_of_another_width():
    layer = TransformerLayer(8, 3, context_dim=5)  # 8 is rounded up to 3 heads of 3
    assert layer.attend.query.out_features == 9
    x, context = torch.randn(2, 4, 8), torch.randn(2, 6, 5)
    assert layer(x, context).shape == x.shape
    torch.testing.assert_close(layer(x, 10 * context), layer(x, context), rtol=1e-3, atol=1e-3)  # it is normalized


def test_attention_adds_to_each_position_of_a_map():
    block, x = MultiHeadAttention((8, 2, 3)), torch.randn(4, 8, 2, 3)
    expected = tokens(x) + block.attend(block.norm(tokens(x)))
    torch.testing.assert_close(tokens(block(x)), expected)


def test_what_attention_cannot_see():
    with pytest.raises(ValueError, match='one'):
        MultiHeadAttention((1, 4, 4))
    with pytest.raises(ValueError, match=str(MAX_TOKENS)):
        MultiHeadAttention((4, MAX_TOKENS + 1, 1))
