"""Losses, targets and policies on the test vectors of rlax, the reference that JAX agents are built on.

Source: github.com/google-deepmind/rlax at 4c5d25b (March 2026), rlax/_src/. Each test names its file and class.
rlax's tolerances are kept or made tighter. What an update calls under autocast is tested under autocast too, but C51's
projection is not: it is a matrix product, which autocast rounds to bf16.
"""

from functools import partial

import pytest
import torch
from torch import nn

from Agents import A2CAgent, DQNAgent, PPOAgent
from Agents.Losses.Distributional import cross_entropy, project
from Agents.Losses.Offline import expectile_loss
from Agents.Losses.PolicyGradient import generalized_advantage
from Agents.Losses.TemporalDifference import bootstrap, td_loss
from Agents.Precision import Precision
from Blocks.Architectures import Null
from Blocks.Distributions import Categorical, EpsilonGreedy, Gaussian
from Datasets.Experience import Experience, Spec
from tests.make import make

close = partial(torch.testing.assert_close, rtol=1e-5, atol=1e-5)


@pytest.fixture(params=['fp32', 'bf16'])
def precision(request):
    """Runs a test in fp32 and under autocast."""
    with Precision(request.param).autocast(torch.device('cpu')):
        yield


class Lookup(nn.Module):
    """A head that reads its outputs from a table: the observation [B, 1] is the row."""

    def __init__(self, input_shape, output_shape, table):
        super().__init__()
        self.table = nn.Parameter(table.reshape(-1, *output_shape))

    def forward(self, row):
        return self.table[row[:, 0].long()]


def rows(first, last):
    return torch.arange(first, last, dtype=torch.float32).unsqueeze(1)


# Multistep returns

REWARD = torch.tensor([[1.0, 0.0, -1.0, 0.0, 1.0], [0.5, 0.8, -0.7, 0.0, 2.1]])
DISCOUNT = torch.tensor([[0.5, 0.9, 1.0, 0.5, 0.8], [0.9, 0.5, 0.3, 0.8, 0.7]])
NEXT_VALUE = torch.tensor([[3.0, 1.0, 5.0, -5.0, 3.0], [-1.7, 1.2, 2.3, 2.2, 2.7]])


def advantages(reward, discount, value, next_value, trace):
    """Generalized advantages of steps that follow each other, as in rlax, where a discount of 0 ends an episode."""
    return generalized_advantage(reward, discount, value, next_value, torch.zeros_like(reward, dtype=torch.bool), trace)


@pytest.mark.parametrize(
    ('trace', 'expected'),
    [
        (0.75, [[1.6460547, 0.72281253, 0.7375001, 0.6500001, 3.4],
                [0.7866317, 0.9913063, 0.1101501, 2.834, 3.99]]),
        (1.0, [[1.315, 0.63000005, 0.70000005, 1.7, 3.4],
               [1.33592, 0.9288, 0.2576, 3.192, 3.9899998]]),
    ],
    ids=['lambda', 'discounted'],
)  # fmt: skip
def test_returns(trace, expected, precision):
    """multistep_test.py: LambdaReturnsTest, DiscountedReturnsTest (Sutton & Barto 2018, section 12.1)."""
    value = torch.cat([torch.tensor([[7.0], [-7.0]]), NEXT_VALUE[:, :-1]], 1)  # that of the first step cancels out
    returns = advantages(REWARD, DISCOUNT, value, NEXT_VALUE, trace) + value
    close(returns, torch.tensor(expected))


