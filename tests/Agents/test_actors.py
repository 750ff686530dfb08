"""Targets and losses of the agents with an actor, against numbers worked by hand."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from Agents import DrQV2Agent, SACAgent, TD3Agent
from Blocks.Distributions import Categorical, Gaussian, SquashedGaussian
from Datasets.Experience import Spec
from Support.Errors import UserError
from tests.make import make

DISCRETE = Spec((3,), 'float32', (), 2)
CONTINUOUS = Spec((3,), 'float32', (1,), None, -np.ones(1), np.ones(1))
LOGITS = torch.log(torch.tensor([[0.25, 0.75]]))
Q = torch.tensor([[[2.0, 6.0]], [[4.0, 5.0]]])  # two critics, one state, two actions: least 2 and 5


def build(Agent, spec, **arguments):
    torch.manual_seed(0)
    return make(Agent, spec, trunk_dim=8, hidden_dim=16, **arguments)


def fix(agent, policy, q):
    """Every actor proposes `policy`, every critic scores `q`."""
    for creator in (agent.creator, agent.target):
        creator.policy = lambda features, noise=0.0: policy
        creator.critic.forward = lambda features, action=None: q(action)


@pytest.mark.parametrize('Agent', [DrQV2Agent, TD3Agent])
def test_value_of_choices_is_their_exact_expectation(Agent):
    agent = build(Agent, DISCRETE)
    fix(agent, Categorical(LOGITS), lambda action: Q)
    batch = SimpleNamespace(obs=torch.zeros(1, 3), next_obs=torch.zeros(1, 3))
    assert agent.next_value(batch).item() == pytest.approx(0.25 * 2 + 0.75 * 5)
    assert agent.actor_loss(batch).item() == pytest.approx(-(0.25 * 2 + 0.75 * 5))


@pytest.mark.parametrize('Agent', [DrQV2Agent, TD3Agent])
def test_value_of_an_action_is_the_least_of_the_critics(Agent):
    agent = build(Agent, CONTINUOUS)
    fix(agent, Gaussian(torch.tensor([[0.5]])), lambda action: torch.stack([3 * action[:, 0], 4 - action[:, 0]]))
    batch = SimpleNamespace(obs=torch.zeros(1, 3), next_obs=torch.zeros(1, 3))
    assert agent.next_value(batch).item() == pytest.approx(1.5)
    assert agent.actor_loss(batch).item() == pytest.approx(-1.5)


def test_soft_value_of_choices_by_hand():
    agent = build(SACAgent, DISCRETE, temperature=0.5)
    fix(agent, Categorical(LOGITS), lambda action: Q)
    batch = SimpleNamespace(obs=torch.zeros(1, 3), next_obs=torch.zeros(1, 3))
    value = 0.25 * (2 - 0.5 * math.log(0.25)) + 0.75 * (5 - 0.5 * math.log(0.75))
    assert agent.next_value(batch).item() == pytest.approx(value)
    assert agent.soft_actor_loss(batch).item() == pytest.approx(-value)
    assert agent.logs['entropy'].item() == pytest.approx(-0.25 * math.log(0.25) - 0.75 * math.log(0.75))


def test_soft_value_of_an_action_counts_its_own_probability():
    agent = build(SACAgent, CONTINUOUS, temperature=0.5)
    policy = SquashedGaussian(torch.tensor([[0.3]]), torch.tensor([[0.2]]))
    fix(agent, policy, lambda action: torch.stack([3 * action[:, 0], 4 - action[:, 0]]))
    value = agent.next_value(SimpleNamespace(next_obs=torch.zeros(1, 3)))
    assert value.item() == pytest.approx((3 * policy.after - 0.5 * policy.log_prob(policy.after)).item())


@pytest.mark.parametrize(('entropy', 'rises'), [(-3.0, True), (2.0, False)])
def test_temperature_rises_while_the_entropy_is_below_its_target(entropy, rises):
    agent = build(SACAgent, CONTINUOUS)
    assert agent.target_entropy == -1
    agent.entropy = torch.tensor(entropy)
    agent.temperature_loss(None).backward()
    assert (agent.creator.temperature.log.grad < 0) == rises


@pytest.mark.parametrize('temperature', ['linear(1,0.1,500)', 0, -1.0, None])
def test_a_temperature_that_is_no_start_is_refused_with_one_sentence(temperature):
    with pytest.raises(UserError, match=r'a number above 0, not .*: agent\.temperature=0\.1$'):
        build(SACAgent, CONTINUOUS, temperature=temperature)


def test_the_soft_actor_moves_but_neither_critic_nor_temperature_do_with_it():
    agent = build(SACAgent, CONTINUOUS)
    batch = SimpleNamespace(obs=torch.randn(4, 3))
    loss = agent.soft_actor_loss(batch)
    loss.backward()
    assert all(parameter.grad.any() for parameter in agent.creator.actor.parameters())
    assert agent.creator.temperature.log.grad is None


def test_td3_smooths_its_target_and_cuts_the_noise():
    agent = build(TD3Agent, CONTINUOUS, target_noise=5.0, noise_clip=0.1)
    agent.creator.actor = None  # the target's own actor proposes
    seen = []
    forward = agent.target.critic.forward
    agent.target.critic.forward = lambda features, action: seen.append(action) or forward(features, action)
    obs = torch.randn(500, 3)
    agent.next_value(SimpleNamespace(next_obs=obs))
    noise = seen[0] - agent.target.policy(obs).mode()
    assert 0.09 < noise.abs().max() <= 0.1 + 1e-6 and (noise.abs() > 0.09).float().mean() > 0.9


def test_drqv2_proposes_with_the_present_actor():
    agent = build(DrQV2Agent, CONTINUOUS)
    agent.target.actor = agent.target.encoder = None  # only the critics are slow
    assert agent.next_value(SimpleNamespace(next_obs=torch.randn(4, 3))).shape == (4,)
