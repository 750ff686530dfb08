"""Generators and discriminators: images of every size, in the whole of their range."""

import pytest
import torch

from Blocks.Architectures import DCGAN, Discriminator, Generator
from Blocks.Architectures.DCGAN import map_sizes


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


@pytest.mark.parametrize(
    ('side', 'sizes'), [(28, [4, 7, 14, 28]), (32, [4, 8, 16, 32]), (9, [3, 5, 9]), (4, [2, 4]), (1, [1, 1])]
)
def test_maps_halve_from_the_image_to_four_pixels(side, sizes):
    assert map_sizes(side, side) == [(size, size) for size in sizes]


def test_the_generator_bears_its_papers_name():
    assert DCGAN is Generator