@pytest.mark.parametrize(
    ('trace', 'expected'),
    [
        (1.0, [[-1.45118, -4.4557, 2.5396, 0.5249, -0.49], [3.0, 2.0, 1.0, 0.0, -4.9]]),
        (0.7, [[-0.676979, -5.248167, 2.4846, 0.6704, -0.49], [2.2899, 1.73, 1.0, 0.0, -4.9]]),
        (0.4, [[0.56731, -6.042, 2.3431, 0.815, -0.49], [1.725, 1.46, 1.0, 0.0, -4.9]]),
    ],
)
def test_truncated_generalized_advantages(trace, expected, precision):
    """multistep_test.py: TruncatedGeneralizedAdvantageEstimationTest (arXiv:1506.02438; arXiv:1707.06347, eq. 11)."""
    reward = torch.tensor([[0.0, 0.0, 1.0, 0.0, -0.5], [0.0, 0.0, 0.0, 0.0, 1.0]])
    value = torch.tensor([[1.0, 4.0, -3.0, -2.0, -1.0, -1.0], [-3.0, -2.0, -1.0, 0.0, 5.0, -1.0]])
    discount = torch.tensor([[0.99] * 5, [0.9, 0.9, 0.9, 0.0, 0.9]])
    advantage = advantages(reward, discount, value[:, :-1], value[:, 1:], trace)
    close(advantage, torch.tensor(expected), rtol=0, atol=1e-3)  # rlax writes three digits


def test_td_lambda_errors(precision):
    """value_learning_test.py: TDLambdaTest (Sutton & Barto 2018, section 12.2)."""
    value = torch.tensor([[1.1, -1.1, 3.1], [2.1, -1.1, -2.1]])
    discount = torch.tensor([[0.0, 0.89, 0.85], [0.88, 1.0, 0.83]])
    reward = torch.tensor([[-1.3, -1.3, 2.3], [1.3, 5.3, -3.3]])
    next_value = torch.cat([value[:, 1:], torch.tensor([[2.2], [-1.2]])], 1)
    errors = torch.tensor([[-2.4, 3.2732253, 1.0700002], [-0.01701999, 2.6529999, -2.196]])
    close(advantages(reward, discount, value, next_value, 0.75), errors)


# Values


def test_td_errors(precision):
    """value_learning_test.py: TDLearningTest (Sutton & Barto 2018, section 6.1)."""
    value = torch.ones(1, 9, requires_grad=True)
    discount = torch.tensor([0.0, 0.5, 1.0] * 3)
    target = bootstrap(-torch.ones(9), discount, torch.tensor([0.0] * 3 + [1.0] * 3 + [2.0] * 3))
    expected = torch.tensor([-2.0, -2.0, -2.0, -2.0, -1.5, -1.0, -2.0, -1.0, 0.0])
    loss, error = td_loss(value, target)
    loss.backward()
    close(error, expected.abs())
    close(value.grad[0], -2 * expected / 9)  # of the mean square


def test_huber_loss(precision):
    """clipping_test.py: HuberLossTest (doi:10.1038/nature14236, Methods)."""
    x = torch.tensor([[-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0]])
    losses = [1.5, 0.5, 0.125, 0.0, 0.125, 0.5, 1.5]
    slopes = torch.tensor([-1.0, -1.0, -0.5, 0.0, 0.5, 1.0, 1.0])
    for i, loss in enumerate(losses):
        assert td_loss(x[:, i : i + 1], torch.zeros(1), huber=True)[0].item() == loss
    x.requires_grad_()
    td_loss(x, torch.zeros(7), huber=True)[0].backward()
    close(x.grad[0], slopes / 7)


Q = torch.tensor([[1.0, 1.0, 0.0], [1.0, 2.0, 0.0]])


