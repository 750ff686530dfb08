"""Every agent solves tasks whose solution is known, with discrete and with continuous actions."""

import numpy as np
import pytest
import torch

from Agents import (
    A2CAgent,
    DQNAgent,
    DrQV2Agent,
    IQLAgent,
    PPOAgent,
    RainbowAgent,
    SACAgent,
    SPRAgent,
    TD3Agent,
    TD3BCAgent,
)
from Blocks.Architectures import Noisy
from Datasets.Replay.Replay import Replay
from Datasets.Replay.Rollout import Rollout
from Environment import Environment
from Support.RandomState import seed_everything
from tests.learning.tasks import Bits, Chain, Identity, Number, Recall
from tests.make import make

TWO = {'num_critics': 2}
NOISY = {'epsilon': 0.0, 'atoms': 21, 'support': (-2.0, 6.0), 'dueling': True, 'huber': False,
         'recipes': {'critic': {'q_head': Noisy}}}  # fmt: skip
AGENTS = {
    'DQN': (DQNAgent, {'epsilon': 0.2}),
    'DQN Boltzmann': (DQNAgent, {'temperature': 0.2}),
    'Rainbow': (RainbowAgent, NOISY),
    'DrQV2': (DrQV2Agent, TWO | {'stddev_schedule': 0.3}),
    'TD3': (TD3Agent, TWO | {'stddev_schedule': 0.3}),
    'TD3BC': (TD3BCAgent, TWO | {'stddev_schedule': 0.3}),
    'IQL': (IQLAgent, TWO | {'stddev_schedule': 0.3, 'beta': 10.0}),
    'SAC': (SACAgent, TWO | {'temperature': 0.1}),
    'SPR': (SPRAgent, {'epsilon': 0.2, 'projection_dim': 16, 'stddev_schedule': 0.3}),
    'A2C': (A2CAgent, {'lr': 7e-3}),
    'PPO': (PPOAgent, {'epochs': 4}),
}


def train(name, task, path, steps, discount=0.9, **arguments):
    """Returns an agent after `steps` steps of 8 environments; on-policy agents learn at every eighth."""
    seed_everything(1)
    Agent, own = AGENTS[name]
    environment = Environment(task(seed=1))
    agent = make(Agent, task.spec, **dict(hidden_dim=64, trunk_dim=32, lr=3e-3, target_tau=0.05) | own | arguments)
    options = dict(num_envs=8, capacity=10_000, batch_size=64, discount=discount, seed=0)
    if agent.on_policy:
        memory, period = Rollout(task.spec, path, **options), 8
    else:
        memory, period = Replay(task.spec, path, horizon=3 if name == 'SPR' else 0, **options), 1
    for step in range(1, steps + 1):
        environment.rollout(agent, memory)
        agent.step += 8
        if step % period == 0 and (step > 20 or agent.on_policy):
            agent.learn(memory)
    return agent


@pytest.mark.parametrize('name', AGENTS)
def test_identity(name, tmp_path):
    steps = 1120 if AGENTS[name][0] in (A2CAgent, PPOAgent) else 210
    agent = train(name, Identity, tmp_path / 'memory', steps, discount=0.5)
    assert agent.act(np.eye(4, dtype=np.float32), explore=False).tolist() == [0, 1, 2, 3]
    assert Environment(Identity(seed=2)).evaluate(agent, 16)['reward'] == 5


@pytest.mark.parametrize('name', [name for name in AGENTS if name not in ('DQN Boltzmann', 'Rainbow')])
def test_continuous_identity(name, tmp_path):
    steps = 2240 if AGENTS[name][0] in (A2CAgent, PPOAgent) else 350
    agent = train(name, Number, tmp_path / 'memory', steps, discount=0.0, **({'log_std': -1.0} if steps > 2000 else {}))
    observed = np.linspace(-0.9, 0.9, 19, dtype=np.float32)[:, None]
    error = np.abs(agent.act(observed, explore=False) - observed)
    assert error.mean() < 0.15 and error.max() < 0.4  # at random 0.63
    assert Environment(Number(seed=2)).evaluate(agent, 16)['reward'] > 5 * 0.7  # at random -1.7


@pytest.mark.parametrize('name', ['DQN', 'DrQV2', 'TD3', 'SAC', 'SPR', 'PPO'])
def test_two_choices_at_once(name, tmp_path):
    agent = train(name, Bits, tmp_path / 'memory', 560 if name == 'PPO' else 210, discount=0.0)
    assert Environment(Bits(seed=2)).evaluate(agent, 16)['reward'] == 5
    ones = agent.act(np.eye(4, dtype=np.float32), explore=False).reshape(4, 2, 2)
    assert ones.argmax(-1).tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]


@pytest.mark.parametrize('name', [name for name in AGENTS if name not in ('TD3BC', 'IQL')])  # see test_offline.py
def test_chain(name, tmp_path):
    """Right is best everywhere, but only the last step pays: values must propagate back over five states."""
    steps = {'A2C': 1120, 'PPO': 1120, 'TD3': 500}.get(name, 350)
    agent = train(name, Chain, tmp_path / 'memory', steps, explore_steps=0 if steps > 1000 else 10**9)
    states = np.eye(5, dtype=np.float32)
    assert agent.act(states, explore=False).tolist() == [1] * 5
    if agent.on_policy:
        return
    with torch.no_grad():
        q = agent.creator.critic(agent.creator.encoder(torch.from_numpy(states))).amin(0).numpy()
    if name not in ('SAC', 'Rainbow'):  # SAC's values include entropy; Rainbow's are bounded by its support
        assert np.abs(q[:, 1] - 0.9 ** np.arange(4, -1, -1.0)).max() < 0.1


@pytest.mark.parametrize(
    ('name', 'memory', 'solved'), [('PPO', 'LSTM', True), ('A2C', 'LSTM', True), ('PPO', 'Forgetful', False)]
)
def test_recall(name, memory, solved, tmp_path):
    """Only an agent with memory can name a sign seen two steps before."""
    agent = train(name, Recall, tmp_path / 'memory', 1600, memory=memory, entropy_coef=0.01)
    reward = Environment(Recall(seed=2)).evaluate(agent, 200)['reward']
    assert reward == 1 if solved else 0.3 < reward < 0.7
