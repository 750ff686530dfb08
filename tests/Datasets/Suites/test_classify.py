"""Classify: each test item once, labels, statistics, one copy of the images."""

import functools

import numpy as np
import pytest
import torch

from Datasets.Images.ImageData import ImageData
from Datasets.Suites.Classify import Classify, Digits, load_images
from Support.Files import PROJECT

SHARED = PROJECT.parent / 'shared' / 'datasets'


def evaluate(suite, policy):
    """Labels and rewards of len(test) episodes, dealt out by turns."""
    obs, labels, rewards = suite.reset(), [], []
    for done in range(0, suite.episodes, suite.num_envs):
        step = suite.step(policy(obs))
        share = min(suite.num_envs, suite.episodes - done)
        labels += step.label[:share].tolist()
        rewards += step.reward[:share].tolist()
        obs = step.obs
    return np.array(labels), np.array(rewards)


@pytest.mark.parametrize('num_envs', [1, 7, 1000])
def test_evaluation_plays_each_test_item_once(num_envs):
    suite = Classify(Digits, num_envs=num_envs, train=False)
    labels, rewards = evaluate(suite, lambda obs: np.eye(10)[np.full(num_envs, 3)])
    assert suite.episodes == 359
    assert np.array_equal(labels, suite.data.test.label.numpy())
    assert np.array_equal(rewards, labels == 3)


def test_env_i_plays_items_i_and_n_later():
    suite = Classify(Digits, num_envs=4, train=False)
    images = suite.data.test.obs.numpy()
    assert np.array_equal(suite.reset(), images[:4])
    step = suite.step(np.zeros((4, 10)))
    assert np.array_equal(step.final_obs, images[:4]) and np.array_equal(step.obs, images[4:8])
    assert step.terminated.all() and not step.truncated.any()


def test_training_plays_every_item_once_per_epoch():
    suite = Classify(Digits, num_envs=2, seed=1)
    suite.reset()
    epochs = [np.concatenate([suite.step(np.zeros((2, 10))).label for _ in range(719)]) for _ in range(2)]
    expected = np.bincount(suite.data.train.label.numpy())
    assert all(np.array_equal(np.bincount(epoch), expected) for epoch in epochs)
    assert not np.array_equal(*epochs)


def test_digits_are_split_once_and_for_all():
    data = load_images(Digits)
    assert len(data.train.label) == 1438 and len(data.test.label) == 359
    assert data.train.obs.dtype == torch.uint8 and data.train.obs.shape[1:] == (1, 8, 8)
    assert data.train.obs.min() == 0 and data.train.obs.max() == 255
    images = {image.numpy().tobytes() for image in torch.cat([data.train.obs, data.test.obs])}
    assert images == {image.tobytes() for image in Digits().data}
    assert torch.equal(ImageData(Digits, {}, '').test.label, data.test.label)


def test_training_evaluation_and_replay_share_the_images():
    assert Classify(Digits).data is Classify(functools.partial(Digits), train=False).data
    assert Classify({'_target_': 'Datasets.Suites.Classify.Digits'}).data is Classify(Digits).data


def test_mean_and_std_of_the_training_pixels():
    data = load_images(Digits)
    pixels = data.train.obs.double()
    assert data.statistics[0] == pytest.approx([pixels.mean().item()])
    assert data.statistics[1] == pytest.approx([pixels.std(correction=0).item()])
    assert Classify(Digits, train=False).spec.mean == data.statistics[0]


def test_mnist_in_torchvisions_layout():
    if not (SHARED / 'MNIST').is_dir():
        pytest.skip('needs ../shared/datasets/MNIST')
    from torchvision.datasets import MNIST

    suite = Classify(MNIST, SHARED, num_envs=8, train=False)
    assert suite.episodes == 10000 and suite.spec.obs_shape == (1, 28, 28) and suite.spec.num_actions == 10
    assert suite.spec.mean == pytest.approx((33.3184,), abs=1e-3) and suite.spec.std == pytest.approx(
        (78.5675,), abs=1e-3
    )
    assert suite.class_names[7] == '7 - seven'
    image, label = MNIST(SHARED, train=False)[5]
    assert np.array_equal(suite.data.test.obs[5, 0].numpy(), image) and suite.data.test.label[5] == label
