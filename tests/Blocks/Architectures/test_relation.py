"""Relation networks against a loop over the pairs."""

import pytest
import torch

from Blocks.Architectures import Relation
from Blocks.FeatureMaps import coordinates, tokens


def test_against_a_loop_over_pairs():
    block, x = Relation((3, 2, 2), hidden_dim=8, depth=3), torch.randn(2, 3, 2, 2)
    places = torch.cat([tokens(x), coordinates((2, 2)).expand(2, -1, -1)], 2)  # [2, 4, 5]
    total = 0
    for i in range(4):
        for j in range(4):
            total = total + block.g(block.one(places[:, i]) + block.other(places[:, j]))
    torch.testing.assert_close(block(x), block.f(total / 16))


def test_too_many_pairs_are_refused():
    with pytest.raises(ValueError, match='256'):
        Relation((3, 17, 16))
