"""Environments in one process and in several."""

import numpy as np
import pytest

from Datasets.Suites.DMC import DMC
from Datasets.Suites.Support.Vector import answer


def test_processes_do_what_this_process_does(draws):
    both = [DMC('pendulum_swingup', num_envs=3, seed=1, pixels=16, max_frames=6, shadow_size=16, video=24, processes=p)
            for p in (False, 2)]  # fmt: skip
    assert np.array_equal(*(suite.reset() for suite in both))
    for action in np.random.default_rng(0).uniform(-1, 1, (5, 3, 1)):
        ours, theirs = (suite.step(action) for suite in both)
        assert all(np.array_equal(a, b) for a, b in zip(ours[:5], theirs[:5], strict=True))
    assert ours.obs.flags.writeable and not np.shares_memory(theirs.obs, both[1].step(action).obs)
    both[0].step(action)
    for envs in (None, [2], [2, 0]):
        assert np.array_equal(*(suite.render(envs) for suite in both))
    vector, processes = both[1].vector, both[1].vector._processes
    with pytest.raises(RuntimeError, match='In a process of the environments: IndexError'):
        vector._pipes[0].send(('render', [9]))
        answer(vector._pipes[0])
    processes[0].kill()
    with pytest.raises(RuntimeError, match='has ended'):
        both[1].step(action)
    both[1].close()
    assert not any(process.is_alive() for process in processes)
