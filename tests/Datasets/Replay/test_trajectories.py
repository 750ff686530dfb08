"""Episodes out of a ring and into another one."""

import numpy as np

from Datasets.Experience import Spec
from Datasets.Replay.Replay import Replay
from Datasets.Replay.ReplayFiles import ReplayFiles
from Datasets.Replay.Trajectories import Trajectory, append, to_unit, trajectory

SPEC = Spec((1,), 'float32', (), 3)


def test_a_trajectory_is_what_was_stored_and_appended_again_it_is_the_same(tmp_path):
    replay = Replay(SPEC, tmp_path / 'replay', 1, 100)
    for t in range(7):  # an episode of five steps, and two steps of an open one
        obs, ended = np.full((1, 1), t, np.float32), np.array([t == 4])
        replay.add(obs, np.array([t % 3]), np.array([2.0 * t]), ended, ended & False, obs + 1)
    whole, opened = (trajectory(replay, each) for each in replay.episodes())
    assert whole.obs[:, 0].tolist() == [0, 1, 2, 3, 4, 5] and whole.action.tolist() == [0, 1, 2, 0, 1]
    assert whole.reward.tolist() == [0, 2, 4, 6, 8] and whole.terminated
    assert opened.obs[:, 0].tolist() == [5, 6] and opened.action.tolist() == [2] and not opened.terminated
    ring = ReplayFiles(SPEC, tmp_path / 'copy', 1, 50)
    append(ring, whole)
    append(ring, opened)
    for one, other in zip(map(lambda each: trajectory(ring, each), ring.episodes()), (whole, opened), strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    assert isinstance(whole, Trajectory)


def test_actions_are_scaled_by_their_bounds():
    action = to_unit(np.array([[0.0, 10.0], [5.0, 30.0]]), np.array([0.0, 10.0]), np.array([10.0, 20.0]))
    assert action.tolist() == [[-1, -1], [0, 1]] and action.dtype == np.float32  # 30 lies beyond its bound
