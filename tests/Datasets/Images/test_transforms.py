"""Transforms by name, with a separate draw for each image."""

import pytest
import torch

from Datasets.Images.Dataset import Dataset
from Support.Errors import UserError
from tests.Datasets.Images.fakes import ramp, transformed


@pytest.mark.parametrize(
    'config',
    [
        {'RandomHorizontalFlip': {}},
        {'RandomVerticalFlip': None},
        {'RandomCrop': {'size': 8, 'padding': 4}},
        {'RandomRotation': {'degrees': 40}},
        {'RandomResizedCrop': {'size': [8, 8]}},
        {'ColorJitter': {'brightness': 0.9}},
        {'RandomCrop': {'size': 8, 'padding': 2}, 'RandomHorizontalFlip': {'p': 0.3}},
        {'Cutout': {'size': 4}},
    ],
)
def test_each_image_is_transformed_on_its_own_and_reproducibly(config):
    images = ramp(64)
    before = images.obs.clone()
    state = torch.random.get_rng_state()
    batch = transformed(config, images)
    assert batch.obs.dtype == torch.uint8 and batch.obs.shape == images.obs.shape
    assert torch.unique(batch.obs, dim=0).shape[0] >= 2  # a batch of one flip, crop or angle would be all alike
    assert torch.equal(images.obs, before)
    torch.rand(3)
    assert torch.equal(batch.obs, transformed(config, images).obs)
    assert not torch.equal(batch.obs, transformed(config, images, cursor=1).obs)
    assert not torch.equal(batch.obs, transformed(config, images, seed=1).obs)
    torch.random.set_rng_state(state)


def test_transforms_leave_the_global_generator_alone():
    torch.manual_seed(0)
    expected = torch.rand(2)
    torch.manual_seed(0)
    transformed({'RandomCrop': {'size': 8, 'padding': 4}}, ramp(4))
    assert torch.equal(torch.rand(2), expected)


@pytest.mark.parametrize(
    ('config', 'message'),
    [
        ({'RandomHorizntalFlip': {}}, 'Nearest: RandomHorizontalFlip'),
        ({'RandomCrop': {}}, 'size'),
        ({'RandomCrop': {'size': 4}}, r'into uint8 \[3, 4, 4\]'),
        ({'RandomCrop': {'size': 40}}, 'fails'),
        ({'Normalize': {'mean': [0.5], 'std': [0.5]}}, 'fails'),
        ({'Transform': None}, 'fails'),
        ({'RandomCrop': 3}, 'should be like'),
        ({'Cutot': {}}, 'Nearest: Cutout'),
        ({'Cutout': {'size': 0}}, 'size=0 is no number of pixels'),
        ({'Cutout': {}}, "'size'"),
        ({'AlternatingFlip': {'p': 0.5}}, "'p'"),
        ({'RandomHorizontalFlip': {'p': 2}}, 'no probability'),
        ('RandomCrop', 'should be like'),
    ],
)
def test_errors_are_one_sentence(config, message):
    with pytest.raises(UserError, match=message) as error:
        Dataset(ramp(4), 2, transform=config)
    assert '\n' not in str(error.value)
