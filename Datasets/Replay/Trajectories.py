"""Episodes of a replay as arrays of their own, on the way to and from other formats."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from Datasets.Replay.ReplayFiles import FINAL, TERMINATED, TRUNCATED, Episode, ReplayFiles


class Trajectory(NamedTuple):
    """An episode, or a piece of one."""

    obs: np.ndarray  # [T + 1, *obs_shape]
    action: np.ndarray  # [T] int64 or [T, A] float32 in [-1, 1]
    reward: np.ndarray  # [T]
    terminated: bool  # else truncated


def trajectory(rings: ReplayFiles, episode: Episode) -> Trajectory:
    """Returns an episode without the last action of an open one, since its result is not known."""
    flags = rings.read('flags', episode)
    obs, action, reward = (rings.read(name, episode) for name in ('obs', 'action', 'reward'))
    return Trajectory(obs, action[:-1], reward[:-1], bool(flags[-2] & TERMINATED))


def append(rings: ReplayFiles, each: Trajectory) -> None:
    """Writes a trajectory behind the others in the one ring."""
    steps, start = len(each.reward), int(rings.heads[0])
    data = {name: field[0, start : start + steps + 1] for name, field in rings.data.items()}
    data['obs'][:], data['action'][:steps], data['reward'][:steps] = each.obs, each.action, each.reward
    data['age'][:] = np.arange(steps + 1)
    data['flags'][-2:] = TERMINATED if each.terminated else TRUNCATED, FINAL
    rings.heads[0] += steps + 1


def to_unit(action: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Scales actions from low .. high to [-1, 1]."""
    low, high = np.asarray(low, np.float64).reshape(-1), np.asarray(high, np.float64).reshape(-1)
    return (2 * (action - low) / (high - low) - 1).clip(-1, 1).astype(np.float32)
