"""A data set as a replay: order, resume, balanced classes."""

import numpy as np
import pytest
import torch

from Datasets.Images.Dataset import Dataset, resident
from Datasets.Images.ImageData import Images


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
