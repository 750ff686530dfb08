"""Classification learns from labels, from reward alone, and from both."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from Agents import DQNAgent
from Datasets.Experience import Spec
from Datasets.Images.Dataset import Dataset
from Datasets.Suites.Classify import Digits
from Support.RandomState import seed_everything
from tests.make import make


@pytest.fixture(scope='module')
def digits():
    data = Digits()
    order = np.random.default_rng(0).permutation(len(data))
    obs = torch.from_numpy(data.data[order]).unsqueeze(1)
    return SimpleNamespace(obs=obs, label=torch.from_numpy(np.asarray(data.targets)[order]).long())


def part(digits, start, stop):
    return SimpleNamespace(obs=digits.obs[start:stop], label=digits.label[start:stop])


def train(images, updates, batch_size=64, **arguments):
    seed_everything(1)
    spec = Spec((1, 8, 8), 'uint8', (10,), 10, kind='classify', mean=(78.0,), std=(96.0,))
    agent = make(DQNAgent, spec, hidden_dim=128, **{'lr': 2e-3} | arguments)
    memory = Dataset(images, batch_size)
    for step in range(updates):
        agent.step = step
        agent.learn(memory)
    return agent


def accuracy(agent, images):
    return float((agent.act(images.obs.numpy(), explore=False).argmax(-1) == images.label.numpy()).mean())


def test_labels_fit_64_digits(digits):
    few = part(digits, 0, 64)
    agent = train(few, 60, RL=False)
    assert accuracy(agent, few) == 1
    assert agent.logs['supervised_loss'] < 0.1  # bounded logits would stay at 0.8


@pytest.mark.parametrize('precision', ['fp32', 'bf16'])
def test_labels_generalize(precision, digits):
    agent = train(part(digits, 0, 1400), 150, RL=False, precision=precision)
    assert accuracy(agent, part(digits, 1400, None)) > 0.9


def test_reward_and_labels(digits):
    agent = train(part(digits, 0, 1400), 150, stddev_schedule=0.2)
    assert accuracy(agent, part(digits, 1400, None)) > 0.9


def test_reward_alone(digits):
    """The actor sees no label: it follows a critic that has learned the error of its predictions.

    Logits differ by units, so exploration needs a deviation of that size: with 0.2 accuracy stays near 10 %.
    """
    agent = train(part(digits, 0, 1400), 800, 32, supervise=False, stddev_schedule=2.0, lr='linear(2e-3,0,800)')
    assert accuracy(agent, part(digits, 1400, None)) > 0.6  # 0.82 to 0.95 over five seeds
