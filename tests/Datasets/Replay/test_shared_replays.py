"""Several replays as one, while they are written."""

import numpy as np
import pytest
import torch

from Datasets.Experience import Spec
from Datasets.Replay import SharedReplays
from Datasets.Replay.Replay import Replay

SPEC = Spec((2,), 'float32', (), 4)


def write(replay, place, steps, ends=7):
    """Steps whose observations tell where and when they were, in episodes of `ends`."""
    for _ in range(steps):
        step = replay.steps = getattr(replay, 'steps', 0) + 1
        obs, ended = np.array([[place, step]], np.float32), np.array([step % ends == 0])
        replay.add(obs, np.array([place]), np.array([10.0 * place]), ended, ~ended & False, obs)


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Two replays, of 100 and of 300 steps, and a function that opens them as one."""
    monkeypatch.setattr(SharedReplays, 'PERIOD', 0.0)
    writers = [Replay(SPEC, tmp_path / str(place), capacity=500) for place in (1, 2)]
    for place, (replay, steps) in enumerate(zip(writers, (100, 300), strict=True), 1):
        write(replay, place, steps)
        replay.flush()

    def build(seed=0, batch_size=64, **options):
        def read(path):
            return Replay(SPEC, path, mode='r', **options)

        return SharedReplays.SharedReplays(lambda: sorted(tmp_path.iterdir()), read, batch_size, seed), writers

    return build


def test_one_replay_gives_its_own_samples(make, tmp_path):
    shared, _ = make()
    shared.find = lambda: [tmp_path / '1']
    shared.parts.pop(tmp_path / '2')
    alone = Replay(SPEC, tmp_path / '1', mode='r', batch_size=64, seed=0)
    for _ in range(3):
        (batch,), (own,) = shared.batches(), alone.batches()
        assert all(torch.equal(a, b) for a, b in zip(batch, own, strict=True) if a is not None)


def test_each_counts_by_what_it_holds(make):
    shared, writers = make(nstep=2, discount=0.5, horizon=2)
    batch = shared.sample(np.random.default_rng(0), 4000)
    place = batch.obs[:, 0]
    assert torch.equal(place, batch.action.float()) and torch.equal(place, batch.next_obs[:, 0])
    whole = batch.last.logical_not()
    assert torch.equal(batch.reward[whole], 15 * place[whole]) and batch.future.obs.shape == (4000, 2, 2)
    assert (place == 2).float().mean().item() == pytest.approx(300 / 400, abs=0.03)
    sizes = [writer.capacity for writer in writers]
    assert ((batch.index >= sizes[0]) == (place == 2)).all() and batch.index.max() < sum(sizes)


def test_what_is_written_later_and_by_newcomers_is_seen(make, tmp_path):
    shared, writers = make()
    write(writers[0], 1, 350)
    newcomer = Replay(SPEC, tmp_path / '3', capacity=500)
    write(newcomer, 3, 100)
    newcomer.flush()
    batch = shared.sample(np.random.default_rng(0), 3000)
    assert batch.obs[batch.obs[:, 0] == 1, 1].max() > 400
    shares = torch.bincount(batch.obs[:, 0].long(), minlength=4)[1:] / 3000
    assert shares.tolist() == pytest.approx([450 / 850, 300 / 850, 100 / 850], abs=0.03)
    assert shared.state() == {'cursor': 0, 'names': ['1', '2', '3']}


def test_priorities_go_to_the_replay_that_they_are_of(make):
    shared, writers = make(prioritized=True, alpha=1.0, beta=0.5)
    first, second = shared.parts.values()
    shared.reprioritize([3, 500 + 4], [9.0, 3.0])
    assert first.tree[np.array([3])] == pytest.approx(9) and second.tree[np.array([4])] == pytest.approx(3)
    write(writers[1], 2, 10)  # what is new counts as much as the most important so far
    batch = shared.sample(np.random.default_rng(0), 40_000)
    total = first.tree.total + second.tree.total
    for index, priority in ((3, 9.0), (500 + 4, 3.0), (500 + 350, 3.0)):  # 350: slots are steps and ends of episodes
        assert (batch.index == index).float().mean().item() == pytest.approx(priority / total, rel=0.25)
    assert batch.weight.max() == 1  # of the least likely
    assert batch.weight[batch.index == 3].unique().item() == pytest.approx(9**-0.5)
