"""Updates of PPO, DQN, C51, SAC and TD3 beside CleanRL's, from equal weights, experience and noise.

Source: github.com/vwxyzjn/cleanrl at fe8d8a0 (2.0.0b1, April 2026; Huang et al., JMLR 23(274), 2022) on torch 2.14.1.
The update of its scripts, run as it stands there, gave the numbers, see vectors/make_cleanrl.py. Bounds are a few times
what was measured; parameters move by 0.03 meanwhile. Losses of two critics are a sum there and a mean here.
"""

from functools import partial

import pytest
import torch

from Agents import DQNAgent, PPOAgent, SACAgent, TD3Agent
from tests.Agents.parity import (
    CHOICES,
    CONTINUOUS,
    DISCRETE,
    after,
    assert_appraised,
    assert_parts,
    check,
    learn,
    learn_rollout,
    like_peer,
    vectors,
)

SPECS = {'discrete': DISCRETE, 'continuous': CONTINUOUS}
ADAM = partial(torch.optim.Adam, eps=1e-10)  # so that the scale of a loss does not count


@pytest.mark.parametrize('actions', SPECS)
def test_ppo(actions, tmp_path):
    """cleanrl/ppo.py, ppo_continuous_action.py (arXiv:1707.06347): a rollout with terminals, four epochs.

    Values are clipped, too. CleanRL halves the squared error before it weighs it by 0.5, so the weight is 0.25 here."""
    data = vectors(f'cleanrl_ppo_{actions}')
    agent = like_peer(PPOAgent, SPECS[actions], data, 'Tanh', trace=0.9, entropy_coef=0.01, value_coef=0.25, epochs=4,
                      clip_grad_norm=0.5, clip=0.1, clip_value=0.1, normalize=False, target_tau=1,
                      optimizer=partial(torch.optim.Adam, eps=1e-5))  # fmt: skip
    assert_appraised(learn_rollout(agent, data, tmp_path / 'rollout'), data, atol=2e-6)
    assert_parts(agent, after(data), atol=1e-6)


DQN = {'double': False, 'huber': False}
C51 = {'double': False, 'atoms': 11, 'support': (-3.0, 3.0), 'target_tau': 1.0, 'target_period': 1,
       'optimizer': partial(torch.optim.Adam, eps=0.01 / 16)}  # fmt: skip


def test_dqn(monkeypatch):
    """cleanrl/dqn.py (doi:10.1038/nature14236): three updates; squared error, moving target."""
    data = vectors('cleanrl_dqn')
    agent = like_peer(DQNAgent, DISCRETE, data, **DQN)
    check(agent, data, ('critic', 'target_critic'), 3e-7, monkeypatch, {'critic_loss': ('critic_loss', 1)})


def test_c51(monkeypatch):
    """cleanrl/c51.py (arXiv:1707.06887): three updates, the target copied after each."""
    data = vectors('cleanrl_c51')
    agent = like_peer(DQNAgent, DISCRETE, data, **C51)
    check(agent, data, ('critic',), 3e-7, monkeypatch, {'distribution_loss': ('critic_loss', 1)})


SAC = {'temperature': 0.5, 'rates': {'temperature': 0.0}, 'optimizer': ADAM}


def test_sac(monkeypatch):
    """cleanrl/sac_continuous_action.py (arXiv:1812.05905): three updates of critics and actor, temperature given.

    Its log-density adds 1e-6 to 1 - tanh^2, which moves losses by 2e-6 of their size."""
    data = vectors('cleanrl_sac')
    agent = like_peer(SACAgent, CONTINUOUS, data, **SAC)
    losses = {'critic_loss': ('critic_loss', 2), 'soft_actor_loss': ('actor_loss', 1)}
    check(agent, data, ('critic', 'target_critic', 'actor'), 2e-5, monkeypatch, losses)


def test_discrete_sac(monkeypatch):
    """cleanrl/sac_atari.py (arXiv:1910.07207): three updates. The actor's loss is a mean over actions too there."""
    data = vectors('cleanrl_sac_discrete')
    agent = like_peer(SACAgent, DISCRETE, data, **SAC)
    losses = {'critic_loss': ('critic_loss', 2), 'soft_actor_loss': ('actor_loss', 1 / CHOICES)}
    check(agent, data, ('critic', 'target_critic', 'actor'), 3e-6, monkeypatch, losses)


TD3 = {'target_period': 2, 'rates': {'actor': 0.0}, 'optimizer': ADAM}


def test_td3_critics(monkeypatch):
    """cleanrl/td3_continuous_action.py (arXiv:1802.09477): three updates beside an actor that rests (it climbs the
    first critic there, the least here), targets moved after the second."""
    data = vectors('cleanrl_td3')
    agent = like_peer(TD3Agent, CONTINUOUS, data, **TD3)
    check(agent, data, ('critic', 'target_critic'), 3e-7, monkeypatch, {'critic_loss': ('critic_loss', 2)})


@pytest.mark.parametrize(
    ('name', 'cls', 'spec', 'factor', 'settings'),
    [
        ('dqn', DQNAgent, DISCRETE, 1, DQN),
        ('sac', SACAgent, CONTINUOUS, 2, SAC),
        ('sac_discrete', SACAgent, DISCRETE, 2, SAC),
        ('td3', TD3Agent, CONTINUOUS, 2, TD3),
    ],
)
def test_losses_under_autocast(name, cls, spec, factor, settings, monkeypatch):
    """In bf16 the first loss of the critics is that of fp32 within 0.5 %."""
    data = vectors(f'cleanrl_{name}')
    agent = like_peer(cls, spec, data, **settings, precision='bf16')
    next(learn(agent, data, monkeypatch))
    torch.testing.assert_close(factor * agent.logs['critic_loss'], data['critic_loss'][0], rtol=5e-3, atol=0)
