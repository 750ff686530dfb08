"""Policies: one protocol, checked against counts and torch.distributions."""

import math

import pytest
import torch
from torch import distributions

from Blocks.Distributions import Categorical, EpsilonGreedy, Gaussian, Joint, OneHot, Prediction, SquashedGaussian

Q = torch.tensor([[1.0, 3.0, 2.0, 0.0], [5.0, 5.0, -1.0, 0.0]])  # best: 1 | 0, the first of a tie
ODDS = torch.tensor([[0.25, 0.25, 0.5]])


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
    with pytest.raises(TypeError, match='use `expect`'):
        EpsilonGreedy(Q).rsample()


@pytest.mark.parametrize('epsilon', [0.0, 0.3, 1.0])
def test_categorical_against_torch(epsilon):
    policy = Categorical(Q * 3, epsilon)
    reference = distributions.Categorical(probs=epsilon / 4 + (1 - epsilon) * (Q * 3).softmax(-1))
    torch.testing.assert_close(policy.probs, reference.probs, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(policy.entropy(), reference.entropy(), rtol=1e-4, atol=1e-4)
    index = torch.tensor([1, 3])
    torch.testing.assert_close(policy.log_prob(index), reference.log_prob(index), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(policy.log_prob(None).gather(1, index[:, None])[:, 0], policy.log_prob(index))
    counts = torch.nn.functional.one_hot(Categorical(Q.repeat(20_000, 1) * 3, epsilon).sample(), 4)
    torch.testing.assert_close(counts.view(-1, 2, 4).float().mean(0), reference.probs, atol=0.015, rtol=0)
    assert policy.mode().tolist() == [1, 0]


def test_expectations_over_choices_are_exact_and_differentiable():
    logits = torch.log(torch.tensor([[0.2, 0.8], [0.5, 0.5]])).requires_grad_()
    value = Categorical(logits).expect(lambda action: torch.tensor([[10.0, 20.0], [0.0, 4.0]]))
    assert value.tolist() == pytest.approx([18.0, 2.0])
    value[0].backward()
    assert logits.grad[0].tolist() == pytest.approx([-1.6, 1.6])  # p_i (q_i - value)


def test_a_sure_choice_has_no_entropy_and_a_finite_gradient():
    logits = torch.tensor([[200.0, 0.0]], requires_grad=True)
    Categorical(logits).entropy().sum().backward()
    assert Categorical(logits).entropy().item() == 0 and logits.grad.isfinite().all()


def test_squashed_gaussian_against_torch():
    mean, std = torch.randn(4000, 2), torch.rand(4000, 2) + 0.1
    reference = distributions.Independent(
        distributions.TransformedDistribution(
            distributions.Normal(mean, std), distributions.TanhTransform(cache_size=1)
        ),
        1,
    )
    policy = SquashedGaussian(mean, std)
    action = reference.sample()
    inside = (action.abs() < 0.999).all(1)
    torch.testing.assert_close(
        policy.log_prob(action)[inside], reference.log_prob(action)[inside], rtol=1e-3, atol=1e-3
    )
    assert policy.rsample().abs().max() <= 1 and torch.equal(policy.mode(), mean.tanh())


def test_squashed_gaussian_knows_its_own_sample_exactly():
    """tanh of 12 rounds to 1, whose inverse is infinite; the density is that of the normal over the slope of tanh."""
    policy = SquashedGaussian(torch.tensor([[12.0]]), torch.tensor([[1e-6]]))
    own = policy.log_prob(policy.rsample()).item()
    before = policy.before.double().item()
    slope = math.log(4) - 2 * before  # 1 - tanh(x)^2 = 4 exp(-2 x) for large x
    normal = -0.5 * ((before - 12) / 1e-6) ** 2 - math.log(1e-6) - 0.5 * math.log(2 * math.pi)
    assert own == pytest.approx(normal - slope, rel=1e-4)
    assert policy.entropy().item() == pytest.approx(-own)


def test_noise_is_cut_for_learning_but_not_for_acting():
    policy = Gaussian(torch.zeros(5000, 1), 0.2, -1.0, 1.0, clip=0.3)
    assert policy.rsample().abs().max() <= 0.3 < policy.sample().abs().max()


def test_gaussian_with_a_learned_deviation():
    log_std = torch.tensor([0.0, -1.0], requires_grad=True)
    mean, x = torch.randn(3, 2), torch.randn(3, 2)
    policy, reference = (
        Gaussian(mean, log_std.exp()),
        distributions.Independent(distributions.Normal(mean, log_std.exp()), 1),
    )
    torch.testing.assert_close(policy.log_prob(x), reference.log_prob(x))
    torch.testing.assert_close(policy.entropy(), reference.entropy())
    policy.entropy().sum().backward()
    assert log_std.grad.tolist() == [3.0, 3.0]


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
