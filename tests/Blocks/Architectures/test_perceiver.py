"""The Perceiver's position encodings, by hand."""

import math

import pytest
import torch

from Blocks.Architectures.Perceiver import Perceiver, fourier


def test_fourier_features_by_hand():
    """A row of 8 positions: coordinates, then sines, then cosines at frequencies 1 and 4 (half of 8)."""
    encoding = fourier((8,), 2)
    assert encoding.shape == (8, 1 + 2 + 2)
    where = -1 + 2 / 7  # of the second position
    expected = [where, math.sin(math.pi * where), math.sin(4 * math.pi * where), math.cos(math.pi * where)]
    assert encoding[1].tolist() == pytest.approx([*expected, math.cos(4 * math.pi * where)], abs=1e-5)


def test_the_cost_of_latents_does_not_grow_with_the_input():
    block = Perceiver((2, 4, 4), latents=3, out_channels=8, depth=1)
    assert block.positions.shape == (16, 2 + 2 * 2 * 8) and block(torch.randn(5, 2, 4, 4)).shape == (5, 8, 3, 1)
    assert 'positions' not in block.state_dict()
