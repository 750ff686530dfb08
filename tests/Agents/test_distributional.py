"""Distributional, noisy and Boltzmann Q-learning against numbers worked by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from Agents import DQNAgent, RainbowAgent
from Agents.Losses.Distributional import cross_entropy, project
from Blocks.Architectures import Dueling, Noisy
from Blocks.Architectures.Noisy import NoisyLinear
from Blocks.Critics import Critic
from Datasets.Experience import Spec
from tests.make import make

VALUES = torch.tensor([-1.0, 0.0, 1.0])
SPEC = Spec((3,), 'float32', (), 2)


@pytest.mark.parametrize(
    ('reward', 'discount', 'probs', 'expected'),
    [
        (0.0, 1.0, [0.2, 0.3, 0.5], [0.2, 0.3, 0.5]),  # nothing moves
        (0.5, 1.0, [1.0, 0.0, 0.0], [0.5, 0.5, 0.0]),  # -0.5 lies in the middle of two
        (0.25, 0.0, [0.2, 0.3, 0.5], [0.0, 0.75, 0.25]),  # a terminal: all of it at the reward
        (7.0, 1.0, [0.2, 0.3, 0.5], [0.0, 0.0, 1.0]),  # beyond the edge
        (-7.0, 0.0, [0.2, 0.3, 0.5], [1.0, 0.0, 0.0]),
        (0.0, 0.5, [0.4, 0.2, 0.4], [0.2, 0.6, 0.2]),
    ],
)
def test_projection_by_hand(reward, discount, probs, expected):
    moved = reward + discount * VALUES[None]
    assert project(torch.tensor([probs]), moved, VALUES)[0].tolist() == pytest.approx(expected)


def test_projection_keeps_mass_and_mean():
    values = torch.linspace(-10, 10, 51)
    probs = torch.rand(2, 7, 51).softmax(-1)
    moved = torch.randn(7, 1) + 0.9 * values
    projected = project(probs, moved.clamp(-10, 10), values)
    torch.testing.assert_close(projected.sum(-1), torch.ones(2, 7))
    torch.testing.assert_close(
        (projected * values).sum(-1), (probs * moved.clamp(-10, 10)).sum(-1), rtol=1e-4, atol=1e-4
    )


def test_cross_entropy_by_hand_and_least_at_the_target():
    target = torch.tensor([[[0.25, 0.75]], [[0.5, 0.5]]])  # two critics, one sample
    logits = target.log().requires_grad_()
    loss, error = cross_entropy(logits, target)
    loss.backward()
    entropy = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75) + np.log(0.5)) / 2
    assert loss.item() == pytest.approx(entropy) and error.tolist() == pytest.approx([entropy])
    assert logits.grad.abs().max() < 1e-6
    assert cross_entropy(logits, target, torch.tensor([0.5]))[0].item() == pytest.approx(entropy / 2)


def test_q_is_the_mean_of_its_distribution():
    critic = Critic((3,), (), 2, atoms=3, support=(-1.0, 1.0))
    features = torch.randn(5, 3)
    probs = critic.scores(features).softmax(-1)  # [E, B, A, Z]
    assert probs.shape == (1, 5, 2, 3)
    torch.testing.assert_close(critic(features), probs[..., 2] - probs[..., 0])
    action = torch.tensor([0, 1, 1, 0, 1])
    torch.testing.assert_close(critic(features, action)[0], critic(features)[0, torch.arange(5), action])


def test_distributional_dueling_averages_over_actions():
    head = Dueling((4,), (2, 3))
    x = torch.randn(6, 4)
    assert head(x).shape == (6, 2, 3)
    torch.testing.assert_close(head(x).mean(1, keepdim=True), head.value(x))


def test_target_distribution_by_hand():
    """The online critic prefers the second of two actions; the target critic's distribution of that one counts."""
    agent = make(DQNAgent, SPEC, atoms=3, support=(-1.0, 1.0), trunk_dim=4, hidden_dim=4)
    online = torch.tensor([[[[0.8, 0.1, 0.1], [0.1, 0.1, 0.8]]]]).log()  # [E, B, A, Z]
    slow = torch.tensor([[[[0.0, 0.0, 1.0], [0.6, 0.4, 0.0]]]]).log().clamp(min=-50)

    def scores(logits):
        return lambda features, action=None: logits if action is None else logits[:, torch.arange(1), action]

    agent.creator.critic.scores, agent.target.critic.scores = scores(online), scores(slow)
    obs = torch.zeros(1, 3)
    batch = SimpleNamespace(obs=obs, action=torch.tensor([0]), reward=torch.tensor([0.5]), discount=torch.tensor([1.0]),
                            next_obs=obs, weight=None)  # fmt: skip
    target = torch.tensor([0.3, 0.5, 0.2])  # of 0.6 at -0.5 and 0.4 at 0.5
    expected = -(target * torch.tensor([0.8, 0.1, 0.1]).log()).sum()
    assert agent.distribution_loss(batch).item() == pytest.approx(expected.item(), rel=1e-5)


def test_noisy_layers_by_hand():
    layer = NoisyLinear(2, 1, sigma=0.0).eval()
    x = torch.tensor([[1.0, 2.0]])
    mean = layer(x)
    assert torch.equal(mean, layer(x))
    layer.train()
    torch.testing.assert_close(layer(x), mean)  # no deviation, no noise
    torch.nn.init.ones_(layer.bias_sigma)
    draws = torch.cat([layer(x) for _ in range(4000)]) - mean
    assert abs(draws.mean()) < 0.06 and abs(draws.abs().mean() - 0.822) < 0.03  # E|x|^0.5 of a normal
    wide = NoisyLinear(100, 7)
    assert wide.weight_sigma.unique().tolist() == pytest.approx([0.05]) and wide.weight.abs().max() <= 0.1


def test_noisy_weights_explore_when_asked_and_in_learning_only():
    torch.manual_seed(0)
    agent = make(RainbowAgent, SPEC, {'critic': {'q_head': Noisy}}, atoms=11, dueling=True, epsilon=0.0, hidden_dim=8)
    obs = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
    greedy = agent.act(obs, explore=False)
    assert np.array_equal(greedy, agent.act(obs, explore=False))
    assert any(not np.array_equal(greedy, agent.act(obs)) for _ in range(20))
    assert np.array_equal(greedy, agent.act(obs, explore=False))


def test_boltzmann_exploration_by_hand():
    agent = make(DQNAgent, SPEC, temperature=0.5, trunk_dim=4, hidden_dim=4)
    agent.creator.critic.scores = lambda features, action=None: torch.tensor([[[1.0], [2.0]]]).expand(
        1, len(features), 2, 1
    )
    policy = agent.creator(torch.zeros(1, 3), agent.noise)
    assert policy.probs[0, 1].item() == pytest.approx(1 / (1 + np.exp(-2)))
    assert (agent.act(np.zeros((50, 3), np.float32), explore=False) == 1).all()