@pytest.mark.parametrize(
    ('double', 'online', 'target'),
    [
        (False, [[5.0, 6.0, 9.0], [9.0, 6.0, 5.0]], [[0.0, 1.0, 0.0], [1.0, 2.0, 0.0]]),  # online does not count
        (True, [[2.0, 10.0, 1.0], [11.0, 20.0, 1.0]], [[99.0, 1.0, 98.0], [91.0, 2.0, 66.0]]),
    ],
    ids=['QLearningTest', 'DoubleQLearningTest'],
)
def test_q_learning(double, online, target, precision):
    """value_learning_test.py: QLearningTest, DoubleQLearningTest (arXiv:1509.06461), in the update of DQN."""
    head = partial(Lookup, table=torch.cat([Q, torch.tensor(online)]))
    agent = make(DQNAgent, Spec((1,), 'float32', (), 3), {'critic': {'trunk': Null, 'q_head': head}}, double=double,
                 huber=False)  # fmt: skip
    agent.target.critic.q_heads[0].table.data = torch.cat([Q, torch.tensor(target)])
    action = torch.tensor([0, 1])
    batch = Experience(obs=rows(0, 2), action=action, reward=torch.ones(2), discount=torch.tensor([0.0, 1.0]),
                       next_obs=rows(2, 4))  # fmt: skip
    agent.critic_loss(batch).backward()
    expected = torch.tensor([0.0, 1.0])
    close(agent.td_error, expected)
    gradient = agent.creator.critic.q_heads[0].table.grad
    close(gradient[:2].gather(1, action.unsqueeze(1))[:, 0], -2 * expected / 2)
    assert gradient.count_nonzero() == 1  # no other value moves


# Distributions of values (arXiv:1707.06887)

ATOMS = torch.tensor([0.5, 1.0, 1.5])
C51_REWARD = torch.tensor([0.5, 0.0, 0.5, 0.8, -0.1])
C51_DISCOUNT = torch.tensor([0.8, 1.0, 0.8, 0.0, 1.0])
C51_ACTION = torch.tensor([2, 1, 3, 0, 1])
C51_NOW = torch.tensor([
    [[1.0, 1.0, 1.0], [0.0, 9.0, 9.0], [0.0, 9.0, 0.0], [0.0, 0.0, 0.0]],
    [[9.0, 9.0, 0.0], [9.0, 0.0, 9.0], [0.0, 0.0, 0.0], [9.0, -9.0, 0.0]],
    [[1.0, 1.0, 1.0], [0.0, 9.0, 9.0], [0.0, 0.0, 0.0], [0.0, 9.0, 0.0]],
    [[9.0, 9.0, 0.0], [9.0, 0.0, 9.0], [0.0, 0.0, 0.0], [9.0, -9.0, 0.0]],
    [[9.0, 9.0, 0.0], [9.0, 0.0, 9.0], [0.0, 0.0, 0.0], [9.0, -9.0, 0.0]],
])  # fmt: skip
C51_NEXT = torch.tensor([
    [[1.0, 1.0, 1.0], [9.0, 0.0, 9.0], [1.0, 0.0, 0.0], [0.0, 0.0, 9.0]],
    [[9.0, 9.0, 0.0], [9.0, 0.0, 0.0], [1.0, 1.0, 1.0], [9.0, -9.0, 0.0]],
    [[1.0, 1.0, 1.0], [9.0, 0.0, 9.0], [0.0, 0.0, 9.0], [1.0, 0.0, 0.0]],
    [[9.0, 9.0, 0.0], [9.0, 0.0, 0.0], [1.0, 1.0, 1.0], [9.0, -9.0, 0.0]],
    [[9.0, 9.0, 0.0], [9.0, 0.0, 0.0], [0.0, 9.0, 9.0], [9.0, -9.0, 0.0]],
])  # fmt: skip
C51_SELECTOR = torch.tensor([[1.0, 0.0, 0.0, 9.0], [9.0, 0.0, 1.0, 1.0], [1.0, 9.0, 1.0, 1.0], [0.0, 1.0, 0.0, 9.0],
                             [1.0, 1.0, 1.0, 9.0]])  # fmt: skip


def test_l2_projection():
    """value_learning_test.py: L2ProjectTest. The "probabilities" are no distribution: the projection is linear."""
    old, new = torch.arange(-1.0, 1.0, 0.25), torch.arange(-1.0, 1.0, 0.5)
    one, other = old.clone(), old + 1
    one[::2], other[1::2] = 0.0, 0.0
    close(project(one[None], old[None], new), torch.tensor([[-0.375, -0.5, 0.0, 0.875]]))
    close(project(other[None], old[None] + 1, new + 1), torch.tensor([[0.0, 0.5, 1.0, 1.5]]))


