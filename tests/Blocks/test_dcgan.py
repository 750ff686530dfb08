"""Generators and discriminators: images of every size, in the whole of their range."""

import pytest
import torch
from torch import nn

from Blocks.Architectures import Discriminator, Generator, ResidualDiscriminator, ResidualGenerator


@pytest.mark.parametrize('sides', [range(8, 40), range(40, 72), range(72, 97)], ids=str)
def test_generator_gives_every_size(sides):
    for side in sides:
        shape = (side % 3 + 1, side, 104 - side)
        image = Generator((6,), shape, channels=2)(torch.randn(2, 6))
        assert image.shape == (2, *shape) and image.abs().max() < 1 and image.std() > 0
        score = Discriminator(shape, channels=2)(image)
        assert score.shape == (2, 1)


def test_generator_reaches_both_ends():
    generator = Generator((6,), (1, 9, 9), channels=2)
    with torch.no_grad():
        generator.grow[-1].weight.mul_(1e4)
        image = generator(torch.randn(50, 6))
    assert -1 <= image.min() < -0.99 and 0.99 < image.max() <= 1


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
