"""Augmentations against a reference written otherwise: padding and slicing."""

import pytest
import torch
from torch.nn import functional as F

from Blocks.Augmentations import DiffAugment, Intensity, RandomShifts, RandomShiftsIntensity
from Support.Errors import UserError

PAD, SIZE = 3, 9


def crops(image):
    """Every shift of an image [C, H, W] by up to PAD pixels: {(down, right): [C, H, W]}, edges repeated."""
    padded = F.pad(image[None].float(), (PAD,) * 4, mode='replicate')[0]
    span = range(2 * PAD + 1)
    return {(d - PAD, r - PAD): padded[:, d : d + SIZE, r : r + SIZE].to(image.dtype) for d in span for r in span}


def shifts(images):
    """Which shift each augmented image is."""
    references, augmented = crops(images[0]), RandomShifts(pad=PAD)(images)
    found = [[shift for shift, crop in references.items() if torch.equal(crop, image)] for image in augmented]
    assert all(len(which) == 1 for which in found), 'each image must be exactly one crop'
    return [which[0] for which in found]


@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
def test_every_shift_occurs_equally_often_and_is_a_crop(dtype):
    image = torch.randint(256, (2, SIZE, SIZE)).to(dtype)
    count = 5000
    found = shifts(image.expand(count, -1, -1, -1))
    counts = torch.tensor([found.count(shift) for shift in crops(image)]).float()
    expected = count / len(counts)
    chi_squared = ((counts - expected) ** 2 / expected).sum()
    assert counts.min() > 0 and chi_squared < 90  # 48 degrees of freedom: p < 0.0003


def test_samples_shift_independently_and_channels_together():
    image = torch.randint(256, (4, SIZE, SIZE), dtype=torch.uint8)
    found = shifts(image.expand(64, -1, -1, -1))  # a crop of all four channels at once
    assert len(set(found)) > 20
    assert len({down for down, _ in found}) > 4 and len({right for _, right in found}) > 4


def test_bytes_stay_bytes_and_the_input_stays_whole():
    images = torch.randint(256, (5, 3, 8, 12), dtype=torch.uint8)
    before = images.clone()
    augmented = RandomShifts()(images)
    assert augmented.dtype == torch.uint8 and augmented.shape == images.shape
    assert torch.equal(images, before)
    assert torch.equal(RandomShifts(pad=0)(images), images)


def test_intensity_scales_each_image_within_two_deviations():
    images = torch.full((3000, 2, 2, 2), 200, dtype=torch.uint8)
    scaled = Intensity(scale=0.05)(images)
    factors = scaled / 200
    assert (factors == factors[:, :1, :1, :1]).all()  # one factor for each image
    factors = factors[:, 0, 0, 0]
    assert factors.min().item() == pytest.approx(0.9) and factors.max().item() == pytest.approx(1.1)
    assert abs(factors.mean() - 1) < 0.004 and 0.045 < factors.std() < 0.05  # the cut takes a little of the 0.05
    assert torch.equal(Intensity(scale=0.0)(images), images.float())


def test_both():
    images = torch.randint(1, 256, (16, 1, 8, 8), dtype=torch.uint8)
    augmented = RandomShiftsIntensity(pad=0, scale=0.05)(images)
    ratio = augmented / images
    assert ratio.flatten(1).std(1).max() < 1e-5 and ratio.std() > 0.01
    assert len(RandomShiftsIntensity(pad=2)(images)) == 16


@pytest.mark.parametrize('Augmentation', [RandomShifts, Intensity, RandomShiftsIntensity])
def test_states_pass(Augmentation):
    state = torch.randn(4, 7)
    assert Augmentation((7,))(state) is state


def test_color_keeps_what_it_does_not_change():
    """Brightness moves the mean, saturation scales around gray, contrast around the mean."""
    torch.manual_seed(0)
    image = torch.rand(2, 3, 4, 4)
    torch.manual_seed(1)
    changed = DiffAugment((3, 4, 4), ['color'])(image)
    torch.manual_seed(1)
    brightness, saturation, contrast = torch.rand(3, 2)
    for i in range(2):
        x = image[i] + brightness[i] - 0.5
        x = x.mean(0) + 2 * saturation[i] * (x - x.mean(0))
        torch.testing.assert_close(changed[i], x.mean() + (contrast[i] + 0.5) * (x - x.mean()))


def test_an_unknown_part_is_named():
    with pytest.raises(UserError, match="color, shift and cut, not 'blur'"):
        DiffAugment((3, 4, 4), ['blur'])


def test_augmentation_lets_gradients_pass_and_keeps_shape_and_place():
    torch.manual_seed(0)
    image = torch.rand(50, 3, 16, 16, requires_grad=True)
    for parts in (['color'], ['shift'], ['cut']):
        changed = DiffAugment((3, 16, 16), parts)(image)
        assert changed.shape == image.shape and (changed != image).flatten(1).any(1).float().mean() > 0.8
        (slope,) = torch.autograd.grad(changed.sum(), image)
        assert slope.any()
    cut = DiffAugment((3, 16, 16), ['cut'])(image)
    holes = (cut == -1).all(1).flatten(1).sum(1)
    assert holes.min() > 0 and holes.max() <= 81  # at most about half of each side
    shifted = DiffAugment((3, 16, 16), ['shift'])(torch.ones(50, 3, 16, 16))
    assert set(shifted.unique().tolist()) == {-1.0, 1.0}  # black comes in
    black = (shifted[:, 0] == -1).flatten(1).sum(1)
    assert black.min() == 0 and black.max() == 16 * 16 - 14 * 14  # up to two of sixteen pixels each way
