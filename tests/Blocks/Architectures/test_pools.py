"""AvgPool, AttentionPool, CLSPool and the optional head: from a map to features."""

import torch
from torch import nn
from torch.nn import functional as F

from Blocks.Architectures import AttentionPool, AvgPool, CLSPool
from Blocks.Architectures.AvgPool import optional_head
from Blocks.FeatureMaps import tokens


def test_avg_pool_is_the_mean_over_positions():
    x = torch.arange(12.0).view(1, 2, 2, 3)
    assert AvgPool((2, 2, 3))(x).tolist() == [[2.5, 8.5]]
    flat = torch.randn(3, 2)
    assert AvgPool((2,))(flat) is flat
    pool = AvgPool((2, 2, 3), (4, 5))
    torch.testing.assert_close(pool(x), pool.read[0](x.mean((2, 3))).view(1, 4, 5))


def test_an_optional_head():
    assert isinstance(optional_head(3, None), nn.Identity)
    assert optional_head(3, (2, 2))(torch.randn(4, 3, 5, 5)).shape == (4, 2, 2)


def test_attention_pool_against_torch():
    """CLIP's own: the mean token is the only query."""
    pool, x = AttentionPool((8, 2, 3), heads=2), torch.randn(4, 8, 2, 3)
    sequence = tokens(x)
    sequence = torch.cat([sequence.mean(1, keepdim=True), sequence], 1) + pool.positions
    weight = torch.cat([pool.attend.query.weight, pool.attend.key_value.weight])
    expected, _ = F.multi_head_attention_forward(
        sequence[:, :1].transpose(0, 1), sequence.transpose(0, 1), sequence.transpose(0, 1), 8, 2, weight,
        torch.zeros(24), None, None, False, 0.0, pool.attend.out.weight, pool.attend.out.bias)  # fmt: skip
    torch.testing.assert_close(pool(x), expected[0])


def test_a_class_token_depends_on_every_position():
    pool, x = CLSPool((8, 2, 3), depth=2), torch.randn(4, 8, 2, 3, requires_grad=True)
    pool(x).square().sum().backward()
    assert pool(x).shape == (4, 8) and x.grad.abs().sum(1).min() > 0
