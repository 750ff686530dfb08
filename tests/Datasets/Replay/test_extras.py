"""What `act` computes beside the action, stored with the step: what is drawn is what was computed when acting."""

import numpy as np
import pytest
import torch

from Agents import SACAgent
from Datasets.Experience import Part, Spec, Step
from Datasets.Replay.Replay import Replay
from Datasets.Replay.ReplayFiles import ReplayFiles
from Datasets.Replay.Rollout import Rollout
from Datasets.Replay.SharedReplays import SharedReplays
from Environment import Environment
from Support.Errors import UserError
from tests.make import make

SPEC = Spec((3,), 'float32', (2,), None, -np.ones(2), np.ones(2))


class Behavior(SACAgent):
    """Stores the log-probability of its actions and a vector for each step, as a hidden state would be."""

    extra_parts = Part('log_prob', (), 'float32'), Part('carry', (4,), 'float32')

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.extras, self.computed = {}, {}

    def act(self, obs, explore=True, first=None):
        action = super().act(obs, explore, first)
        if explore:
            with torch.no_grad():
                policy = self.creator.policy(self.creator.encoder(torch.as_tensor(obs)), self.noise)
                log_prob = policy.log_prob(torch.as_tensor(action).clamp(-0.999, 0.999)).numpy()
            self.extras = {'log_prob': log_prob, 'carry': np.repeat(log_prob[:, None], 4, 1) + np.arange(4)}
            self.computed |= {tuple(own): value for own, value in zip(action.tolist(), log_prob, strict=True)}
        return action


class Walk:
    """A suite of random states, in episodes of five steps, that steps between `send` and `recv`."""

    num_envs, spec = 2, SPEC

    def __init__(self):
        self.random, self.time = np.random.default_rng(0), 0

    def reset(self):
        return self.see()

    def see(self):
        return self.random.normal(size=(2, 3)).astype(np.float32)

    def step(self, action):
        self.time += 1
        ended, obs = np.full(2, self.time % 5 == 0), self.see()
        return Step(obs, np.ones(2, np.float32), ended, ~ended & False, self.see() if ended.all() else obs)

    def send(self, action):
        self.sent = action

    def recv(self):
        return self.step(self.sent)


@pytest.fixture
def agent():
    torch.manual_seed(0)
    return make(Behavior, SPEC, hidden_dim=8, trunk_dim=4)


def record(agent, replay, overlap=False, steps=30):
    environment = Environment(Walk(), overlap=overlap)
    for _ in range(steps):
        environment.rollout(agent, replay)
    environment.finish(replay)


def check(agent, batch):
    actions = batch.action.flatten(0, -2).tolist()
    expected = torch.tensor(np.array([agent.computed[tuple(action)] for action in actions]))
    assert torch.equal(batch.log_prob.flatten(), expected)
    assert torch.equal(batch.carry.flatten(0, -2), expected[:, None] + torch.arange(4))


@pytest.mark.parametrize('overlap', [False, True])
@pytest.mark.parametrize('prioritized', [False, True])
def test_what_is_drawn_is_what_was_computed_when_acting(agent, tmp_path, overlap, prioritized):
    spec = SPEC._replace(extras=agent.extra_parts)
    replay = Replay(spec, tmp_path / 'replay', 2, 200, nstep=3, prioritized=prioritized)
    record(agent, replay, overlap)
    (batch,) = replay.batches()
    assert batch.log_prob.dtype == torch.float32
    check(agent, batch)


def test_a_rollout_has_them_too(agent, tmp_path):
    rollout = Rollout(SPEC._replace(extras=agent.extra_parts), tmp_path / 'replay', 2, 200)
    record(agent, rollout)
    check(agent, rollout.collect())


def test_replays_of_other_processes_have_them_too(agent, tmp_path):
    spec = SPEC._replace(extras=agent.extra_parts)
    for name in 'ab':
        replay = Replay(spec, tmp_path / name, 2, 200)
        record(agent, replay)
        replay.flush()
    shared = SharedReplays(lambda: [tmp_path / 'a', tmp_path / 'b'], lambda path: Replay(spec, path, mode='r'), 50, 0)
    (batch,) = shared.batches()
    check(agent, batch)


def test_the_header_names_them_and_readers_without_them_read_on(agent, tmp_path):
    spec = SPEC._replace(extras=agent.extra_parts)
    replay = Replay(spec, tmp_path / 'replay', 2, 200)
    record(agent, replay)
    replay.close()
    assert ReplayFiles(None, replay.path, mode='r').spec.extras == agent.extra_parts
    (batch,) = Replay(SPEC, replay.path, mode='c').batches()
    assert batch.log_prob is None and batch.carry is None
    with pytest.raises(UserError, match='log_prob'):  # what it appends would lack them
        Replay(SPEC, replay.path, mode='r+')
    plain = Replay(SPEC, tmp_path / 'plain', 2, 200)
    plain.close()
    with pytest.raises(UserError, match='log_prob'):
        Replay(spec, plain.path, mode='r')


def test_an_agent_that_forgets_them_is_told(tmp_path):
    replay = Replay(SPEC._replace(extras=Behavior.extra_parts), tmp_path / 'replay', 2, 200)
    obs, no = np.zeros((2, 3)), np.zeros(2, bool)
    with pytest.raises(ValueError, match=r'extra_parts names .*log_prob'):
        replay.add(obs, np.zeros((2, 2)), np.zeros(2), no, no, obs)
    with pytest.raises(ValueError, match='fields of Experience'):
        SPEC._replace(extras=(Part('reward', (), 'float32'),))
