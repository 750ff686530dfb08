"""Transforms of whole batches against torchvision and by hand."""

import time

import numpy as np
import pytest
import torch

from Datasets.Images.Dataset import Dataset
from Datasets.Images.ImageData import Images
from tests.Datasets.Images.fakes import draw, ramp, transformed


def test_flips_have_their_probability():
    images = ramp(2000)
    flipped = (transformed({'RandomHorizontalFlip': {'p': 0.25}}, images).obs == images.obs.flip(-1)).flatten(1).all(1)
    same = (transformed({'RandomHorizontalFlip': {'p': 0.25}}, images).obs == images.obs).flatten(1).all(1)
    assert (flipped ^ same).all() and abs(flipped.float().mean() - 0.25) < 0.04


@pytest.mark.parametrize(
    'arguments',
    [
        {'size': 8, 'padding': 4},
        {'size': [8, 8], 'padding': [1, 2, 3, 4], 'fill': 9},
        {'size': 8, 'padding': [2, 3], 'fill': [1, 2, 3]},
        {'size': 8, 'padding': 3, 'padding_mode': 'reflect'},
        {'size': 8, 'padding': 3, 'padding_mode': 'symmetric'},
        {'size': 8, 'padding': 3, 'padding_mode': 'edge'},
    ],
)
def test_crops_are_those_of_torchvision(arguments):
    """Both draw from the same set of crops, each of which comes about equally often."""
    from torchvision.transforms import v2

    images = ramp(1500)
    ours = {image.numpy().tobytes() for image in transformed({'RandomCrop': arguments}, images).obs}
    crop = v2.RandomCrop(**arguments)
    theirs = {crop(images.obs[0]).numpy().tobytes() for _ in range(1500)}
    offsets = {4: 9 * 9, 3: 7 * 7}.get(arguments['padding']) if isinstance(arguments['padding'], int) else 5 * 7
    assert len(ours) == offsets and ours == theirs


def halves(size):
    """Images whose left half is 0 and whose right half is 200."""
    obs = torch.zeros(size, 3, 4, 4, dtype=torch.uint8)
    obs[..., 2:] = 200
    return Images(obs, torch.zeros(size, dtype=torch.long))


def test_even_epochs_flip_what_odd_epochs_did_not():
    dataset = Dataset(halves(1000), 250, seed=3, transform={'AlternatingFlip': {}})
    flipped = torch.zeros(4, 1000, dtype=torch.bool)
    for epoch in flipped:
        for batch in draw(dataset, 4):
            epoch[batch.index] = batch.obs[:, 0, 0, 0] == 200
    assert torch.equal(flipped[0], ~flipped[1]) and torch.equal(flipped[0], flipped[2])
    assert 430 < flipped[0].sum() < 570
    assert abs(np.corrcoef(flipped[0][:-1], flipped[0][1:])[0, 1]) < 0.1  # neighbours are independent


def test_a_batch_across_epochs_is_flipped_by_both():
    dataset = Dataset(halves(10), 20, transform={'AlternatingFlip': {}})
    batch = next(dataset.batches())
    flipped = batch.obs[:, 0, 0, 0] == 200
    first, second = torch.zeros(2, 10, dtype=torch.bool)
    first[batch.index[:10]], second[batch.index[10:]] = flipped[:10], flipped[10:]
    assert torch.equal(first, ~second)


def test_cutout_paints_one_square_with_the_mean():
    images = Images(torch.full((500, 3, 9, 9), 7, dtype=torch.uint8), torch.zeros(500, dtype=torch.long))
    dataset = Dataset(images, 500, transform={'Cutout': {'size': 3}}, mean=(10.4, 20.0, 30.6))
    obs = next(dataset.batches()).obs
    painted = (obs != 7).all(1)  # [B, H, W]
    assert obs.permute(0, 2, 3, 1)[painted].unique(dim=0).tolist() == [[10, 20, 31]]
    rows, columns = painted.any(2).sum(1), painted.any(1).sum(1)
    assert torch.equal(painted.sum((1, 2)), rows * columns) and rows.min() == 2 and rows.max() == 3  # cut at borders
    share = painted.float().mean(0)  # [H, W]: the centre lies under 9 of 81 squares, a corner under 4
    assert share[4, 4] == pytest.approx(9 / 81, abs=0.04) and share[0, 0] == pytest.approx(4 / 81, abs=0.03)
    dataset = Dataset(images, 500, transform={'Cutout': {'size': 3, 'fill': 0}})
    assert set(next(dataset.batches()).obs.unique().tolist()) == {0, 7}


def test_flips_crops_and_cutouts_take_little_time():
    """200,000 images a second by one idle core; a small network learns from 8,000."""
    dataset = Dataset(ramp(256, (3, 32, 32)), 256,
                      transform={'RandomHorizontalFlip': {}, 'RandomCrop': {'size': 32, 'padding': 4},
                                 'Cutout': {'size': 8}})  # fmt: skip
    draw(dataset, 3)
    times = []
    for _ in range(10):
        began = time.thread_time()
        draw(dataset, 5)
        times.append((time.thread_time() - began) / 5)
    assert 256 / min(times) > 40_000
