"""Losses of offline learning, against numbers worked by hand."""

import math

import numpy as np
import pytest
import torch

from Agents import BCAgent, DQNAgent, IQLAgent, SACAgent, TD3BCAgent
from Agents.Losses.Offline import conservative_gap, expectile_loss
from Blocks.Distributions import Categorical, Gaussian, Joint, OneHot, SquashedGaussian
from Datasets.Experience import Experience, Spec
from Support.Errors import UserError
from tests.make import make

DISCRETE = Spec((3,), 'float32', (), 2)
CONTINUOUS = Spec((3,), 'float32', (2,), None, -np.ones(2), np.ones(2))
MIXED = Spec((3,), 'float32', (4,), None, one_hots=(3,))  # one continuous entry, one choice
ODDS = torch.tensor([[0.25, 0.75]]).log()


def build(Agent, spec, **arguments):
    torch.manual_seed(0)
    return make(Agent, spec, trunk_dim=8, hidden_dim=16, **arguments)


def experience(spec, size=5):
    action = torch.rand(size, *spec.action_shape) if spec.action_shape else torch.randint(2, (size,))
    return Experience(obs=torch.randn(size, 3), action=action, reward=torch.randn(size),
                      discount=torch.full((size,), 0.9), next_obs=torch.randn(size, 3))  # fmt: skip


# Imitation


def test_distance_by_hand():
    """Squares are the mean over entries; choices count by what they were thought to be likely."""
    vector = Gaussian(torch.tensor([[0.5, -1.0]]), 0.3)
    assert vector.distance(torch.tensor([[0.0, 1.0]])).item() == pytest.approx((0.25 + 4) / 2)
    squashed = SquashedGaussian(torch.tensor([[0.5]]), torch.ones(1))
    assert squashed.distance(torch.zeros(1, 1)).item() == pytest.approx(math.tanh(0.5) ** 2)
    assert Categorical(ODDS).distance(torch.tensor([1])).item() == pytest.approx(-math.log(0.75))
    both = Joint([vector, OneHot(ODDS)], [2, 2]).distance(torch.tensor([[0.5, -1.0, 1.0, 0.0]]))
    assert both.item() == pytest.approx(math.log(4))


@pytest.mark.parametrize('spec', [DISCRETE, CONTINUOUS, MIXED])
def test_cloning_ends_where_the_actor_does_what_was_done(spec):
    agent, batch = build(BCAgent, spec), experience(spec)
    done, first = agent.creator.policy(batch.obs).mode(), spec.continuous
    other = 1 - done if spec.num_actions else torch.cat([-done[:, :first], done[:, first:].roll(1, -1)], 1)
    near, far = (agent.imitation_loss(batch._replace(action=action)) for action in (done, other))
    assert 0 <= near < far and (spec is not CONTINUOUS or near == 0)
    assert agent.creator.critic is None


def test_cloning_has_no_priorities():
    with pytest.raises(UserError, match=r'leave replay\.prioritized=true out'):
        build(BCAgent, DISCRETE).imitation_loss(experience(DISCRETE)._replace(weight=torch.ones(5)))


# TD3+BC


def test_td3bc_by_hand():
    """Q = 2a at a = 0.5 is 1, worth alpha in units of itself, at any scale; to have done 0 is a quarter away."""
    agent = build(TD3BCAgent, Spec((3,), 'float32', (1,), None), alpha=2.5)
    agent.creator.policy = lambda features, noise=0.0: Gaussian(torch.tensor([[0.5]]))
    batch = Experience(obs=torch.zeros(1, 3), action=torch.zeros(1, 1))
    for scale in (1, 1000):
        agent.creator.critic.forward = lambda features, action, scale=scale: scale * torch.stack([2 * action[:, 0]] * 2)
        assert agent.faithful_actor_loss(batch).item() == pytest.approx(0.25 - 2.5)
        assert agent.logs['distance'].item() == 0.25
    agent.creator.critic.forward = lambda features, action: -torch.stack([2 * action[:, 0]] * 2)
    assert agent.faithful_actor_loss(batch).item() == pytest.approx(0.25 + 2.5)


def test_td3bc_sees_states_by_the_moments_of_the_data(tmp_path):
    class Memory:
        prioritized = False

        def batches(self):
            yield experience(CONTINUOUS)._replace(obs=5 + 3 * torch.randn(4000, 3), action=torch.rand(4000, 2),
                                                  reward=torch.zeros(4000), discount=torch.zeros(4000),
                                                  next_obs=torch.zeros(4000, 3))  # fmt: skip

    for normalize, mean, std in ((True, 0, 1), (False, 5, 3)):
        agent = build(TD3BCAgent, CONTINUOUS, normalize_obs=normalize)
        for _ in range(3):
            agent.learn(Memory())
        seen = agent.creator.encoder(5 + 3 * torch.randn(4000, 3))
        assert seen.mean().item() == pytest.approx(mean, abs=0.1) and seen.std().item() == pytest.approx(std, abs=0.1)
        saved = [name for name in agent.state_dict() if 'moments' in name]
        assert bool(saved) == normalize  # it goes with the agent


# IQL


def test_expectile_loss_by_hand():
    error = torch.tensor([2.0, -1.0])
    assert expectile_loss(error, 0.7).item() == pytest.approx((0.7 * 4 + 0.3 * 1) / 2)
    assert expectile_loss(error, 0.5).item() == pytest.approx(0.5 * 2.5)
    assert expectile_loss(torch.zeros(2), 0.9) == 0