def test_categorical_td_learning():
    """value_learning_test.py: CategoricalTDLearningTest."""
    now = torch.tensor([[0.0, 9.0, 0.0], [9.0, 0.0, 9.0], [0.0, 9.0, 0.0], [9.0, 9.0, 0.0], [9.0, 0.0, 9.0]])
    after = torch.tensor([[0.0, 0.0, 9.0], [1.0, 1.0, 1.0], [0.0, 0.0, 9.0], [1.0, 1.0, 1.0], [0.0, 9.0, 9.0]])
    moved = C51_REWARD[:, None] + C51_DISCOUNT[:, None] * ATOMS
    loss, errors = cross_entropy(now[None], project(after.softmax(-1), moved, ATOMS)[None])
    expected = torch.tensor([8.998915, 3.6932087, 8.998915, 0.69320893, 5.1929307])
    close(errors, expected, rtol=1e-4)
    close(loss, expected.mean(), rtol=1e-4)


@pytest.mark.parametrize(
    ('double', 'expected'),
    [
        (False, [8.998915, 3.6932087, 8.998915, 0.69320893, 5.1929307]),
        (True, [8.998915, 5.192931, 5.400247, 0.693209, 0.693431]),
    ],
    ids=['CategoricalQLearningTest', 'CategoricalDoubleQLearningTest'],
)
def test_categorical_q_learning(double, expected):
    """value_learning_test.py: CategoricalQLearningTest, CategoricalDoubleQLearningTest, in the update of DQN."""
    selector = C51_SELECTOR.unsqueeze(-1) * torch.tensor([-1.0, 0.0, 1.0])  # logits whose means are in rlax's order
    head = partial(Lookup, table=torch.cat([C51_NOW, selector]))
    agent = make(DQNAgent, Spec((1,), 'float32', (), 4), {'critic': {'trunk': Null, 'q_head': head}}, double=double,
                 atoms=3, support=(0.5, 1.5))  # fmt: skip
    agent.target.critic.q_heads[0].table.data = torch.cat([C51_NOW, C51_NEXT])
    batch = Experience(
        obs=rows(0, 5), action=C51_ACTION, reward=C51_REWARD, discount=C51_DISCOUNT, next_obs=rows(5, 10)
    )
    loss = agent.distribution_loss(batch)
    close(agent.td_error, torch.tensor(expected), rtol=1e-4)
    close(loss, torch.tensor(expected).mean(), rtol=1e-4)


# Policies

LOGITS = torch.tensor([[1.0, 1.0, 1.0], [2.0, 0.0, 0.0], [-1.0, -2.0, -3.0]])
OLD_LOGITS = torch.tensor([[1.0, 1.0, 1.0], [2.0, 0.0, 0.0], [-3.0, -2.0, -1.0]])
ADVANTAGE = torch.tensor([0.3, 0.2, 0.1])
WEIGHT = torch.tensor([-2.0, 2.0, 0.0])


def policy_loss(cls, logits, action, advantage, old_log_prob=None):
    """The loss of an agent whose policy has these logits, without entropy."""
    blocks = {'actor': {'trunk': Null, 'pi_head': partial(Lookup, table=logits)}}
    agent = make(cls, Spec((1,), 'float32', (), 3), blocks, entropy_coef=0.0, normalize=False, target_tau=1)
    batch = Experience(obs=rows(0, 3), action=action, advantage=advantage, log_prob=old_log_prob)
    return agent.policy_loss(batch)


def test_policy_gradient(precision):
    """policy_gradients_test.py: PolicyGradientLossTest (arXiv:1602.01783), in the update of A2C."""
    loss = policy_loss(A2CAgent, LOGITS, torch.tensor([0, 1, 2]), ADVANTAGE * WEIGHT)
    close(loss, torch.tensor(0.0788835088))
    loss = policy_loss(A2CAgent, LOGITS + 1, torch.tensor([0, 0, 0]), -ADVANTAGE * (WEIGHT - 1))
    close(loss, torch.tensor(0.327200909))


