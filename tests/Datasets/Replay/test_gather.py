"""Batches out of the files, by hand."""

import numpy as np
import torch

from Datasets.Experience import Spec
from Datasets.Replay.Replay import Replay

SPEC, CPU = Spec((1, 2, 2), 'uint8', (), 4), torch.device('cpu')


def test_nstep_return_by_hand(tmp_path):
    """Rewards 1, 2, 4 and the end: from the start, n=3, discount 0.5: 1 + 0.5 * 2 + 0.25 * 4 = 3."""
    for terminated, follows in ((True, 0.0), (False, 0.125)):
        replay = Replay(SPEC, tmp_path / str(terminated), 1, 50, nstep=3, discount=0.5)
        for t, reward in enumerate((1, 2, 4)):
            ends = np.array([t == 2])
            frame, after = np.full((1, 1, 2, 2), t, np.uint8), np.full((1, 1, 2, 2), t + 1, np.uint8)
            replay.add(frame, [0], [reward], ends & terminated, ends & (not terminated), after)
        batch = replay.sample(np.random.default_rng(0), 64)
        first = batch.obs[:, 0, 0, 0] == 0
        assert batch.reward[first].unique().tolist() == [3.0]
        assert batch.discount[first].unique().tolist() == [follows]
        assert (batch.next_obs == 3).all()  # every start sees the end within 3 steps: the final observation
        assert batch.last.all()


def test_returns_under_a_schedule_by_hand(tmp_path):
    """Rewards 1, 2, 4, 8, ...; n falls from 4 over 2 to 1 while the discount rises from 0 over 0.5 to 0.75."""
    options = {'nstep': 'cycle(3,exponential(4,1,2))', 'discount': 'cycle(3,exponential(0.0,0.75,2,1))'}
    replay = Replay(SPEC, tmp_path / 'replay', 1, 50, batch_size=200, **options)
    false = np.zeros(1, bool)
    for t in range(10):
        frame, after = np.full((1, 1, 2, 2), t, np.uint8), np.full((1, 1, 2, 2), t + 1, np.uint8)
        replay.add(frame, [0], [2.0**t], false, false, after)
    by_hand = [(4, 1.0, 0.0), (2, 1 + 0.5 * 2, 0.25), (1, 1.0, 0.75)]  # n, return from t = 0, discount after n steps
    batches = [next(replay.batches()) for _ in range(6)]
    for cursor, (n, value, discount) in enumerate(2 * by_hand):  # the cycle begins anew
        batch = batches[cursor]
        start = batch.obs[:, 0, 0, 0].long()
        assert set(start.tolist()) == set(range(6))  # those that the largest n can follow, at any n
        torch.testing.assert_close(batch.reward, value * 2.0**start)
        assert torch.equal(batch.next_obs[:, 0, 0, 0].long(), start + n)
        assert batch.discount.unique().tolist() == [discount]
    replay.cursor = 4
    again = next(replay.batches())
    assert torch.equal(again.index, batches[4].index) and torch.equal(again.reward, batches[4].reward)


def test_states_and_continuous_actions(tmp_path):
    spec = Spec((3,), 'float32', (2,), None)
    replay = Replay(spec, tmp_path / 'replay', 2, 100, nstep=2)
    false = np.zeros(2, bool)
    for t in range(20):
        obs = np.full((2, 3), t, np.float32)
        replay.add(obs, np.full((2, 2), -t, np.float32), np.ones(2), false, false, obs)
    batch = replay.sample(np.random.default_rng(0), 50)
    assert batch.obs.shape == (50, 3)
    assert torch.equal(batch.next_obs, batch.obs + 2)
    assert torch.equal(batch.action, -batch.obs[:, :2])
