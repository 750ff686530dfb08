"""Decoding of images, by threads and one by one."""

import functools

import numpy as np
import pytest
import torch
from PIL import Image

from Datasets.Images.Dataset import Dataset
from Datasets.Images.Decode import Decoded, memory_left
from Datasets.Images.ImageData import ImageData
from Datasets.Suites.Classify import Classify
from Support.Errors import UserError
from tests.Datasets.Images.fakes import fake, folder, image_folder


def test_images_of_different_sizes_and_modes(tmp_path):
    folder(tmp_path, size=(30, 20))
    folder(tmp_path, colours={'ape': (0, 0, 0)}, size=(25, 40))
    Image.new('L', (50, 50)).save(tmp_path / 'train' / 'ape' / 'gray.png')
    data = ImageData(image_folder(), {'root': tmp_path}, '')
    assert data.train.obs.shape[1:] == data.test.obs.shape[1:] == (3, 20, 20)
    assert ImageData(image_folder(), {'root': tmp_path}, '', resize=8).train.obs.shape[1:] == (3, 8, 8)
    assert ImageData(image_folder(), {'root': tmp_path}, '', resize=(8, 9)).test.obs.shape[1:] == (3, 8, 9)


def test_gray_items_have_one_channel():
    assert ImageData(fake(10), {}, '').train.obs.shape[1:] == (1, 6, 6)
    assert ImageData(fake(10, 'RGBA'), {}, '').train.obs.shape[1:] == (3, 6, 6)


def test_a_broken_image_is_named(tmp_path):
    folder(tmp_path)
    (tmp_path / 'train' / 'cat' / '1.png').write_bytes(b'no image')
    with pytest.raises(UserError, match=r'cat/1\.png'):
        Classify(functools.partial(image_folder(), root=str(tmp_path)))


def test_labels_that_are_no_class_are_refused():
    class Attributes:
        def __len__(self):
            return 4

        def __getitem__(self, index):
            return Image.new('L', (5, 5)), torch.zeros(40)

    with pytest.raises(UserError, match='one class'):
        Classify(Attributes)


@pytest.fixture
def photos(tmp_path):
    """A folder of 48 images of different sizes in 3 classes, some gray."""
    rng = np.random.default_rng(0)
    for part, count in ('train', 12), ('test', 4):
        for name in ('ape', 'cat', 'dog'):
            (tmp_path / 'photos' / part / name).mkdir(parents=True)
            for i in range(count):
                shape = (12 + i, 10, 3) if i else (12, 10)
                Image.fromarray(rng.integers(0, 256, shape, np.uint8)).save(
                    tmp_path / 'photos' / part / name / f'{i}.png'
                )
    return tmp_path / 'photos'


def batches(data, count):
    dataset = Dataset(data.train, 7, seed=1, transform={'RandomHorizontalFlip': {}}, mean=data.statistics[0])
    return [next(dataset.batches()) for _ in range(count)]


def test_streamed_and_preloaded_batches_are_equal(photos):
    data = {stream: ImageData(image_folder(), {'root': photos}, '', stream=stream) for stream in (True, False)}
    assert isinstance(data[True].train.obs, Decoded) and isinstance(data[False].train.obs, torch.Tensor)
    for streamed, preloaded in zip(*(batches(data[stream], 12) for stream in (True, False)), strict=True):
        assert torch.equal(streamed.obs, preloaded.obs) and torch.equal(streamed.label, preloaded.label)
    assert data[True].statistics == data[False].statistics and data[True].class_names == ['ape', 'cat', 'dog']
    suites = [Classify(functools.partial(image_folder(), root=str(photos)), num_envs=5, train=False, stream=stream)
              for stream in (True, False)]  # fmt: skip
    frames = [[suite.reset(), *(suite.step(np.zeros((5, 3))).obs for _ in range(4))] for suite in suites]
    assert np.array_equal(*frames)


def test_what_does_not_fit_is_streamed(photos, monkeypatch, capsys):
    size = 36 * 3 * 10 * 10
    for left, streamed in (2 * size, False), (2 * size - 1, True):
        monkeypatch.setattr('Datasets.Images.Decode.memory_left', lambda left=left: left)
        data = ImageData(image_folder(), {'root': photos}, '', keep=None)
        assert isinstance(data.train.obs, Decoded) == streamed
        assert ('ImageFolder is streamed: 1.08e-05 GB at 10x10 pixels' in capsys.readouterr().out) == streamed
        for path in photos.parent.glob('photos.prepared/*'):
            path.unlink()


def test_a_broken_image_that_is_streamed_is_named(photos):
    data = ImageData(image_folder(), {'root': photos}, '', stream=True)
    broken = photos / 'train' / 'cat' / '1.png'
    broken.write_bytes(broken.read_bytes()[:60])
    with pytest.raises(UserError, match=r'cat/1\.png'):
        batches(data, 6)


def test_memory_that_is_left():
    assert 1e6 < memory_left() < 1e14
