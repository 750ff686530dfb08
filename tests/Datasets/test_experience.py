"""Kinds of observations and labels, from a suite to the gradient; batches on their way to a device."""

import json
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from Agents import DQNAgent
from Blocks.Encoders import Encoder
from Blocks.PackedObservations import unpack
from Blocks.Shapes import shape_of
from Datasets.Experience import Experience, Future, Part, Spec, Step, to
from Datasets.Images.Dataset import Dataset
from Datasets.Images.ImageData import Images
from Datasets.Replay.Replay import Replay
from Datasets.Replay.ReplayFiles import ReplayFiles
from Datasets.Suites import fit
from Environment import Environment
from Support.Errors import UserError
from Support.Kinds import kind_of
from tests.make import make

PARTS = Part('speed', (2,), 'float32'), Part('camera', (3, 4, 4), 'uint8')


@pytest.mark.parametrize(
    ('spec', 'obs_kind', 'label_kind', 'images'),
    [
        (Spec((4,), 'float32', (), 2), 'state', None, False),
        (Spec((3, 8, 8), 'uint8', (), 2), 'image', None, True),
        (Spec((7,), 'int64', (), 2), 'tokens', None, False),
        (Spec((56,), 'uint8', (), 2, parts=PARTS), 'record', None, True),
        (Spec((8,), 'uint8', (), 2, parts=PARTS[:1]), 'record', None, False),
        (Spec((1, 8, 8), 'uint8', (5,), 5, kind='classify'), 'image', 'class', True),
        (Spec((1, 8, 8), 'uint8', (5,), 5, kind='classify', label_kind='target'), 'image', 'target', True),
        (Spec((7, 3, 5), 'float32', (), 2, obs_kind='state'), 'state', None, False),
    ],
)
def test_kinds_are_named_or_inferred_and_survive_a_header(spec, obs_kind, label_kind, images):
    assert (spec.obs_kind, spec.label_kind, spec.images) == (obs_kind, label_kind, images)
    saved = json.loads(json.dumps(spec.to_json()))
    assert Spec.from_json(saved) == spec


def test_kinds_that_are_inferred_follow_what_is_replaced():
    spec = Spec((4,), 'float32', (), 2)
    assert spec._replace(obs_shape=(3, 8, 8)).obs_kind == 'image'
    assert spec._replace(kind='classify').label_kind == 'class'
    assert spec._replace(obs_kind='tokens')._replace(num_actions=3).obs_kind == 'tokens'
    assert Part('x', (1, 8, 8), 'uint8') == Part('x', (1, 8, 8), 'uint8', 'image')
    assert kind_of((8, 8)) == 'state'


def test_headers_hold_nothing_new_where_kinds_are_inferred():
    """Files of usual tasks keep their bytes, and headers from before kinds are read."""
    older = ('obs_shape', 'obs_dtype', 'action_shape', 'num_actions', 'low', 'high')
    older += ('kind', 'mean', 'std', 'parts', 'one_hots')
    saved = Spec((56,), 'uint8', (), 2, parts=PARTS).to_json()
    assert tuple(saved) == older
    assert saved['parts'] == [('speed', (2,), 'float32'), ('camera', (3, 4, 4), 'uint8')]


@pytest.mark.parametrize('wrong', [{'obs_kind': 'sound'}, {'label_kind': 'share'}])
def test_unknown_kinds_are_refused(wrong):
    with pytest.raises(ValueError, match='is one of'):
        Spec((4,), 'float32', (), 2, **wrong)


class Sentences:
    """A suite of tokens: episodes of three steps, each rewarded by whether the action names the sentence's first token.

    Environment i begins with token i % 2.
    """

    frames_per_step, episodes = 1, None

    def __init__(self, num_envs=2):
        self.num_envs, self.spec, self.time = num_envs, Spec((5,), 'int64', (), 2, obs_kind='tokens'), 0

    def reset(self):
        self.time = 0
        return self.see()

    def see(self):
        return np.stack([np.array([i % 2, 2 + self.time, 7, 8, 9]) for i in range(self.num_envs)])

    def step(self, action):
        reward = (np.asarray(action) == np.arange(self.num_envs) % 2).astype(np.float32)
        self.time += 1
        final, ended = self.see(), np.full(self.num_envs, self.time == 3)
        if ended.all():
            self.time = 0
        return Step(self.see(), reward, ended, ~ended & False, final)

    def render(self, envs=None):
        return None

    def close(self):
        pass