def test_entropy(precision):
    """policy_gradients_test.py: EntropyLossTest."""
    for logits, weight, expected in ((LOGITS, WEIGHT, 0.288693), (LOGITS + 1, WEIGHT - 1, 1.15422)):
        close(-(weight * Categorical(logits).entropy()).mean(), torch.tensor(expected))


@pytest.mark.parametrize(('sign', 'expected'), [(1.0, -0.17117467), (-1.0, 0.19333333)])
def test_clipped_surrogate(sign, expected, precision):
    """policy_gradients_test.py: ClippedSurrogatePGLossTest (arXiv:1707.06347, eq. 7), in the update of PPO."""
    action = torch.tensor([0, 1, 2])
    old = Categorical(OLD_LOGITS).log_prob(action)
    close(policy_loss(PPOAgent, LOGITS, action, sign * ADVANTAGE, old), torch.tensor(expected))


def test_softmax(precision):
    """distributions_test.py: SoftmaxTest."""
    policy = Categorical(torch.tensor([[1.0, 1.0, 0.0], [1.0, 2.0, 0.0]]))
    probs = torch.tensor([[0.42231882, 0.42231882, 0.15536241], [0.24472848, 0.66524094, 0.09003057]])
    close(policy.probs, probs)
    close(policy.log_prob(torch.tensor([0, 1])), torch.stack([probs[0, 0], probs[1, 1]]).log())
    close(policy.entropy(), -(probs * probs.log()).sum(-1))


def test_epsilon_greedy(precision):
    """distributions_test.py: EpsilonGreedyTest, the case without ties (rlax shares them, here the first wins)."""
    policy = EpsilonGreedy(torch.tensor([[1.0, 2.0, 0.0, 0.0]]), 0.2)
    close(policy.probs, torch.tensor([[0.05, 0.85, 0.05, 0.05]]))
    close(policy.log_prob(torch.tensor([1])), torch.tensor([-0.1625189]))
    close(policy.entropy(), torch.tensor([0.58750093]))


def test_gaussian(precision):
    """distributions_test.py: GaussianDiagonalTest (its numbers are those of TensorFlow Probability)."""
    policy = Gaussian(torch.tensor([[1.0, -1.0], [0.1, -0.1]]), torch.tensor([[0.1, 0.1], [0.2, 0.3]]))
    close(policy.log_prob(torch.tensor([[1.2, -1.1], [-0.1, 0.0]])), torch.tensor([0.26729202, 0.41997814]))
    close(policy.entropy(), torch.tensor([-1.7672932, 0.02446628]))


@pytest.mark.parametrize(
    ('expectile', 'losses', 'slopes'),
    [
        (0.5, [2.0, 0.5, 0.125, 0.0, 0.125, 0.5, 2.0], [-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0]),
        (0.0, [0.0, 0.0, 0.0, 0.0, 0.25, 1.0, 4.0], [0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 4.0]),
        (1.0, [4.0, 1.0, 0.25, 0.0, 0.0, 0.0, 0.0], [-4.0, -2.0, -1.0, 0.0, 0.0, 0.0, 0.0]),
        (0.75, [3.0, 0.75, 0.1875, 0.0, 0.0625, 0.25, 1.0], [-3.0, -1.5, -0.75, 0.0, 0.25, 0.5, 1.0]),
    ],
)
def test_expectile_loss(expectile, losses, slopes, precision):
    """losses_test.py: ExpectileLossTest, predictions beside targets of 0 (IQL, arXiv:2110.06169, eq. 5)."""
    prediction = torch.tensor([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0], requires_grad=True)
    for value, loss in zip(prediction, losses, strict=True):
        assert expectile_loss(0 - value, expectile).item() == loss
    expectile_loss(0 - prediction, expectile).backward()
    close(prediction.grad, torch.tensor(slopes) / 7)
