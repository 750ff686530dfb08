"""The files of replays: another capacity, episodes that a load finds open, another task."""

import numpy as np
import pytest
import torch

import Utils
from Datasets.Experience import Part, Spec
from Datasets.Replay import ReplayFiles
from Datasets.Replay.Replay import Replay

SPEC = Spec((2,), 'float32', (), 3)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def film(replay, start, stop, ends=()):
    """Steps start .. stop - 1 of every environment: step t sees (env, t), does t % 3, earns t; `ends` are terminal."""
    envs = np.arange(replay.num_envs)

    def seen(t):
        return np.stack([envs, np.full_like(envs, t)], 1).astype(np.float32)

    for t in range(start, stop):
        ended = np.full(len(envs), t in ends)
        replay.add(seen(t), np.full(len(envs), t % 3), np.full(len(envs), t), ended, ended & False, seen(t + 1))


def content(path):
    return {file.name: file.read_bytes() for file in sorted(path.iterdir())}


@pytest.mark.parametrize('steps', [30, 95])  # before and after the ring of 40 slots came round
@pytest.mark.parametrize('capacity', [20, 80, 200])  # in all, of two rings
def test_another_capacity_keeps_the_newest_slots(folder, steps, capacity):
    old = Replay(SPEC, folder / 'old', 2, 80)
    film(old, 0, steps, ends=(22, 50, 61))
    old.flush()
    before = content(folder / 'old')
    loaded = Replay(SPEC, folder / 'old', mode='r')
    new = Replay(SPEC, folder / 'new', 2, capacity, nstep=2, prioritized=True, source=loaded)
    slots = {30: 31, 95: 40}[steps]  # an end takes a slot of its own
    assert new.heads.tolist() == 2 * [min(slots, capacity // 2)] and new.capacity == capacity // 2
    for env in range(2):
        kept = np.arange(old.heads[env] - new.heads[env], old.heads[env])
        for name, data in new.data.items():
            assert np.array_equal(data[env, : len(kept)], old.data[name][env, kept % 40])
    film(new, steps, steps + 100, ends=(steps + 50,))
    batch = new.sample(np.random.default_rng(0), 500)
    t = batch.obs[:, 1]
    assert np.array_equal(batch.action, t.long() % 3)  # of what is kept and of what was added alike
    assert set(batch.obs[:, 0].tolist()) == {0, 1}
    assert content(folder / 'old') == before
    new.delete()
    assert content(folder / 'old') == before and not (folder / 'new').exists()


def test_an_episode_that_was_open_ends_when_it_is_loaded(folder):
    """Steps 0..4, then a load and a new episode from 100 on: no sample sees 4 followed by 100."""
    replay = Replay(SPEC, folder / 'replay', 1, 50)
    film(replay, 0, 5)
    replay.flush()
    again = Replay(SPEC, folder / 'replay', nstep=3, discount=0.5, frame_stack=1, prioritized=True, mode='r+')
    again.cut()
    film(again, 100, 110)
    assert again.data['age'][0, :8].tolist() == [0, 1, 2, 3, 4, 0, 1, 2]
    batch = again.sample(np.random.default_rng(0), 400)
    t, then = batch.obs[:, 1], batch.next_obs[:, 1]
    assert set(t.tolist()) == {0, 1, 2, 3, *range(100, 107)}  # 4 is what was seen last; what was done there is unknown
    assert np.array_equal(then, torch.where(t < 4, (t + 3).clamp(max=4), t + 3))
    assert np.array_equal(batch.discount, torch.where(t < 4, 0.5 ** (4 - t).clamp(max=3), 0.125))  # cut off, not over
    assert [episode.whole for episode in again.episodes()] == [True, False]
    for _ in range(2):  # there is nothing to do the second time
        again.cut()
        assert again.heads.tolist() == [15] and [episode.whole for episode in again.episodes()] == [True, True]


def test_episodes_of_a_ring_that_came_round(folder):
    replay = Replay(SPEC, folder / 'replay', 1, 20)
    film(replay, 0, 40, ends=(9, 19, 29))  # 43 slots, 23 .. 42 held: the end of the third episode and all after it
    third, fourth = replay.episodes()
    assert (third.whole, fourth.whole) == (False, False)
    assert replay.read('obs', third)[:, 1].tolist() == list(range(21, 31))
    assert replay.read('reward', fourth).tolist() == list(range(30, 40))


@pytest.mark.parametrize(
    'other',
    [
        {'num_actions': 4},
        {'action_shape': (3,), 'num_actions': None},
        {'obs_shape': (4,)},
        {'parts': (Part('position', (2,), 'float32'),)},
        {'kind': 'classify'},
    ],
)
def test_a_replay_of_another_task_is_refused(folder, other):
    Replay(SPEC, folder / 'replay', 1, 50)
    with pytest.raises(Utils.UserError, match=r'No whole replay at .* this task') as error:
        Replay(SPEC._replace(**other), folder / 'replay', mode='r')
    assert '\n' not in str(error.value)


def test_choices_within_vectors_are_part_of_the_task(folder):
    spec = SPEC._replace(action_shape=(5,), num_actions=None, one_hots=(3,))
    Replay(spec, folder / 'replay', 1, 50)
    assert ReplayFiles.ReplayFiles(None, folder / 'replay', mode='r').spec == spec  # the header tells all of it
    with pytest.raises(Utils.UserError, match='one_hots'):
        Replay(spec._replace(one_hots=(2, 3)), folder / 'replay', mode='r')