class Words(nn.Module):
    """The mean of the tokens' embeddings, which need integers."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(10, 6)

    def forward(self, tokens):
        assert tokens.dtype == torch.int64
        return self.embedding(tokens).mean(1)


@pytest.mark.parametrize('eyes', [Words, partial(nn.Embedding, 10, 6)])
def test_tokens_from_a_suite_to_the_gradient(tmp_path, eyes):
    environment = Environment(fit(Sentences()), frame_stack=2)
    agent = make(
        DQNAgent, environment.suite.spec, {'encoder': {'eyes': eyes}}, frame_stack=2, hidden_dim=8, trunk_dim=4
    )
    replay = Replay(environment.suite.spec, tmp_path / 'replay', 2, 100, 2, batch_size=32, nstep=2, horizon=1)
    for _ in range(20):
        environment.rollout(agent, replay)
    (batch,) = replay.batches()
    assert batch.obs.dtype == batch.next_obs.dtype == torch.int64 and batch.obs.shape == (32, 10)
    assert (batch.obs[:, 7:] == torch.tensor([7, 8, 9])).all() and (batch.obs[:, 5] < 2).all()
    assert batch.future.obs.shape == (32, 1, 10)
    before = agent.state_dict()['creator.encoder.eyes.' + ('embedding.weight' if eyes is Words else 'weight')].clone()
    agent.learn(replay)
    after = agent.state_dict()['creator.encoder.eyes.' + ('embedding.weight' if eyes is Words else 'weight')]
    assert (before != after).any()
    replay.flush()
    assert ReplayFiles(None, replay.path, mode='r').spec == environment.suite.spec


def test_tokens_without_a_block_that_embeds_them():
    with pytest.raises(UserError, match='Eyes='):
        Encoder((5,), kind='tokens')
    assert shape_of(nn.Embedding(10, 6), (5,), dtype=torch.int64) == (5, 6)


def test_targets_in_a_replay_are_drawn_as_they_were_stored(tmp_path):
    spec = Spec((2,), 'float32', (3,), None, kind='classify', label_kind='target', label_shape=(3,))
    replay = Replay(spec, tmp_path / 'replay', 1, 60, batch_size=32)
    for t in range(40):
        obs, ended = np.full((1, 2), t, np.float32), np.array([True])
        replay.add(obs, np.zeros((1, 3)), np.zeros(1), ended, ~ended, obs, label=np.array([[t, t / 4, -t]]))
    (batch,) = replay.batches()
    assert batch.label.dtype == torch.float32 and batch.label.shape == (32, 3)
    assert torch.equal(batch.label, batch.obs[:, :1] * torch.tensor([1, 0.25, -1]))
    replay.flush()
    assert ReplayFiles(None, replay.path, mode='r').spec == spec


@pytest.mark.parametrize('shape', [(), (3,)])
def test_targets_in_a_data_set_are_drawn_as_they_are(shape):
    obs = torch.arange(20, dtype=torch.uint8).view(20, 1, 1, 1)
    target = torch.randn(20, *shape)
    (batch,) = Dataset(Images(obs, target), batch_size=8).batches()
    assert batch.label.dtype == torch.float32 and torch.equal(batch.label, target[batch.obs.flatten().long()])


def test_records_are_split_as_encoders_unpack_them():
    records = np.random.default_rng(0).integers(0, 255, (6, 56), np.uint8)
    records[:, :8] = np.ones((6, 2), np.float32).view(np.uint8)  # random bytes may be no numbers
    own = Spec((56,), 'uint8', (), 2, parts=PARTS).split(records)
    for name, part in unpack(torch.from_numpy(records), PARTS).items():
        assert np.array_equal(own[name], part.numpy()) and own[name].dtype == part.numpy().dtype
    assert Spec((56,), 'uint8', (), 2).split(records)[''] is records


def test_every_tensor_moves_and_what_is_there_stays():
    window = torch.zeros(2, 5, 3, 3, dtype=torch.uint8)
    future = Future(obs=window, action=torch.zeros(2, 1), reward=torch.zeros(2, 1), valid=torch.ones(2, 1).bool())
    batch = Experience(obs=window[:, :4], reward=torch.ones(2), future=future)
    moved = to(torch.device('meta'), batch)
    assert moved.obs.device.type == moved.future.obs.device.type == 'meta' and moved.obs.shape == (2, 4, 3, 3)
    assert type(moved) is Experience and type(moved.future) is Future and moved.action is None
    here = to(torch.device('cpu'), batch)
    assert here.obs is batch.obs and here.future.obs is window
