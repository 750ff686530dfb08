"""The data set as a memory: order, resume, transforms."""

import time

import numpy as np
import pytest
import torch

from Datasets.Images.Dataset import Dataset, resident
from Datasets.Images.ImageData import Images
from Support.Errors import UserError


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
    batch = next(dataset.batches())
    assert batch.obs.shape == (8, 1, 4, 4) and batch.obs.dtype == torch.uint8
    assert batch.label.dtype == batch.index.dtype == torch.int64
    assert torch.equal(batch.obs[:, 0, 0, 0].long(), batch.index) and torch.equal(batch.label, batch.index % 10)
    assert batch.reward is None and batch.next_obs is None and batch.action is None
    assert len(dataset) == 50 and dataset.ready


def test_a_device_with_room_holds_all_images(monkeypatch):
    images = numbered(50)
    assert resident(images, torch.device('cpu')) is images
    monkeypatch.setattr('Datasets.Images.Dataset.room', lambda device: images.obs.nbytes)
    moved = resident(images, torch.device('meta'))
    assert moved.obs.device.type == moved.label.device.type == 'meta' and moved.obs.shape == images.obs.shape
    monkeypatch.setattr('Datasets.Images.Dataset.room', lambda device: images.obs.nbytes - 1)
    assert resident(images, torch.device('meta')) is images


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


# Balanced


def classes(*counts):
    """Images of so many items of each class, in order."""
    label = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    return numbered(len(label))._replace(label=label)


def test_balanced_epochs_hold_as_many_of_every_class():
    dataset = Dataset(classes(80, 15, 5), 10, seed=1, balanced=True)
    stream = torch.cat([batch.index for batch in draw(dataset, 30)]).reshape(3, 100)
    for epoch in stream:
        times = epoch.bincount(minlength=100)
        assert dataset.images.label[epoch].bincount().tolist() == [33, 34, 33]
        assert times[:80].max() == 1  # 33 of the 80
        assert set(times[80:95].tolist()) == {2, 3} and set(times[95:].tolist()) == {6, 7}
    assert len(set(stream[:, :20].flatten().tolist())) > 20 and not torch.equal(stream[0], stream[1])
    assert (stream[0][:-1] > stream[0][1:]).any()  # shuffled
    again = Dataset(classes(80, 15, 5), 10, seed=1, balanced=True)
    again.cursor = 20
    assert torch.equal(next(again.batches()).index, stream[2][:10])


def test_images_without_a_label_count_as_a_class():
    images = classes(6, 2, 4)
    images = images._replace(label=torch.where(images.label == 2, -1, images.label))
    batch = next(Dataset(images, 12, balanced=True).batches())
    assert (batch.label + 1).bincount().tolist() == [4, 4, 4]


# Ours


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
