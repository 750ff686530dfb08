"""What makes policies of actors and critics, by hand."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from Blocks.Creator import (
    Creator,
    Heads,
    UnboundedGaussian,
    action_values,
    boltzmann,
    categorical,
    clamped_gaussian,
    epsilon_categorical,
    epsilon_greedy,
    paint,
    predict,
    squashed_gaussian,
)
from Blocks.Distributions import Categorical, EpsilonGreedy, Gaussian, OneHot, Prediction, SquashedGaussian
from Datasets.Experience import Spec

BOTH = Spec((3,), 'float32', (2 + 3 + 2,), None, one_hots=(3, 2))  # two continuous entries, two choices
BUTTONS = Spec((3,), 'float32', (5,), None, one_hots=(3, 2))
Q = torch.tensor([[[1.0, 5.0]], [[3.0, 2.0]]])  # [E, B, A]: the minima are 1 and 2


def creator(decide, actor=None, q=Q):
    made = Creator(nn.Identity(), None, None, decide)
    made.actor, made.critic = actor, (lambda features, proposals: q)
    return made


# Policies of a critic


def test_scores_are_the_minima_of_the_ensemble():
    q, proposals = action_values(creator(epsilon_greedy), torch.zeros(1, 3))
    assert q.tolist() == [[1, 2]] and proposals is None
    actions = torch.tensor([[[0.5], [-0.5]]])
    assert action_values(creator(epsilon_greedy, lambda features: actions), torch.zeros(1, 3))[1] is actions


def test_epsilon_greedy_by_hand():
    policy = creator(epsilon_greedy)(torch.zeros(1, 3), 0.2)
    assert type(policy) is EpsilonGreedy and policy.mode().tolist() == [1]
    assert policy.probs[0].tolist() == pytest.approx([0.1, 0.9])


def test_boltzmann_is_a_softmax_at_a_temperature():
    policy = creator(boltzmann)(torch.zeros(1, 3), 0.5)
    assert policy.probs[0].tolist() == pytest.approx((torch.tensor([1.0, 2.0]) / 0.5).softmax(-1).tolist())
    assert creator(boltzmann)(torch.zeros(1, 3), 0.0).probs[0].tolist() == [0, 1]  # greedy


def test_proposals_are_actions():
    actions = torch.tensor([[[0.5], [-0.5]]])
    assert creator(epsilon_greedy, lambda features: actions)(torch.zeros(1, 3)).mode().tolist() == [[-0.5]]


# Policies of an actor


def test_predictions_and_images():
    logits = torch.randn(2, 4)
    policy = creator(predict, lambda features: logits)(None, 0.3)
    assert type(policy) is Prediction and torch.equal(policy.mode(), logits) and policy.std == pytest.approx(0.3)
    policy = creator(paint, lambda features: torch.full((2, 1, 2, 2), 0.9))(None, 1.0)
    assert type(policy) is Gaussian and policy.sample().abs().max() <= 1


def act(spec, choice, steering, width=1, batch=4):
    decide = Heads(spec, choice, steering, width)
    outputs = torch.randn(batch, *decide.outputs)
    return outputs, decide(SimpleNamespace(actor=lambda features: features), outputs, 0.1)


def test_each_head_decides_over_its_own_outputs():
    outputs, policy = act(BOTH, epsilon_categorical, clamped_gaussian)
    vector, first, second = policy.policies
    assert torch.equal(vector.mode(), outputs[:, :2].tanh())
    assert torch.equal(first.logits, outputs[:, 2:5]) and torch.equal(second.logits, outputs[:, 5:])
    assert first.epsilon == 0.1 and policy.sizes == [2, 3, 2]
    outputs, policy = act(BOTH, categorical, squashed_gaussian, width=2)
    assert outputs.shape == (4, 2 * 2 + 3 + 2)
    assert torch.equal(policy.mode()[:, :2], outputs[:, :2].tanh()) and policy.policies[1].epsilon == 0


def test_one_head_decides_alone():
    heads = epsilon_categorical, clamped_gaussian
    assert type(act(Spec((3,), 'float32', (), 4), *heads)[1]) is Categorical
    assert type(act(Spec((3,), 'float32', (2,), None), *heads)[1]) is Gaussian
    assert type(act(BUTTONS._replace(action_shape=(3,), one_hots=(3,)), *heads)[1]) is OneHot
    assert [type(policy) for policy in act(BUTTONS, *heads)[1].policies] == [OneHot, OneHot]


def test_a_learned_deviation_is_a_parameter_where_something_is_continuous():
    assert [tuple(p.shape) for p in Heads(BOTH, epsilon_categorical, UnboundedGaussian(2)).parameters()] == [(2,)]
    assert not list(Heads(BUTTONS, epsilon_categorical, UnboundedGaussian(0)).parameters())


def test_squashed_gaussian_keeps_log_deviations_between_low_and_high():
    outputs = torch.tensor([[0.5, 100.0], [0.5, -100.0], [0.5, 0.0]])
    policy = squashed_gaussian(outputs, noise=9.0, low=-4.0, high=2.0)
    assert type(policy) is SquashedGaussian and torch.equal(policy.mean, outputs[:, :1])
    torch.testing.assert_close(policy.std.log().flatten(), torch.tensor([2.0, -4.0, -1.0]))


def test_clamped_gaussian_clips_the_noise_of_learning():
    policy = clamped_gaussian(torch.zeros(1000, 1), noise=2.0, clip=0.3)
    assert policy.rsample().abs().max() <= 0.3 < policy.sample().abs().max() <= 1


def test_unbounded_gaussian_has_one_deviation_for_all_states():
    policy = UnboundedGaussian(2, log_std=-1.0)(torch.randn(5, 2), noise=9.0)
    assert policy.std.tolist() == pytest.approx([torch.tensor(-1.0).exp().item()] * 2) and policy.low is None
