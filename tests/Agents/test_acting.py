"""Acting: greedy in evaluation, explored by the schedule in training, uniform in the beginning."""

import numpy as np
import pytest
import torch

from Agents import DQNAgent, RandomAgent
from Datasets.Experience import Spec
from tests.make import make

DISCRETE = Spec((3,), 'float32', (), 4)
CONTINUOUS = Spec((3,), 'float32', (2,), None)
DIGITS = Spec((1, 8, 8), 'uint8', (5,), 5, kind='classify')
STATES = np.random.default_rng(0).normal(size=(400, 3)).astype(np.float32)


def build(spec=DISCRETE, Agent=DQNAgent, **arguments):
    return make(Agent, spec, hidden_dim=16, trunk_dim=8, **arguments)


def greedy(agent):
    return agent.act(STATES, explore=False)


def frequencies(action):
    return np.bincount(action, minlength=4) / len(action)


def test_evaluation_is_greedy_however_the_agent_explores():
    agent = build(epsilon=1.0, explore_steps=100)
    best = agent.creator.critic(agent.creator.encoder(torch.from_numpy(STATES)))
    assert (greedy(agent) == best[0].argmax(-1).numpy()).all()
    assert greedy(agent).dtype == np.int64 and greedy(agent).shape == (400,)


def test_epsilon_follows_its_schedule():
    agent = build(epsilon='linear(1.0,0.0,10)')
    for step, epsilon in ((0, 1.0), (5, 0.5), (10, 0.0), (99, 0.0)):
        agent.step = step
        changed = np.mean([(agent.act(STATES) != greedy(agent)).mean() for _ in range(10)])
        assert changed == pytest.approx(0.75 * epsilon, abs=0.04)  # a quarter of random choices is the best


def test_the_first_steps_are_uniform():
    agent = build(epsilon=0.0, explore_steps=10)
    assert np.abs(frequencies(np.concatenate([agent.act(STATES) for _ in range(10)])) - 0.25).max() < 0.04
    agent.step = 10
    assert (agent.act(STATES) == greedy(agent)).all()
    agent = build(CONTINUOUS, epsilon=0.0, explore_steps=10)
    action = agent.act(STATES)
    assert action.shape == (400, 2) and action.dtype == np.float32 and np.abs(action).max() <= 1
    assert np.abs(action.mean(0)).max() < 0.15 and np.abs(action.std(0) - 3**-0.5).max() < 0.06


def test_predictions_are_explored_logits():
    images = np.zeros((300, 1, 8, 8), np.uint8)
    agent = build(DIGITS, stddev_schedule=0.5)
    assert np.ptp(agent.act(images, explore=False), axis=0).max() < 1e-6  # one image, one prediction
    assert agent.act(images).std(0) == pytest.approx(0.5, abs=0.1)


def test_random_acts_at_random_in_evaluation_too():
    for explore in (True, False):
        action = build(Agent=RandomAgent).act(np.zeros((4000, 3), np.float32), explore)
        assert np.abs(frequencies(action) - 0.25).max() < 0.04
        action = build(CONTINUOUS, RandomAgent).act(np.zeros((4000, 3), np.float32), explore)
        assert action.shape == (4000, 2) and np.abs(action).max() <= 1 and np.abs(action.mean()) < 0.04
    prediction = build(DIGITS, RandomAgent).act(np.zeros((4000, 1, 8, 8), np.uint8))
    assert np.abs(np.bincount(prediction.argmax(-1)) / 4000 - 0.2).max() < 0.04


def test_acting_leaves_batch_statistics_alone():
    agent = build(DIGITS)
    agent.train()
    before = [buffer.clone() for buffer in agent.creator.buffers()]
    agent.act(np.full((4, 1, 8, 8), 255, np.uint8))
    assert all((now == old).all() for now, old in zip(agent.creator.buffers(), before, strict=True))


@pytest.mark.parametrize('precision', ['fp32', 'bf16'])
def test_created_images_are_bytes(precision):
    images = build(DIGITS, generate=True, precision=precision).domain.create(260)  # more than one part
    assert images.shape == (260, 1, 8, 8) and str(images.dtype) == 'torch.uint8' and images.float().std() > 0
