"""Images of any source in one form: folders, stored arrays, sizes, splits and settings."""

import functools

import numpy as np
import pytest
import torch
from PIL import Image

from Datasets.Images.ImageData import ImageData, Images, stored_images
from Datasets.Suites.Classify import Classify, Digits, load_images
from Support.Errors import UserError
from tests.Datasets.Images.fakes import fake, folder, image_folder


def test_a_channel_of_one_value_has_std_1(tmp_path):
    folder(tmp_path, colours={'a': (9, 0, 0), 'b': (9, 4, 0)})
    data = ImageData(image_folder(), {'root': tmp_path}, '')
    assert data.statistics == ((9, 2, 0), (1, 2, 1))


def test_mini_takes_some_of_every_class():
    data = load_images(Digits, mini=True)
    assert len(data.train.label) == 1438  # fewer than there might be
    many = ImageData(fake(5000), {}, '', mini=True)
    assert len(many.train.label) == 2000 and len(many.test.label) == 500
    assert many.train.label.bincount().min() > 100  # they come sorted by class


class Stored:
    def __init__(self, data, targets):
        self.data, self.targets = data, targets


@pytest.mark.parametrize(
    ('data', 'shape'),
    [
        (torch.zeros(5, 7, 6, dtype=torch.uint8), (1, 7, 6)),  # MNIST
        (np.zeros((5, 7, 6, 3), np.uint8), (3, 7, 6)),  # CIFAR10
        (np.zeros((5, 3, 7, 6), np.uint8), (3, 7, 6)),  # SVHN, STL10
        (np.zeros((5, 7, 6), np.float32), None),
        ([1, 2, 3, 4, 5], None),  # file names
    ],
)
def test_stored_arrays_are_taken_as_they_are(data, shape):
    stored = stored_images(Stored(data, [0, 1, 2, 3, 4]))
    assert (stored and tuple(stored.obs.shape[1:])) == shape
    assert stored is None or (isinstance(stored, Images) and stored.label.dtype == torch.int64)


def test_labels_of_several_columns_are_not_taken(tmp_path):
    assert stored_images(Stored(torch.zeros(5, 7, 6, dtype=torch.uint8), torch.zeros(5, 8))) is None  # QMNIST


def test_stored_and_decoded_images_are_equal():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (10, 7, 6, 3), np.uint8)

    class Decoded:
        def __len__(self):
            return 10

        def __getitem__(self, index):
            return Image.fromarray(pixels[index]), index % 3

    class Kept(Decoded):
        def __init__(self):
            self.data, self.targets = pixels, [i % 3 for i in range(10)]

    kept, decoded = ImageData(Kept, {}, ''), ImageData(Decoded, {}, '')
    assert torch.equal(kept.train.obs, decoded.train.obs) and torch.equal(kept.test.label, decoded.test.label)


def test_folder_with_train_and_test(tmp_path):
    folder(tmp_path)
    suite = Classify(functools.partial(image_folder(), root=str(tmp_path)), num_envs=2, train=False)
    assert suite.class_names == ['cat', 'dog'] and suite.spec.obs_shape == (3, 4, 5) and suite.episodes == 6
    assert suite.data.train.obs[0, :, 0, 0].tolist() == [10, 20, 30]


def test_folder_of_classes_is_split(tmp_path):
    folder(tmp_path, parts=['.'], count=10)
    data = ImageData(image_folder(), {'root': tmp_path}, '')
    assert len(data.train.label) == 16 and len(data.test.label) == 4


def test_a_test_folder_is_numbered_by_the_training_folder(tmp_path):
    folder(tmp_path)
    folder(tmp_path, parts=['train'], colours={'ape': (0, 0, 0)})
    data = ImageData(image_folder(), {'root': tmp_path}, '')
    assert data.class_names == ['ape', 'cat', 'dog'] and data.test.label.unique().tolist() == [1, 2]
    folder(tmp_path, parts=['test'], colours={'yak': (0, 0, 0)})
    with pytest.raises(UserError, match='yak'):
        ImageData(image_folder(), {'root': tmp_path}, '').test  # noqa: B018


@pytest.mark.parametrize('settings', [{'stream': 'maybe'}, {'workers': 0}, {'workers': 'many'}])
def test_wrong_settings_are_one_sentence(settings):
    with pytest.raises(UserError, match=f'suite.{next(iter(settings))} is'):
        Classify(Digits, **settings)
