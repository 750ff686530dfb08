"""Losses and targets against numbers worked by hand."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from Agents import DQNAgent
from Agents.Losses.Supervised import negative_log_likelihood
from Agents.Losses.TemporalDifference import bootstrap, td_loss
from Blocks.Architectures import Dueling
from Blocks.Distributions import Prediction
from Datasets.Experience import Experience, Spec
from Datasets.Replay.Replay import Replay
from tests.make import make

Q = torch.tensor([[1.0, 2.0], [3.0, 5.0]])  # two critics, two samples
TARGET = torch.tensor([0.0, 4.0])  # errors 1 -2 | 3 1


@pytest.mark.parametrize(
    ('arguments', 'loss'),
    [
        ({}, (1 + 4 + 9 + 1) / 4),
        ({'huber': True}, (0.5 + 1.5 + 2.5 + 0.5) / 4),
        ({'weight': torch.tensor([1.0, 0.5])}, (1 + 2 + 9 + 0.5) / 4),
        ({'weight': torch.tensor([0.0, 1.0]), 'huber': True}, (1.5 + 0.5) / 4),
    ],
    ids=['square', 'huber', 'weighted', 'weighted huber'],
)
def test_td_loss(arguments, loss):
    value, error = td_loss(Q, TARGET, **arguments)
    assert value.item() == pytest.approx(loss)
    assert error.tolist() == [2.0, 1.5]  # mean over critics; not weighted: it becomes the priority


def test_td_loss_is_least_at_the_target_and_its_errors_carry_no_gradient():
    q = TARGET.expand(2, -1).clone().requires_grad_()
    loss, error = td_loss(q, TARGET)
    loss.backward()
    assert loss == 0 and not q.grad.any() and not error.requires_grad


def test_huber_clips_the_gradient_at_one():
    q = torch.tensor([[-7.0, 0.5]], requires_grad=True)
    td_loss(q, torch.zeros(2), huber=True)[0].backward()
    assert q.grad.tolist() == [[-0.5, 0.25]]  # halves, for the mean over two


def test_bootstrap():
    reward, discount, value = torch.tensor([1.0, 2.0]), torch.tensor([0.9, 0.0]), torch.tensor([10.0, 100.0])
    assert bootstrap(reward, discount, value).tolist() == [10.0, 2.0]


def test_negative_log_likelihood():
    logits = torch.tensor([[0.0, math.log(3)], [0.0, 0.0]])
    loss = negative_log_likelihood(Prediction(logits), torch.tensor([1, 0]))
    assert loss.tolist() == pytest.approx([-math.log(0.75), math.log(2)])


def test_logits_are_unbounded():
    """The cross-entropy of a sure prediction goes to 0; bounded logits would keep it above 0.8 with ten classes."""
    logits = torch.zeros(1, 10).index_fill_(1, torch.tensor([4]), 30.0)
    assert negative_log_likelihood(Prediction(logits), torch.tensor([4])).item() < 1e-9


def test_dueling_equation_9():
    head = Dueling((1,), (3,), hidden_dim=2)
    for stream, output in ((head.value, [10.0]), (head.advantage, [1.0, 2.0, 6.0])):
        nn.init.zeros_(stream.layers[-1].weight)
        stream.layers[-1].bias.data = torch.tensor(output)
    assert head(torch.zeros(1, 1)).tolist() == [[8.0, 9.0, 13.0]]  # 10 + A - 3


# Targets


class Table(nn.Module):
    """A critic of two heads whose scores of the two actions are the same in every state."""

    def __init__(self, *heads):
        super().__init__()
        self.heads = nn.Parameter(torch.tensor(heads))  # [E, A]

    def forward(self, features, action=None):
        q = self.heads.unsqueeze(1).expand(-1, len(features), -1)  # [E, B, A]
        return q if action is None else q.gather(-1, action.expand(len(q), -1).unsqueeze(-1)).squeeze(-1)


SPEC = Spec((1,), 'float32', (), 2)


def dqn(**arguments):
    """Online scores 1 and 2, slow scores 10 and 5 (and a second slow critic that says 12 and 4)."""
    agent = make(DQNAgent, SPEC, hidden_dim=2, trunk_dim=2, **arguments)
    agent.creator.critic = Table([1.0, 2.0])
    if agent.target:
        agent.target.critic = Table([10.0, 5.0], [12.0, 4.0])
    return agent


NEXT = Experience(obs=torch.zeros(2, 1), reward=torch.tensor([1.0, 1.0]), discount=torch.tensor([0.5, 0.0]),
                  next_obs=torch.zeros(2, 1), action=torch.zeros(2, dtype=torch.long))  # fmt: skip


@pytest.mark.parametrize(
    ('arguments', 'value'),
    [
        ({'double': True}, 4.0),  # online prefers action 1; the slower critics' least says 4
        ({'double': False}, 10.0),  # the slow critics' least is (10, 4), their best 10
        ({'target_tau': 1, 'target_period': 1}, 2.0),  # no target: online's best
        ({'target_tau': 1, 'target_period': 1, 'double': False}, 2.0),
    ],
    ids=str,
)
def test_value_of_what_follows(arguments, value):
    agent = dqn(**arguments)
    assert agent.next_value(NEXT).tolist() == [value, value]
    assert agent.returns(NEXT).tolist() == [1 + 0.5 * value, 1.0]  # nothing follows the second


def test_critic_loss_by_hand():
    """Q(s, 0) = 1 against 1 + 0.5 * 10 and 1: errors 5 and 0."""
    for huber, loss in ((True, (4.5 + 0) / 2), (False, (25 + 0) / 2)):
        agent = dqn(double=False, huber=huber)
        assert agent.critic_loss(NEXT).item() == loss
        assert agent.logs['td_error'].tolist() == [5.0, 0.0]


def test_continuous_value_is_the_best_proposal():
    """A critic that scores an action by its own number: the value of what follows is the largest proposal's."""

    class Number(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1))

        def forward(self, features, action):
            return self.scale * action.sum(-1).unsqueeze(0)  # [1, B] or [1, B, M]

    agent = make(DQNAgent, Spec((1,), 'float32', (1,), None), hidden_dim=2, trunk_dim=2, num_proposals=500)
    agent.creator.critic, agent.target.critic = Number(), Number()
    assert (agent.next_value(NEXT) > 0.95).all() and (agent.next_value(NEXT) <= 1).all()
    action = agent.act(np.zeros((3, 1), np.float32), explore=False)
    assert action.shape == (3, 1) and (action > 0.95).all()


