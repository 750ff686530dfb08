"""Residual generators and discriminators: images of every size, and spectral normalization."""

import pytest
import torch
from torch import nn

from Blocks.Architectures import ResidualDiscriminator, ResidualGenerator
from Blocks.Architectures.ResidualGAN import DiscriminatorBlock, GeneratorBlock, widths


def test_channels_double_up_to_eight_times():
    assert widths(32, 6) == [32, 64, 128, 256, 256, 256]


def test_blocks_add_their_layers_to_a_shortcut():
    x = torch.randn(2, 3, 5, 4)
    block = GeneratorBlock(3, 6, (9, 8)).eval()
    large = nn.functional.interpolate(x, (9, 8))
    torch.testing.assert_close(block(x), block.shortcut(large) + block.layers(x))
    block = DiscriminatorBlock(3, 6)
    halved = nn.functional.avg_pool2d(block.shortcut(x) + block.layers(x), 2, ceil_mode=True)
    assert halved.shape == (2, 6, 3, 2)
    torch.testing.assert_close(block(x), halved)
    block = DiscriminatorBlock(3, 3, halves=False)
    torch.testing.assert_close(block(x), x + block.layers(x))


@pytest.mark.parametrize('side', [8, 13, 28, 32, 57, 84, 96])
def test_the_residual_ones_give_every_size(side):
    shape = (side % 3 + 1, side, 104 - side)
    image = ResidualGenerator((6,), shape, channels=2)(torch.randn(2, 6))
    assert image.shape == (2, *shape) and image.abs().max() <= 1 and image.std() > 0
    assert ResidualDiscriminator(shape, (2, 3), channels=2)(image).shape == (2, 2, 3)


def test_no_layer_of_a_spectral_discriminator_stretches():
    judge = ResidualDiscriminator((1, 12, 12), channels=4)
    for _ in range(50):  # of the power iteration, one a call
        judge(torch.randn(2, 1, 12, 12))
    layers = [layer for layer in judge.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    assert len(layers) == 2 * 3 + 3 - 1 + 1  # blocks with two convolutions, shortcuts but for the last, the score
    for layer in layers:
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, abs=0.01)
