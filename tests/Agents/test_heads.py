"""Actions of several heads: policies by hand, and what each agent makes of them."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import distributions

from Agents import DQNAgent, DrQV2Agent, PPOAgent, RandomAgent, SACAgent, SPRAgent, TD3Agent
from Blocks.Actors import Proposals, choose_largest
from Blocks.Creator import Heads, Normal, pick, propose, squash, steer
from Blocks.Distributions import Categorical, Gaussian, Joint, OneHot, SquashedGaussian
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


# Policies


def test_one_hot_by_hand():
    policy = OneHot(ODDS.log())
    assert policy.mode().tolist() == [[0, 0, 1]]
    for index, odds in enumerate(ODDS[0]):
        assert policy.log_prob(torch.eye(3)[index].unsqueeze(0)).item() == pytest.approx(math.log(odds))
    assert policy.entropy().item() == pytest.approx(1.5 * math.log(2))
    assert OneHot(ODDS.log(), epsilon=0.3).log_prob(torch.eye(3)[2:]).exp().item() == pytest.approx(0.7 * 0.5 + 0.1)
    draws = OneHot(ODDS.log().expand(20_000, 3)).sample()
    assert draws.sum(-1).eq(1).all() and (draws.mean(0) - ODDS[0]).abs().max() < 0.015


def test_the_gradient_of_a_one_hot_is_that_of_its_probabilities():
    logits, weight = ODDS.log().requires_grad_(), torch.tensor([1.0, 2.0, 4.0])
    sample = OneHot(logits).rsample()
    assert sorted(sample[0].tolist()) == [0, 0, 1]  # exactly
    (sample * weight).sum().backward()
    p, mean = ODDS[0], 0.25 + 0.5 + 2
    torch.testing.assert_close(logits.grad[0], p * (weight - mean))  # of sum(p * weight)


def test_the_entropy_gradient_of_samples_is_right_on_average():
    """log pi(a) of a straight-through sample a: what SAC takes for its entropy."""
    logits = ODDS.log().expand(100_000, 3).clone().requires_grad_()
    policy = OneHot(logits)
    policy.expect(policy.log_prob).sum().backward()
    wanted = ODDS.log().requires_grad_()
    OneHot(wanted).entropy().backward()
    torch.testing.assert_close(logits.grad.mean(0), -wanted.grad[0], atol=0.01, rtol=0)


def test_a_joint_is_the_sum_of_its_parts():
    mean, std = torch.tensor([[0.5, -1.0]]), 0.5
    joint = Joint([Gaussian(mean, std), OneHot(ODDS.log())], [2, 3])
    assert joint.mode().tolist() == [[0.5, -1.0, 0, 0, 1]]
    normal, choice = distributions.Normal(mean, std), distributions.Categorical(ODDS)
    action = torch.tensor([[0.0, 0.0, 0, 1, 0]])
    expected = normal.log_prob(torch.zeros(1, 2)).sum(-1) + math.log(0.25)
    torch.testing.assert_close(joint.log_prob(action), expected)
    torch.testing.assert_close(joint.entropy(), normal.entropy().sum(-1) + choice.entropy())
    assert joint.sample().shape == (1, 5) and joint.sample()[0, 2:].sum() == 1


def test_a_joint_knows_its_own_sample_exactly():
    """Where tanh cannot be inverted."""
    joint = Joint([SquashedGaussian(torch.full((1, 1), 20.0), torch.ones(1)), OneHot(ODDS.log())], [1, 3])
    action = joint.rsample()
    assert action[0, 0] == 1 and joint.log_prob(action).item() > 30 > joint.log_prob(action.clone()).item()


# The actor's outputs, shared out


def act(spec, choice, steering, width=1, batch=4):
    decide = Heads(spec, choice, steering, width)
    outputs = torch.randn(batch, *decide.outputs)
    return outputs, decide(SimpleNamespace(actor=lambda features: features), outputs, 0.1)


def test_each_head_decides_over_its_own_outputs():
    outputs, policy = act(SPEC, pick, steer)
    vector, first, second = policy.policies
    assert torch.equal(vector.mode(), outputs[:, :2].tanh())
    assert torch.equal(first.logits, outputs[:, 2:5]) and torch.equal(second.logits, outputs[:, 5:])
    assert first.epsilon == 0.1 and policy.sizes == [2, 3, 2]
    outputs, policy = act(SPEC, propose, squash, width=2)
    assert outputs.shape == (4, 2 * 2 + 3 + 2)
    assert torch.equal(policy.mode()[:, :2], outputs[:, :2].tanh()) and policy.policies[1].epsilon == 0


def test_one_head_decides_alone():
    assert type(act(Spec((3,), 'float32', (), 4), pick, steer)[1]) is Categorical
    assert type(act(Spec((3,), 'float32', (2,), None), pick, steer)[1]) is Gaussian
    assert type(act(BUTTONS._replace(action_shape=(3,), one_hots=(3,)), pick, steer)[1]) is OneHot
    assert [type(policy) for policy in act(BUTTONS, pick, steer)[1].policies] == [OneHot, OneHot]


def test_a_learned_deviation_is_a_parameter_where_something_is_continuous():
    assert [tuple(p.shape) for p in Heads(SPEC, pick, Normal(2)).parameters()] == [(2,)]
    assert not list(Heads(BUTTONS, pick, Normal(0)).parameters())


# Agents


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
