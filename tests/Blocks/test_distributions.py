"""Policies: one protocol, checked against counts and torch.distributions."""

import math

import pytest
import torch
from torch import distributions

from Blocks.Distributions import EpsilonGreedy, Gaussian, Prediction

Q = torch.tensor([[1.0, 3.0, 2.0, 0.0], [5.0, 5.0, -1.0, 0.0]])  # best: 1 | 0, the first of a tie


@pytest.mark.parametrize('epsilon', [0.0, 0.3, 1.0])
def test_epsilon_greedy_probabilities_and_frequencies(epsilon):
    policy = EpsilonGreedy(Q, epsilon)
    expected = torch.full((2, 4), epsilon / 4)
    expected[0, 1] += 1 - epsilon
    expected[1, 0] += 1 - epsilon
    torch.testing.assert_close(policy.probs, expected)
    many = EpsilonGreedy(Q.repeat(20_000, 1), epsilon)
    counts = torch.nn.functional.one_hot(many.sample(), 4).view(-1, 2, 4).float().mean(0)
    torch.testing.assert_close(counts, expected, atol=0.015, rtol=0)  # four deviations of 20,000 draws
    assert policy.mode().tolist() == [1, 0]


def test_epsilon_greedy_log_prob_and_entropy():
    policy = EpsilonGreedy(Q, 0.3)
    reference = distributions.Categorical(probs=policy.probs)
    for index in torch.tensor([[0, 0], [1, 3]]):
        torch.testing.assert_close(policy.log_prob(index), reference.log_prob(index))
    torch.testing.assert_close(policy.entropy(), reference.entropy())
    assert EpsilonGreedy(Q).entropy().tolist() == [0, 0]  # 0 log 0 is 0


def test_rows_explore_independently():
    explored = EpsilonGreedy(Q[:1].repeat(4000, 1), 0.5).sample() != 1
    assert 0.33 < explored.float().mean() < 0.42  # 0.5 * 3 / 4


def test_proposals_are_gathered_row_by_row():
    proposals = torch.arange(2 * 4 * 3).view(2, 4, 3).float()
    assert EpsilonGreedy(Q, 0.0, proposals).mode().tolist() == [proposals[0, 1].tolist(), proposals[1, 0].tolist()]
    sample = EpsilonGreedy(Q, 1.0, proposals).sample()
    assert all(row.tolist() in options.tolist() for row, options in zip(sample, proposals, strict=True))


def test_choices_have_no_gradient():
    with pytest.raises(TypeError, match='train an agent with an actor'):
        EpsilonGreedy(Q).rsample()


def test_gaussian_against_torch():
    mean, std = torch.randn(5, 2, 3), 0.4
    policy, reference = Gaussian(mean, std), distributions.Independent(distributions.Normal(mean, std), 2)
    x = torch.randn(5, 2, 3)
    torch.testing.assert_close(policy.log_prob(x), reference.log_prob(x))
    torch.testing.assert_close(policy.entropy(), reference.entropy())
    assert torch.equal(policy.mode(), mean)
    draws = Gaussian(torch.full((50_000, 1), 0.5), std).sample()
    assert abs(draws.mean() - 0.5) < 0.01 and abs(draws.std() - std) < 0.01


def test_clamp_passes_the_gradient_straight_through():
    mean = torch.tensor([[-3.0, 0.2, 3.0]], requires_grad=True)
    sample = Gaussian(mean, 0.1, -1.0, 1.0).rsample()
    assert sample[0, 0] == -1 and sample[0, 2] == 1 and abs(sample[0, 1]) < 1
    sample.sum().backward()
    assert mean.grad.tolist() == [[1.0, 1.0, 1.0]]


def test_sample_carries_no_gradient_and_is_the_mean_without_noise():
    mean = torch.randn(3, 2, requires_grad=True)
    assert not Gaussian(mean, 0.5).sample().requires_grad
    assert torch.equal(Gaussian(mean, 0.0).rsample(), mean)


def test_prediction_is_a_categorical_over_labels():
    logits, label = torch.randn(6, 4) * 20, torch.tensor([0, 1, 2, 3, 0, 1])
    policy, reference = Prediction(logits, 0.3), distributions.Categorical(logits=logits)
    torch.testing.assert_close(policy.log_prob(label), reference.log_prob(label))
    torch.testing.assert_close(policy.entropy(), reference.entropy())
    assert torch.equal(policy.mode(), logits) and logits.abs().max() > 10  # unbounded
    total = sum(policy.log_prob(torch.full((6,), k)).exp() for k in range(4))
    torch.testing.assert_close(total, torch.ones(6))
    draws = Prediction(torch.zeros(50_000, 1), 0.3).sample()
    assert abs(draws.std() - 0.3) < math.sqrt(1 / 50_000)
