"""Noisy layers: equations 10 and 11 by hand, and when there is noise."""

import torch

from Blocks.Architectures.Noisy import NoisyLinear


def test_factorized_noise_by_hand():
    layer, x = NoisyLinear(3, 2, sigma=0.6), torch.randn(4, 3)
    torch.manual_seed(1)
    output = layer(x)
    torch.manual_seed(1)
    into, out = (noise.sign() * noise.abs().sqrt() for noise in (torch.randn(3), torch.randn(2)))
    weight = layer.weight + layer.weight_sigma * torch.outer(out, into)
    torch.testing.assert_close(output, x @ weight.T + layer.bias + layer.bias_sigma * out)
    torch.testing.assert_close(layer.weight_sigma, torch.full((2, 3), 0.6 * 3**-0.5))


def test_noise_is_for_training_and_for_exploration():
    layer, x = NoisyLinear(3, 2), torch.randn(4, 3)
    assert not torch.equal(layer(x), layer(x))
    layer.eval()
    torch.testing.assert_close(layer(x), x @ layer.weight.T + layer.bias)
    layer.explores = True
    assert not torch.equal(layer(x), layer(x))
