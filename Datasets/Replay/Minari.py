"""Minari data sets (https://minari.farama.org) as episodes, and episodes as Minari data sets."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from Datasets.Experience import Spec
from Datasets.Replay.Trajectories import Trajectory, to_unit
from Support.Errors import UserError, one_line


def minari_library() -> Any:
    """Returns the library Minari. Raises UserError if it is not installed."""
    try:
        import minari
    except ImportError as error:
        raise UserError('Minari data sets need its library: pip install "minari[hdf5]"') from error
    return minari


def read_minari(name: str) -> Iterator[tuple[Spec, Trajectory]]:
    """Yields (Spec, Trajectory) of a data set on this machine, with the observations of task=gym/..."""
    from gymnasium.spaces import Box, Discrete

    from Datasets.Suites.Support.Spaces import actions, observation

    try:
        dataset = minari_library().load_dataset(name)
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f'No Minari data set {name} here ({one_line(error)}): minari download {name}') from error
    space: Any = dataset.action_space
    if not isinstance(dataset.action_space, (Box, Discrete)):
        raise UserError(f'The actions of {name} are of a kind that is not supported: {space}.')
    convert, seen = observation(name, dataset.observation_space)
    done = actions(name, space)[1]
    spec = Spec(**seen, action_shape=done['action_shape'], num_actions=done['num_actions'])
    for each in dataset:
        obs = np.stack([convert(at_step(each.observations, t)) for t in range(len(each) + 1)]).astype(spec.obs_dtype)
        if spec.num_actions is None:
            action = to_unit(each.actions.reshape(len(each), -1), space.low, space.high)
        else:
            action = each.actions - space.start
        yield spec, Trajectory(obs, action, each.rewards, bool(each.terminations[-1]))


def at_step(tree: Any, t: int) -> Any:
    """Returns the observation of step t from dicts and tuples of arrays [T + 1, ...]."""
    if isinstance(tree, dict):
        return {key: at_step(value, t) for key, value in tree.items()}
    return tuple(at_step(value, t) for value in tree) if isinstance(tree, tuple) else tree[t]


def write_minari(spec: Spec, trajectories: Iterable[Trajectory], name: str) -> None:
    """Writes a new data set on this machine, lossless, with actions as they are stored, in [-1, 1]."""
    from gymnasium.spaces import Box, Discrete

    minari = minari_library()
    from minari.data_collector import EpisodeBuffer

    if spec.parts or (spec.num_actions is None and not spec.action_shape):
        raise UserError('Records, and actions of which the number is not known, go to=<folder>, not to Minari.')
    low, high = (0, 255) if spec.obs_dtype == 'uint8' else (-np.inf, np.inf)
    seen = Box(low, high, spec.obs_shape, np.dtype(spec.obs_dtype).type)
    done = Box(-1, 1, spec.action_shape, np.float32) if spec.num_actions is None else Discrete(spec.num_actions)
    buffers = []
    for i, each in enumerate(trajectories):
        last = np.arange(len(each.reward)) == len(each.reward) - 1
        ends = {'terminations': last & each.terminated, 'truncations': last & (not each.terminated)}
        buffers.append(EpisodeBuffer(i, observations=each.obs, actions=each.action, rewards=each.reward, **ends))
    options = {'observation_space': seen, 'action_space': done, 'data_format': 'hdf5', 'jpeg_encoding': False}
    try:
        with warnings.catch_warnings(action='ignore', category=UserWarning):  # that there is no environment
            minari.create_dataset_from_buffers(name, buffers, **options)
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f'Minari cannot write {name}: {one_line(error)}.') from error
