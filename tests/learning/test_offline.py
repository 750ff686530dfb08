"""Offline agents learn from recorded behavior, and do better than it where rewards show how."""

from types import SimpleNamespace

import numpy as np
import pytest

from Agents import BCAgent, DQNAgent, DrQV2Agent, IQLAgent, SACAgent, SPRAgent, TD3Agent, TD3BCAgent
from Datasets.Replay.Replay import Replay
from Environment import Environment
from Support.RandomState import seed_everything
from tests.learning.tasks import Bits, Chain, Identity, Number
from tests.make import make

CONSERVATIVE = {'conservative': 0.1}
AGENTS = {
    'BC': (BCAgent, {}),
    'TD3BC': (TD3BCAgent, {'num_critics': 2, 'target_period': 1}),
    'IQL': (IQLAgent, {'num_critics': 2, 'beta': 10.0}),
    'CQL, discrete': (DQNAgent, CONSERVATIVE),
    'CQL': (SACAgent, CONSERVATIVE | {'temperature': 0.1}),
    'DQN': (DQNAgent, {}),
    'DrQV2': (DrQV2Agent, {}),
    'TD3': (TD3Agent, {}),
    'SAC': (SACAgent, {'temperature': 0.1}),
    'SPR': (SPRAgent, {'projection_dim': 16}),
}


def learn(name, task, path, behave, updates=200, discount=0.9):
    """Returns an agent trained on 2,400 steps of `behave(observations [N, D], random) -> actions [N, ...]`."""
    seed_everything(1)
    Agent, own = AGENTS[name]
    environment, random = Environment(task(seed=1)), np.random.default_rng(1)
    horizon = 3 if name == 'SPR' else 0
    replay = Replay(task.spec, path, 8, capacity=4000, batch_size=64, discount=discount, horizon=horizon)
    for _ in range(300):
        environment.rollout(SimpleNamespace(act=lambda obs, first: behave(obs, random)), replay)
    agent = make(Agent, task.spec, **dict(hidden_dim=32, trunk_dim=32, lr=5e-3, target_tau=0.1) | own)
    for _ in range(updates):
        agent.learn(replay)
    return agent


def evaluate(agent, task):
    return Environment(task(seed=2)).evaluate(agent, 16)['reward']


def at_random(obs, random):
    return random.integers(2, size=len(obs))


# Cloning


def often_right(obs, random):
    """Names the right class 2 times in 5, each other class once in 5."""
    return np.where(random.random(len(obs)) < 0.2, obs.argmax(-1), random.integers(4, size=len(obs)))


def near(obs, random):
    return (obs + 0.3 * random.normal(size=obs.shape)).clip(-1, 1).astype(np.float32)


def both_bits(obs, random):
    state = often_right(obs, random)
    return np.concatenate([np.eye(2)[state // 2], np.eye(2)[state % 2]], -1).astype(np.float32)


@pytest.mark.parametrize(
    ('task', 'behave', 'best'), [(Identity, often_right, 5), (Number, near, 5 * 0.75), (Bits, both_bits, 5)]
)
def test_cloning_gives_the_most_frequent_action(task, behave, best, tmp_path):
    """Cloning leaves the noise out: the recorded behavior itself earns 2.6 on Number, and 2 on classes."""
    assert evaluate(learn('BC', task, tmp_path / 'replay', behave), task) >= best


# Better than the recorded behavior


@pytest.mark.parametrize('name', [name for name in AGENTS if name != 'BC'])
def test_values_propagate_back_through_random_behavior(name, tmp_path):
    agent = learn(name, Chain, tmp_path / 'replay', at_random, updates=300)
    assert agent.act(np.eye(5, dtype=np.float32), explore=False).tolist() == [1] * 5


@pytest.mark.parametrize(('name', 'least'), [('TD3BC', 0.3), ('IQL', 0.5), ('CQL', 0.3), ('SAC', 0.5), ('TD3', 0.5)])
def test_better_than_continuous_actions_at_random(name, least, tmp_path):
    """Cloning would give 0, which earns 0 on average."""
    agent = learn(name, Number, tmp_path / 'replay', lambda obs, random: random.uniform(-1, 1, obs.shape), 300, 0.0)
    assert evaluate(agent, Number) > 5 * least


@pytest.mark.parametrize('name', ['BC', 'TD3BC', 'IQL', 'CQL, discrete', 'CQL'])
def test_actions_that_were_never_tried_are_not_chosen(name, tmp_path):
    """No recorded action names the last class, so agents choose another action in its state too."""
    agent = learn(name, Identity, tmp_path / 'replay', lambda obs, random: random.integers(3, size=len(obs)))
    assert (agent.act(np.eye(4, dtype=np.float32), explore=False) < 3).all()
