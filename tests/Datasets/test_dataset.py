"""The data set as a memory: order, resume, transforms."""

import numpy as np
import pytest
import torch

from Datasets.Dataset import Dataset
from Datasets.Images import Images
from Utils import UserError


def numbered(size, shape=(1, 4, 4)):
    """Images whose every pixel is their index."""
    obs = torch.arange(size, dtype=torch.uint8)[:, None, None, None].expand(size, *shape).contiguous()
    return Images(obs, torch.arange(size) % 10)


def draw(dataset, batches):
    return [next(dataset.batches()) for _ in range(batches)]


@pytest.mark.parametrize(('size', 'batch_size'), [(100, 10), (100, 7), (20, 50), (5, 5)])
def test_each_item_comes_once_per_epoch(size, batch_size):
    dataset = Dataset(numbered(size), batch_size, seed=3)
    stream = torch.cat([batch.index for batch in draw(dataset, 3 * size)]).numpy()
    epochs = stream[: 3 * size].reshape(3, size)
    assert all(np.array_equal(np.sort(epoch), np.arange(size)) for epoch in epochs)
    assert not np.array_equal(epochs[0], epochs[1])


def test_a_batch_is_an_experience_without_reward():
    dataset = Dataset(numbered(50), 8)
    batch = next(dataset.batches(None))
    assert batch.obs.shape == (8, 1, 4, 4) and batch.obs.dtype == torch.uint8
    assert batch.label.dtype == batch.index.dtype == torch.int64
    assert torch.equal(batch.obs[:, 0, 0, 0].long(), batch.index) and torch.equal(batch.label, batch.index % 10)
    assert batch.reward is None and batch.next_obs is None and batch.action is None
    assert len(dataset) == 50 and dataset.ready


def test_the_order_is_a_function_of_seed_and_cursor():
    straight = draw(Dataset(numbered(50), 8, seed=1), 20)
    resumed = Dataset(numbered(50), 8, seed=1)
    resumed.cursor = 13
    for one, other in zip(straight[13:], draw(resumed, 7), strict=True):
        assert torch.equal(one.index, other.index)
    other = draw(Dataset(numbered(50), 8, seed=2), 1)[0]
    assert not torch.equal(straight[0].index, other.index)


def test_epoch_counts_finished_epochs():
    dataset = Dataset(numbered(50), 20)
    epochs = []
    for _ in range(5):
        epochs.append(dataset.epoch)
        draw(dataset, 1)
    assert epochs == [0, 0, 0, 1, 1] and dataset.epoch == 2


def transformed(config, images, batches=1, seed=0, cursor=0):
    dataset = Dataset(images, len(images.label), seed=seed, transform=config)
    dataset.cursor = cursor
    return draw(dataset, batches)[-1]


def ramp(size, shape=(3, 8, 8)):
    """Images that a flip or a shift changes."""
    image = torch.arange(int(np.prod(shape)), dtype=torch.uint8).reshape(shape)
    return Images(image.expand(size, *shape).contiguous(), torch.zeros(size, dtype=torch.long))


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
        {'size': 8, 'padding': 3, 'padding_mode': 'reflect'},
    ],
)
def test_crops_are_those_of_torchvision(arguments):
    """Both draw from the same set of crops, each of which comes about equally often."""
    from torchvision.transforms import v2

    images = ramp(1500)
    ours = {image.numpy().tobytes() for image in transformed({'RandomCrop': arguments}, images).obs}
    crop = v2.RandomCrop(**arguments)
    theirs = {crop(images.obs[0]).numpy().tobytes() for _ in range(1500)}
    offsets = 9 * 9 if arguments['padding'] == 4 else 5 * 7 if 'fill' in arguments else 7 * 7
    assert len(ours) == offsets and ours == theirs


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
        ('RandomCrop', 'should be like'),
    ],
)
def test_errors_are_one_sentence(config, message):
    with pytest.raises(UserError, match=message) as error:
        Dataset(ramp(4), 2, transform=config)
    assert '\n' not in str(error.value)
