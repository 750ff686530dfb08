"""Actions of several heads: what each agent makes of them."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import distributions

from Agents import DQNAgent, DrQV2Agent, PPOAgent, RandomAgent, SACAgent, SPRAgent, TD3Agent
from Blocks.Actors import Proposals, choose_largest
from Blocks.Distributions import Joint, OneHot, SquashedGaussian
from Datasets.Experience import Spec
from tests.make import make

SPEC = Spec((3,), 'float32', (2 + 3 + 2,), None, one_hots=(3, 2))  # two continuous entries, two choices
BUTTONS = Spec((3,), 'float32', (5,), None, one_hots=(3, 2))
ODDS = torch.tensor([[0.25, 0.25, 0.5]])


def valid(action, spec=SPEC):
    """Whether actions [N, A] hold continuous entries in [-1, 1] and one-hots."""
    continuous, *choices = np.split(action, np.cumsum([spec.continuous, *spec.one_hots])[:-1], -1)
    ones = all(((choice == 0) | (choice == 1)).all() and (choice.sum(-1) == 1).all() for choice in choices)
    return ones and np.abs(continuous).max(initial=0) <= 1


@pytest.mark.parametrize('spec', [SPEC, BUTTONS], ids=['both', 'choices'])
@pytest.mark.parametrize('Agent', [DQNAgent, DrQV2Agent, TD3Agent, SACAgent, SPRAgent, RandomAgent])
def test_actions_are_valid_however_one_acts(Agent, spec):
    agent, obs = make(Agent, spec, hidden_dim=8, trunk_dim=8, explore_steps=10), np.zeros((300, 3), np.float32)
    for agent.step, explore in ((0, True), (10, True), (10, False)):  # at random; explored; greedy
        action = agent.act(obs, explore)
        assert action.shape == (300, *spec.action_shape) and action.dtype == np.float32 and valid(action, spec)


def test_random_choices_are_uniform():
    action = make(RandomAgent, SPEC).act(np.zeros((6000, 3), np.float32))
    assert np.abs(action[:, 2:].mean(0) - [1 / 3, 1 / 3, 1 / 3, 1 / 2, 1 / 2]).max() < 0.03
    assert np.abs(action[:, :2].mean(0)).max() < 0.04 and np.abs(action[:, :2].std(0) - 3**-0.5).max() < 0.02


def test_proposals_are_valid():
    proposals = Proposals(50, SPEC.action_shape, SPEC.one_hots)(torch.zeros(4, 1))
    assert proposals.shape == (4, 50, 7) and valid(proposals.flatten(0, 1).numpy())
    assert choose_largest(torch.tensor([[5.0, 0.2, 0.3]]), (2,)).tolist() == [[5.0, 0.0, 1.0]]


def test_smoothing_moves_continuous_entries_alone():
    """TD3's target: noise around what the actor does, and one-hots that stay whole."""
    agent = make(TD3Agent, SPEC, hidden_dim=8, trunk_dim=8, target_noise=5.0, noise_clip=0.1)
    seen, forward = [], agent.target.critic.forward
    agent.target.critic.forward = lambda features, action: seen.append(action) or forward(features, action)
    obs = torch.randn(300, 3)
    agent.next_value(SimpleNamespace(next_obs=obs))
    noise = (seen[0] - agent.target.policy(obs).mode())[:, :2]
    assert 0.09 < noise.abs().max() <= 0.1 + 1e-6 and valid(seen[0].detach().numpy())


@pytest.mark.parametrize(
    ('spec', 'target'),
    [
        (SPEC, -2 + 0.5 * math.log(3) + 0.5 * math.log(2)),
        (BUTTONS, 0.5 * math.log(6)),
        (Spec((3,), 'float32', (), 4), 0.5 * math.log(4)),
        (Spec((3,), 'float32', (2,), None), -2),
    ],
)
def test_the_target_entropy_counts_every_head(spec, target):
    assert make(SACAgent, spec, hidden_dim=8).target_entropy == pytest.approx(target)


def test_soft_value_of_two_heads_by_hand():
    agent = make(SACAgent, Spec((3,), 'float32', (4,), None, one_hots=(3,)), hidden_dim=8, temperature=0.5)
    policy = Joint([SquashedGaussian(torch.tensor([[0.3]]), torch.tensor([[0.2]])), OneHot(ODDS.log())], [1, 3])
    agent.creator.policy = lambda features, noise=0.0: policy
    agent.target.critic.forward = lambda features, action: torch.stack([action @ torch.tensor([3.0, 1, 2, 3])] * 2)
    value = agent.next_value(SimpleNamespace(next_obs=torch.zeros(1, 3)))
    x, one = policy.own
    log_prob = policy.policies[0].log_prob(x) + ODDS[one.bool()].log()
    torch.testing.assert_close(value, 3 * x[:, 0] + one @ torch.tensor([1.0, 2, 3]) - 0.5 * log_prob)


def test_what_ppo_did_is_as_likely_when_it_is_read_back():
    agent = make(PPOAgent, SPEC, hidden_dim=8, trunk_dim=8)
    features = torch.randn(50, 3)
    action = torch.from_numpy(agent.act(features.numpy()))
    vector, first, second = agent.creator.policy(features).policies
    normal = distributions.Normal(vector.mean, vector.std)
    choices = [distributions.Categorical(logits=head.logits) for head in (first, second)]
    expected = normal.log_prob(action[:, :2]).sum(-1)
    expected = expected + choices[0].log_prob(action[:, 2:5].argmax(-1)) + choices[1].log_prob(action[:, 5:].argmax(-1))
    torch.testing.assert_close(agent.creator.policy(features).log_prob(action), expected)
