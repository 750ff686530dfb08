"""How an agent is written: phases of methods, a constructor in any order, few names."""

import numpy as np
import pytest
import torch
from torch import nn

import Agents
from Agents import Casts, DQNAgent
from Agents.Agent import Agent
from Agents.Phase import Phase
from Blocks.Creator import Creator, epsilon_greedy
from Datasets.Experience import Spec
from Support.Errors import UserError
from tests.make import make

SPEC = Spec((3,), 'float32', (), 2)
VECTOR = Spec((3,), 'float32', (2,), None, -np.ones(2), np.ones(2))
SMALL = {'hidden_dim': 8, 'trunk_dim': 4}


class Plain(Agent):
    """The smallest agent: a critic and one phase, which a test may change."""

    trains = ('encoder', 'critic')
    loss = None

    def reinforce(self):
        encoder, spec = self.blocks.encoder(), self.spec
        critic = self.blocks.critic(encoder.repr_shape, spec.action_shape, spec.num_actions)
        phase = Phase((self.loss or self.critic_loss,), self.trains)
        return Creator(encoder, None, critic, epsilon_greedy), Casts.observe, (phase,)


def test_a_loss_that_does_not_exist_fails_in_the_constructor():
    class Typo(Plain):
        loss = 'critic_los'

    with pytest.raises(UserError, match=r'takes methods as losses: self.critic_los, not'):
        make(Typo, SPEC, **SMALL)

    class Absent(Plain):
        def reinforce(self):
            return None, None, (Phase((self.critic_los,), ('encoder',)),)

    with pytest.raises(AttributeError, match='critic_los'):
        make(Absent, SPEC, **SMALL)


def test_a_part_that_does_not_exist_fails_in_the_constructor():
    class Typo(Plain):
        trains = ('encoder', 'critics')

    with pytest.raises(
        UserError, match=r"Typo has no part 'critics' to train in a Phase. Nearest: critic. All: encoder"
    ):
        make(Typo, SPEC, **SMALL)


@pytest.mark.parametrize('before', [True, False])
def test_hyperparameters_and_submodules_are_set_before_or_after_super(before):
    class Own(Plain):
        def __init__(self, *args, omega=2.0, **common):
            if not before:
                super().__init__(*args, **common)
            self.omega = omega
            self.scale = nn.Linear(1, 1)
            self.weight = nn.Parameter(torch.ones(2))
            if before:
                super().__init__(*args, **common)

        def reinforce(self):
            creator, cast, phases = super().reinforce()
            creator.seen = nn.Linear(1, round(self.omega))
            return creator, cast, phases

    agent = make(Own, SPEC, omega=3.0, **SMALL)
    assert agent.creator.seen.out_features == 3
    assert {'scale.weight', 'weight', 'creator.seen.weight'} <= agent.state_dict().keys()
    assert agent.act(np.zeros((2, 3), np.float32)).shape == (2,)


def test_an_agent_without_reinforce_says_so():
    with pytest.raises(TypeError, match='Agent does not say how it acts'):
        make(Agent, SPEC, **SMALL)
    with pytest.raises(TypeError, match='Plain does not say how much the next observation is worth'):
        make(Plain, SPEC, **SMALL).next_value(None)


@pytest.mark.parametrize('name', Agents.__all__)
@pytest.mark.parametrize('spec', [SPEC, VECTOR])
def test_public_names_are_few(name, spec):
    agent = make(getattr(Agents, name), spec, **SMALL)
    own = set(dir(agent)) - set(dir(nn.Module()))
    assert len([each for each in own if not each.startswith('_')]) <= 55


def test_what_acting_leaves_beside_the_action_is_empty_by_default():
    agent = make(DQNAgent, SPEC, **SMALL)
    agent.act(np.zeros((2, 3), np.float32))
    assert agent.extras == {} and agent.extra_parts == ()