@pytest.mark.parametrize(('terminated', 'expected'), [(True, 3.0), (False, 3.0 + 0.125 * 4)])
def test_nstep_return_of_a_whole_episode(terminated, expected, tmp_path):
    """Rewards 1, 2, 4 at discount 0.5: 1 + 1 + 1, and what follows only if the end was a time limit."""
    memory = Replay(SPEC, tmp_path / 'replay', capacity=50, batch_size=200, nstep=3, discount=0.5)
    for _ in range(10):
        for t, reward in enumerate((1.0, 2.0, 4.0)):
            ends = np.array([t == 2])
            frame = np.full((1, 1), t, np.float32)
            memory.add(frame, np.zeros(1, int), [reward], ends & terminated, ends & (not terminated), frame + 1)
    batch = next(memory.batches())
    returns = dqn().returns(batch)
    first = batch.obs[:, 0] == 0
    assert first.any() and (returns[first] == expected).all()
    assert (batch.next_obs[:, 0] == 3).all()  # never into the next episode


def test_prioritised_samples_get_their_errors_back():
    class Memory:
        prioritized = True

        def batches(self):
            yield NEXT._replace(weight=torch.tensor([1.0, 0.5]), index=torch.tensor([7, 3]))

        def reprioritize(self, index, error):
            self.told = index.tolist(), error.tolist()

    agent, memory = make(DQNAgent, SPEC, hidden_dim=2, trunk_dim=2), Memory()
    q = agent.creator.critic(NEXT.obs, NEXT.action)[0]
    errors = (q - agent.returns(NEXT)).abs().tolist()
    agent.learn(memory)
    assert memory.told == ([7, 3], pytest.approx(errors))
