"""DQN solves tasks whose solution is known: the identity, and a chain that needs bootstrapping."""

import numpy as np
import torch

from Agents import DQNAgent
from Datasets.Replay.Replay import Replay
from Environment import Environment
from Support.RandomState import seed_everything
from tests.learning.tasks import Chain, Identity, Number
from tests.make import make


def train(task, path, updates, nstep=1, discount=0.9, **arguments):
    seed_everything(1)
    environment = Environment(task(seed=1))
    common = dict(hidden_dim=64, trunk_dim=32, lr=3e-3, target_tau=0.05, explore_steps=10**9)
    agent = make(DQNAgent, task.spec, **common | arguments)
    replay = Replay(task.spec, path, 8, capacity=10_000, batch_size=64, nstep=nstep, discount=discount)
    for step in range(updates):
        environment.rollout(agent, replay)
        agent.step += 8
        if step > 20:
            agent.learn(replay)
    return agent


def test_discrete_identity(tmp_path):
    agent = train(Identity, tmp_path / 'replay', 300, discount=0.5)
    assert agent.act(np.eye(4, dtype=np.float32), explore=False).tolist() == [0, 1, 2, 3]
    assert Environment(Identity(seed=2)).evaluate(agent, 16)['reward'] == 5


def test_continuous_identity_through_proposals(tmp_path):
    agent = train(Number, tmp_path / 'replay', 400, discount=0.0, num_proposals=64)
    observed = np.linspace(-0.9, 0.9, 19, dtype=np.float32)[:, None]
    error = np.abs(agent.act(observed, explore=False) - observed)
    assert error.mean() < 0.15 and error.max() < 0.4  # at random 0.63
    assert Environment(Number(seed=2)).evaluate(agent, 16)['reward'] > 5 * 0.7  # at random -1.7


def chain_values(discount=0.9):
    """Q*(s, a) [5, 2]: discount^(4 - s) for right; for left the discounted value of the next state."""
    value = discount ** np.arange(4, -1, -1.0)
    left = discount * value[[0, 0, 1, 2, 3]]
    return np.stack([left, value], 1)


def learned(path, updates=400, **arguments):
    """Q(s, a) [5, 2] after `updates` updates on random actions."""
    agent = train(Chain, path, updates, **arguments)
    states = np.eye(5, dtype=np.float32)
    with torch.no_grad():
        q = agent.creator.critic(agent.creator.encoder(torch.from_numpy(states))).amin(0).numpy()
    assert agent.act(states, explore=False).tolist() == q.argmax(1).tolist()
    return q


def test_chain_values_are_the_analytic_ones(tmp_path):
    for name, arguments in {'double': {}, 'single': {'double': False}, 'dueling': {'dueling': True}}.items():
        q = learned(tmp_path / name, **arguments)
        assert np.abs(q - chain_values()).max() < 0.02, name
        assert q.argmax(1).tolist() == [1] * 5


def test_chain_without_target_network(tmp_path):
    q = learned(tmp_path / 'replay', 1600, target_tau=1, target_period=1, lr=1e-3)
    assert np.abs(q - chain_values()).max() < 0.2  # without a target network: 0.04 to 0.14 over three seeds
    assert q.argmax(1).tolist() == [1] * 5


def test_nstep_returns_of_random_actions_have_lower_values(tmp_path):
    """Uncorrected three-step returns follow the random policy before they bootstrap: at most the optimal values."""
    q = learned(tmp_path / 'replay', nstep=3)
    assert (q < chain_values() + 0.08).all() and (q < chain_values() - 0.1).any()
    assert abs(q[4, 1] - 1) < 0.15 and q[2:].argmax(1).tolist() == [1] * 3
