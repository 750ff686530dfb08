"""Mixtures of images and labels."""

import numpy as np
import pytest
import torch

from Datasets.Images.Dataset import Dataset
from Datasets.Images.ImageData import Images
from Datasets.Images.MixUp import Mixtures
from Support.Errors import UserError

COUNT, CLASSES = 60, 3


@pytest.fixture
def images():
    """Class k is of brightness 100 k throughout."""
    label = torch.arange(COUNT) % CLASSES
    return Images((100 * label).view(-1, 1, 1, 1).expand(-1, 2, 8, 8).to(torch.uint8), label)


@pytest.mark.parametrize('config', [{'MixUp': {'alpha': 1.0}}, {'CutMix': {}}, {'MixUp': None, 'CutMix': None}])
def test_an_image_is_as_bright_as_its_label_says(images, config):
    for number in range(5):
        obs, label = Mixtures(config, CLASSES)(*images, number)
        assert obs.dtype == torch.uint8 and label.dtype == torch.float32 and label.shape == (COUNT, CLASSES)
        torch.testing.assert_close(label.sum(1), torch.ones(COUNT))
        expected = label @ torch.tensor([0.0, 100.0, 200.0])
        torch.testing.assert_close(obs.float().mean((1, 2, 3)), expected, atol=0.51, rtol=0)  # of rounding
        assert ((label > 0).sum(1) == 2).any() and (label.max(1).values == 1).any()  # own class met, or another


def test_cutmix_pastes_one_rectangle(images):
    obs, label = Mixtures({'CutMix': {}}, CLASSES)(*images, 0)
    for image, share, own in zip(obs, label, images.label, strict=True):
        pasted = image[0] != 100 * own
        rows, columns = pasted.any(1).nonzero(), pasted.any(0).nonzero()
        if len(rows):
            assert pasted[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
            assert share[own] == pytest.approx(1 - pasted.float().mean().item())


def test_mixup_draws_its_shares_from_the_beta_distribution(images):
    """Beta(a, a) has variance 1 / (4 (2 a + 1))."""
    mix = Mixtures({'MixUp': {'alpha': 0.4}}, CLASSES)
    shares = []
    for number in range(100):
        label = mix(*images, number)[1]
        own = label[torch.arange(COUNT), images.label]
        shares += own[own < 1].tolist()  # of pairs of two classes
    assert np.mean(shares) == pytest.approx(0.5, abs=0.02)
    assert np.var(shares) == pytest.approx(1 / (4 * 1.8), rel=0.05)


def test_draws_are_a_function_of_seed_and_batch(images):
    mix = Mixtures({'CutMix': {}, 'MixUp': {}}, CLASSES)
    first, again, other = mix(*images, 3), mix(*images, 3), mix(*images, 4)
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
    assert not torch.equal(first[0], other[0])


def test_a_missing_label_is_a_row_of_zeros(images):
    label = Mixtures({'MixUp': {}}, CLASSES)(images.obs, torch.full((COUNT,), -1), 0)[1]
    assert not label.any()


def test_a_data_set_gives_mixed_batches_and_keeps_its_own(images):
    before = images.obs.clone()
    memory = Dataset(images, 16, mix={'MixUp': {}}, classes=5)
    batch = next(memory.batches())
    assert batch.obs.shape == (16, 2, 8, 8) and batch.label.shape == (16, 5)
    assert torch.equal(images.obs, before)


@pytest.mark.parametrize(
    ('config', 'words'),
    [({'Mixup': {}}, 'Nearest: MixUp'), ({'MixUp': {'beta': 1}}, 'beta'), ({'CutMix': {'alpha': 0}}, 'alpha')],
)
def test_mistakes_are_named(config, words):
    with pytest.raises(UserError, match=words):
        Mixtures(config, CLASSES)
