"""Initial weights: orthogonal, or of a known deviation; biases are zero, subclasses are left alone."""

import pytest
import torch
from torch import nn

from Blocks.Architectures.MLP import Readout
from Blocks.Initialization import lecun, orthogonal, truncated_normal

INITIALIZATIONS = [orthogonal, lecun, truncated_normal]


def test_orthogonal_weights_keep_lengths_times_the_gain():
    layer = nn.Linear(20, 20)
    orthogonal(layer, gain=3.0)
    torch.testing.assert_close(layer.weight @ layer.weight.T, 9 * torch.eye(20), atol=1e-4, rtol=0)
    convolution = nn.Conv2d(3, 8, 3)
    orthogonal(convolution)
    flat = convolution.weight.flatten(1)
    torch.testing.assert_close(flat @ flat.T, 2 * torch.eye(8), atol=1e-4, rtol=0)


def test_lecun_weights_have_the_variance_of_one_over_fan_in():
    layer = nn.Linear(400, 500).apply(lecun)
    assert layer.weight.std().item() == pytest.approx(400**-0.5, rel=0.01)
    convolution = nn.Conv2d(16, 500, 5).apply(lecun)
    assert convolution.weight.std().item() == pytest.approx((16 * 25) ** -0.5, rel=0.01)


def test_truncated_weights_stay_within_two_deviations():
    weight = nn.Linear(400, 500).apply(truncated_normal).weight
    assert weight.abs().max() <= 0.04
    assert weight.std().item() == pytest.approx(0.02 * 0.8796, rel=0.01)  # of a normal truncated at two deviations


@pytest.mark.parametrize('initialization', INITIALIZATIONS)
def test_biases_are_zero_and_other_layers_stay(initialization):
    torch.manual_seed(0)
    others = nn.Sequential(Readout(4, 3), nn.ConvTranspose2d(2, 2, 3), nn.LayerNorm(3), nn.Linear(3, 2, bias=False))
    before = [parameter.clone() for parameter in others[:3].parameters()]
    others.apply(initialization)
    assert all(map(torch.equal, before, others[:3].parameters()))
    plain = nn.Sequential(nn.Linear(3, 2), nn.Conv2d(3, 2, 1)).apply(initialization)
    assert not plain[0].bias.any() and not plain[1].bias.any()
