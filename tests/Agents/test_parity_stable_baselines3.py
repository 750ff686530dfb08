"""Updates of A2C, PPO, DQN, SAC and TD3 beside stable-baselines3's, from equal weights, experience and noise.

Source: stable-baselines3 2.9.2 (Raffin et al., JMLR 22(268), 2021) on torch 2.14.1. Its own `collect_rollouts` and
`train` gave the numbers, see vectors/make_stable_baselines3.py. Bounds are a few times what was measured; parameters
move by 0.03 to 0.1 meanwhile.
"""

from functools import partial

import pytest
import torch

from Agents import A2CAgent, DQNAgent, PPOAgent, SACAgent, TD3Agent
from tests.Agents.parity import (
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
ROLLOUT = {'trace': 0.9, 'entropy_coef': 0.01, 'value_coef': 0.5, 'clip_grad_norm': 0.5, 'target_tau': 1}
RMSPROP = partial(torch.optim.RMSprop, alpha=0.99, eps=1e-5)
PPO = ROLLOUT | {'optimizer': partial(torch.optim.Adam, eps=1e-5), 'clip': 0.1, 'epochs': 4}


@pytest.mark.parametrize('actions', SPECS)
def test_a2c(actions, tmp_path):
    """stable_baselines3/a2c/a2c.py (arXiv:1602.01783): a rollout with terminals and time limits, one RMSprop step."""
    data = vectors(f'stable_baselines3_a2c_{actions}')
    agent = like_peer(A2CAgent, SPECS[actions], data, 'Tanh', **ROLLOUT, normalize=False, optimizer=RMSPROP)
    assert_appraised(learn_rollout(agent, data, tmp_path / 'rollout'), data, atol=3e-6)
    assert_parts(agent, after(data), atol=6e-6)


@pytest.mark.parametrize('actions', SPECS)
def test_ppo(actions, tmp_path):
    """stable_baselines3/ppo/ppo.py (arXiv:1707.06347): the same, four epochs of Adam."""
    data = vectors(f'stable_baselines3_ppo_{actions}')
    agent = like_peer(PPOAgent, SPECS[actions], data, 'Tanh', **PPO, normalize=False)
    assert_appraised(learn_rollout(agent, data, tmp_path / 'rollout'), data, atol=3e-6)
    assert_parts(agent, after(data), atol=1e-6)
    assert agent.logs['kl'] > 0.001  # far enough for ratios to be clipped


@pytest.mark.parametrize('actions', SPECS)
def test_ppo_with_normalized_advantages(actions, tmp_path):
    """The same, with advantages of deviation 1: divided by n - 1 there, by n here (32 steps: 1.6 %)."""
    data = vectors(f'stable_baselines3_ppo_{actions}_normalized')
    agent = like_peer(PPOAgent, SPECS[actions], data, 'Tanh', **PPO, normalize=True)
    learn_rollout(agent, data, tmp_path / 'rollout')
    assert_parts(agent, after(data), atol=2e-4)


def test_dqn(monkeypatch):
    """stable_baselines3/dqn/dqn.py (doi:10.1038/nature14236): three updates; Huber loss, moving target."""
    data = vectors('stable_baselines3_dqn')
    agent = like_peer(DQNAgent, DISCRETE, data, double=False, huber=True, clip_grad_norm=0.5)
    check(agent, data, ('critic', 'target_critic'), 3e-7, monkeypatch, {'critic_loss': ('critic_loss', 1)})


def test_sac(monkeypatch):
    """stable_baselines3/sac/sac.py (arXiv:1812.05905): three updates of critics, actor and temperature.

    Made with the bounds of log deviations that are used here, a tanh onto -5..2; stable-baselines3 clamps to -20..2.
    Its log-density adds 1e-6 to 1 - tanh^2, which moves losses by 4e-6 of their size."""
    data = vectors('stable_baselines3_sac')
    agent = like_peer(SACAgent, CONTINUOUS, data, temperature=0.5)
    losses = {'critic_loss': ('critic_loss', 1), 'soft_actor_loss': ('actor_loss', 1)}
    check(agent, data, ('critic', 'target_critic', 'actor', 'temperature'), 1e-6, monkeypatch, losses)


TD3 = {'target_period': 1, 'stddev_schedule': 0.0, 'optimizer': partial(torch.optim.Adam, eps=1e-10)}


def test_td3(monkeypatch):
    """stable_baselines3/td3/td3.py (arXiv:1802.09477): three updates of all parts, with one critic.

    With two, the actor climbs the first there and the least here. There the actor's loss has no noise, so here too."""
    data = vectors('stable_baselines3_td3_one_critic')
    agent = like_peer(TD3Agent, CONTINUOUS, data, **TD3, num_critics=1)
    losses = {'critic_loss': ('critic_loss', 1), 'actor_loss': ('actor_loss', 1)}
    check(agent, data, ('critic', 'target_critic', 'actor', 'target_actor'), 3e-7, monkeypatch, losses)


def test_td3_critics(monkeypatch):
    """The same with two critics: both, and their targets, after the first update; then the actors differ."""
    data = vectors('stable_baselines3_td3')
    agent = like_peer(TD3Agent, CONTINUOUS, data, **TD3)
    next(learn(agent, data, monkeypatch))
    assert_parts(agent, {part: data[part][0] for part in ('critic', 'target_critic')}, atol=3e-7)
    torch.testing.assert_close(2 * agent.logs['critic_loss'], data['critic_loss'][0])  # a sum there, a mean here


@pytest.mark.parametrize(
    ('name', 'cls', 'spec', 'factor', 'settings'),
    [
        ('dqn', DQNAgent, DISCRETE, 1, {'double': False}),
        ('sac', SACAgent, CONTINUOUS, 1, {'temperature': 0.5}),
        ('td3', TD3Agent, CONTINUOUS, 2, TD3),
    ],
)
def test_losses_under_autocast(name, cls, spec, factor, settings, monkeypatch):
    """In bf16 the first loss of the critics is that of fp32 within 0.5 %."""
    data = vectors(f'stable_baselines3_{name}')
    agent = like_peer(cls, spec, data, **settings, precision='bf16')
    next(learn(agent, data, monkeypatch))
    torch.testing.assert_close(factor * agent.logs['critic_loss'], data['critic_loss'][0], rtol=5e-3, atol=0)


@pytest.mark.parametrize('actions', SPECS)
def test_appraisal_under_autocast(actions, tmp_path):
    """In bf16 advantages (of size 1) are those of fp32 within 0.02."""
    data = vectors(f'stable_baselines3_ppo_{actions}')
    agent = like_peer(PPOAgent, SPECS[actions], data, 'Tanh', **PPO, normalize=False, precision='bf16')
    assert_appraised(learn_rollout(agent, data, tmp_path / 'rollout'), data, atol=0.02)