@pytest.mark.parametrize(('expectile', 'value'), [(0.5, 0.25), (0.9, 0.75), (0.999, 0.997)])
def test_an_expectile_lies_between_mean_and_maximum(expectile, value):
    """Of 0, 0, 0 and 1 it solves t (1 - v) = 3 (1 - t) v: the loss is least there."""
    v = torch.tensor([value - 0.01, value, value + 0.01], requires_grad=True)
    for single in v:
        expectile_loss(torch.tensor([0.0, 0.0, 0.0, 1.0]) - single, expectile).backward()
    below, there, above = v.grad.tolist()
    assert below < 0 < above and there == pytest.approx(0, abs=1e-5)


def test_iql_by_hand():
    """What was done scores 2 and 3 by the slow critics, the state 1.5: an advantage of 0.5."""
    agent = build(IQLAgent, DISCRETE, expectile=0.7, beta=2.0, max_weight=10.0)
    agent.creator.policy = lambda features, noise=0.0: Categorical(ODDS)
    agent.target.critic.forward = lambda features, action: torch.tensor([[2.0], [3.0]])
    agent.creator.value.forward = lambda features: torch.tensor([[1.5], [1.5]])
    batch = Experience(obs=torch.zeros(1, 3), action=torch.tensor([1]), reward=torch.ones(1),
                       discount=torch.full((1,), 0.5), next_obs=torch.zeros(1, 3))  # fmt: skip
    assert agent.value_loss(batch).item() == pytest.approx(0.7 * 0.25)
    assert agent.returns(batch).item() == pytest.approx(1 + 0.5 * 1.5)
    assert agent.weighted_imitation_loss(batch).item() == pytest.approx(-math.e * math.log(0.75))
    assert agent.logs['weight'].item() == pytest.approx(math.e)
    agent.beta = 20.0
    assert agent.weighted_imitation_loss(batch).item() == pytest.approx(-10 * math.log(0.75))  # bounded


def test_iql_asks_no_critic_about_what_was_not_done(monkeypatch):
    agent, batch = build(IQLAgent, CONTINUOUS), experience(CONTINUOUS)
    for creator in (agent.creator, agent.target):
        forward = creator.critic.forward

        def ask(features, action, forward=forward):
            assert torch.equal(action, batch.action)
            return forward(features, action)

        monkeypatch.setattr(creator.critic, 'forward', ask)
    for phase in agent.phases:
        for loss in phase.losses:
            assert loss(batch).isfinite()


# CQL


def test_conservative_gap_by_hand():
    """All scores alike: the soft maximum of two exceeds them by log 2."""
    scores = torch.tensor([[[1.0, 1.0], [0.0, math.log(3)]]])  # [1, B 2, A 2]
    q = torch.tensor([[1.0, math.log(3)]])
    assert conservative_gap(scores, q).item() == pytest.approx((math.log(2) + math.log(4 / 3)) / 2)


def test_the_gap_pushes_down_by_odds_and_up_what_was_done():
    scores = torch.tensor([[[0.0, math.log(3)]]], requires_grad=True)
    conservative_gap(scores, scores[..., 0]).backward()
    assert scores.grad.flatten().tolist() == pytest.approx([0.25 - 1, 0.75])


def test_draws_stand_for_all_actions_whatever_their_density():
    """The integral of exp(ca) over [-1, 1] is 2 sinh(c) / c, from even draws and from uneven ones."""
    c, zero = 2.0, torch.zeros(1, 1)
    even = 2 * torch.rand(1, 100_000) - 1
    exact = math.log(2 * math.sinh(c) / c)
    log_density = torch.full_like(even, -math.log(2))
    assert conservative_gap((c * even).unsqueeze(0), zero, log_density).item() == pytest.approx(exact, abs=0.02)
    policy = SquashedGaussian(torch.full((100_000, 1), 0.4), torch.full((1,), 1.2))
    own = policy.rsample()
    log_density = policy.log_prob(own).view(1, -1)
    assert conservative_gap((c * own).view(1, 1, -1), zero, log_density).item() == pytest.approx(exact, abs=0.02)


@pytest.mark.parametrize('Agent', [DQNAgent, SACAgent])
@pytest.mark.parametrize(
    ('spec', 'exact'),
    [
        (CONTINUOUS, 2 * math.log(2 * math.sinh(1))),  # exp(a_1 + a_2) over the square
        (MIXED, math.log(2 * math.sinh(1)) + math.log(3 * math.e)),  # exp(a + 1) over [-1, 1], for each of 3 choices
        (DISCRETE, math.log(2)),
    ],
    ids=['continuous', 'mixed', 'discrete'],
)
def test_alternatives_cover_all_actions(Agent, spec, exact):
    """A critic that scores the sum of an action's entries, or all choices 0."""
    agent, batch = build(Agent, spec, conservative=3.0, num_proposals=20_000), experience(spec, 2)
    if Agent is SACAgent and spec.continuous:  # an actor that tries everything: deviation 1, choices alike
        last = agent.creator.actor.pi_head.layers[-1]
        torch.nn.init.zeros_(last.weight)
        last.bias.data[spec.continuous : 2 * spec.continuous] = math.atanh(3 / 7)

    def score(features, action=None):
        if spec.num_actions:
            return torch.zeros(1, 2, 2) if action is None else torch.zeros(1, 2)
        return action.sum(-1).unsqueeze(0)

    agent.creator.critic.forward = score
    q = score(None, batch.action).mean().item()
    assert agent.conservative_loss(batch).item() == pytest.approx(3 * (exact - q), abs=0.15)


@pytest.mark.parametrize('Agent', [DQNAgent, SACAgent])
def test_without_its_weight_there_is_no_penalty(Agent):
    for conservative in (0.0, 1.0):
        losses = build(Agent, DISCRETE, conservative=conservative).phases[0].losses
        assert [loss.__name__ for loss in losses] == ['critic_loss', *(['conservative_loss'] if conservative else [])]
