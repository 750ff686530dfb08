"""Replays to and from other programs: NumPy arrays in D4RL's layout (arXiv:2004.07219), and Minari data sets.

`python Run.py export=<replay> to=<file.npz | folder | minari:name-v0>`, `import=<one of these> to=<replay>`. An episode
of T steps keeps its T + 1 observations, since returns are bootstrapped from the last one after a time limit.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from Datasets.Experience import Part, Spec
from Datasets.Replay.Minari import read_minari, write_minari
from Datasets.Replay.ReplayFiles import ReplayFiles
from Datasets.Replay.Trajectories import Trajectory, append, to_unit, trajectory
from Support.Errors import UserError, one_line
from Support.Files import atomic

MARGIN = 256  # free slots in a new ring, since readers keep clear of slots that a writer would overwrite next
MINARI = 'minari:'


# Export


def export_replay(path: str, to: str | None = None) -> None:
    """Writes the replay at `path` as a .npz file, as a folder with one for each episode, or as a Minari data set."""
    rings = ReplayFiles(None, path, mode='r')
    if not to:
        raise UserError(f'Where to? export={path} to=<file.npz>, to=<folder> or to={MINARI}<name>-v0')
    if not to.startswith(MINARI) and Path(to).exists():
        raise UserError(f'{to} is there already: give another place with to=')
    pieces = [each for each in rings.episodes() if each.stop - each.start > 1]
    if not pieces:
        raise UserError(f'The replay at {path} holds no whole step.')
    trajectories = (trajectory(rings, each) for each in pieces)
    if to.startswith(MINARI):
        write_minari(rings.spec, trajectories, to.removeprefix(MINARI))
    elif to.endswith('.npz'):
        every = [arrays(rings.spec, each, next_observations=True) for each in trajectories]
        joined = {name: np.concatenate([each[name] for each in every]) for name in every[0]}
        save_npz(to, joined | num_actions(rings.spec))
    else:
        for i, each in enumerate(trajectories):
            named = arrays(rings.spec, each, next_observations=False) | num_actions(rings.spec)
            save_npz(Path(to, f'episode_{i:06}.npz'), named)
    print(f'{len(pieces):,} episodes: {to}')


def arrays(spec: Spec, each: Trajectory, next_observations: bool) -> dict[str, np.ndarray]:
    """Returns a trajectory by D4RL's names: observations and next_observations [T], or observations [T + 1] alone."""
    last = np.arange(len(each.reward)) == len(each.reward) - 1
    named = {'actions': each.action, 'rewards': each.reward}
    named |= {'terminals': last & each.terminated, 'timeouts': last & (not each.terminated)}
    for part, obs in spec.split(each.obs).items():
        end = f'/{part}' if part else ''
        named[f'observations{end}'] = obs[:-1] if next_observations else obs
        if next_observations:
            named[f'next_observations{end}'] = obs[1:]
    return named


def num_actions(spec: Spec) -> dict[str, Any]:
    """Returns the number of discrete actions as an array, since the actions that were taken do not show it."""
    return {} if spec.num_actions is None else {'num_actions': np.int64(spec.num_actions)}


def save_npz(path: Path | str, named: dict[str, Any]) -> None:
    """Writes arrays as .npz, whole or not at all."""
    with atomic(path) as temporary, open(temporary, 'wb') as file:
        np.savez(file, allow_pickle=False, **named)


# Import


def import_replay(source: str, to: str | None = None) -> None:
    """Writes a new replay at `to`, one ring with every episode of a .npz file, a folder of them or a Minari set."""
    if not to or Path(to).exists():
        raise UserError(f'{to} is there already: give another place with to=' if to else
                        f'Where to? import={source} to=Datasets/ReplayBuffer/<name>')  # fmt: skip
    spec, steps, episodes = None, 0, 0
    for own, each in load_episodes(source):  # once to learn how much there is, which may be more than memory
        if spec not in (None, own):
            raise UserError(f'{source} holds episodes of several kinds: {own} after {spec}.')
        spec, steps, episodes = own, steps + len(each.reward), episodes + 1
    if not steps:
        raise UserError(f'{source} holds no whole step.')
    rings = ReplayFiles(spec, to, 1, steps + episodes + MARGIN)
    try:
        for _, each in load_episodes(source):
            append(rings, each)
        rings.flush()
    except BaseException:
        rings.delete()
        raise
    print(f'{episodes:,} episodes of {steps:,} steps; to learn from them: offline=true replay.path={to}')


def load_episodes(source: str) -> Iterator[tuple[Spec, Trajectory]]:
    """Returns (Spec, Trajectory) of every episode in a source."""
    if source.startswith(MINARI):
        return read_minari(source.removeprefix(MINARI))
    path = Path(source)
    files = sorted(path.glob('*.npz')) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        raise UserError(f'No file {source}, nor a folder with .npz files: import=<file.npz>, or {MINARI}<name>-v0')
    return (each for file in files for each in read_npz(file))


def read_npz(path: Path) -> Iterator[tuple[Spec, Trajectory]]:
    """Yields (Spec, Trajectory) of every episode in a file. Raises UserError if it holds no such arrays."""
    try:
        with np.load(path, allow_pickle=False) as file:
            named = {name: file[name] for name in file.files}
        yield from split_episodes(named)
    except KeyError as error:
        raise UserError(
            f'{path} has no {error.args[0]}: it takes observations, actions, rewards, terminals.'
        ) from error
    except (OSError, ValueError, TypeError, EOFError, IndexError, AttributeError, zipfile.BadZipFile) as error:
        raise UserError(f'{path} cannot be read as episodes: {one_line(error)}.') from error


def split_episodes(named: dict[str, np.ndarray]) -> Iterator[tuple[Spec, Trajectory]]:
    """Yields (Spec, Trajectory) of every episode in arrays by D4RL's names, which hold one episode after the other.

    Where the last observation before a time limit is not given, the episode loses its last step.
    """
    obs, parts = observations(named, 'observations')
    given = any(name.startswith('next_observations') for name in named)
    following = observations(named, 'next_observations')[0] if given else obs[:0]
    reward = np.asarray(named['rewards'], np.float32).reshape(-1)
    action = continuous(named) if named['actions'].dtype.kind == 'f' else discrete(named)
    total, nothing = len(reward), np.zeros(len(reward), bool)
    terminal, timeout = (np.asarray(named.get(name, nothing), bool) for name in ('terminals', 'timeouts'))
    lengths = {len(each) for each in (action, terminal, timeout, *([following] if given else []))}
    if lengths != {total} or len(obs) not in (total, total + 1):
        raise ValueError(f'of {total} rewards, other arrays have {sorted({*lengths, len(obs)})} rows')
    if not (np.isfinite(reward).all() and np.isfinite(obs).all()):
        raise ValueError('some numbers are not finite')
    number = int(named['num_actions']) if 'num_actions' in named else None
    spec = Spec(obs.shape[1:], str(obs.dtype), action.shape[1:], number, parts=parts)
    ends = np.flatnonzero(terminal | timeout) + 1
    for start, stop in pairwise(sorted({0, *ends.tolist(), total})):
        if given:
            last = following[stop - 1 : stop]
        elif stop == total < len(obs):
            last = obs[stop:]
        else:  # nothing is bootstrapped from it after a terminal
            last = obs[stop - 1 : stop] if terminal[stop - 1] else obs[:0]
        seen = np.concatenate([obs[start:stop], last])
        done = slice(start, start + len(seen) - 1)
        if len(seen) > 1:
            yield spec, Trajectory(seen, action[done], reward[done], bool(terminal[stop - 1]))


def observations(named: dict[str, np.ndarray], key: str) -> tuple[np.ndarray, tuple[Part, ...]]:
    """Returns arrays `key`, or `key/<part>` of a record, as [M, *obs_shape] uint8 or float32, and the Parts."""
    values = {name.removeprefix(key).removeprefix('/'): frames(value) for name, value in named.items()
              if name == key or name.startswith(f'{key}/')}  # fmt: skip
    if not values:
        raise KeyError(key)
    if list(values) == ['']:
        return values[''], ()
    parts = tuple(Part(name, value.shape[1:], str(value.dtype)) for name, value in values.items())
    flat = [np.ascontiguousarray(value).reshape(len(value), -1).view(np.uint8) for value in values.values()]
    return np.concatenate(flat, 1), parts


def frames(value: np.ndarray) -> np.ndarray:
    """Returns images uint8 [M, H, W], [M, H, W, C] or [M, C, H, W] as [M, C, H, W], other numbers as float32 [M, D]."""
    if value.dtype == np.uint8 and value.ndim in (3, 4):
        if value.ndim == 3:
            return value[:, None]
        return np.moveaxis(value, 3, 1) if value.shape[3] in (1, 3) and value.shape[1] not in (1, 3) else value
    if value.ndim > 2 or value.dtype.kind not in 'fiub':
        raise ValueError(f'observations {list(value.shape)} {value.dtype} are neither images (uint8) nor states [M, D]')
    return value.reshape(len(value), -1).astype(np.float32)


def discrete(named: dict[str, np.ndarray]) -> np.ndarray:
    """Returns integer actions [M] or [M, 1] as int64 [M]."""
    action = named['actions'].reshape(len(named['actions']), -1)
    if action.shape[1] != 1 or action.dtype.kind not in 'iu' or action.min(initial=0) < 0:
        raise ValueError(f'actions {list(action.shape)} {action.dtype} are neither choices 0, 1, ... [M] nor floats')
    return action[:, 0].astype(np.int64)


def continuous(named: dict[str, np.ndarray]) -> np.ndarray:
    """Returns float actions [M, A] or [M] as float32 [M, A] in [-1, 1], scaled from `low` .. `high` if given."""
    action = named['actions'].reshape(len(named['actions']), -1)
    if 'low' in named and 'high' in named:
        return to_unit(action, named['low'], named['high'])
    if not (np.abs(action) <= 1.001).all():
        raise ValueError('actions lie beyond [-1, 1]: add arrays low [A] and high [A], their bounds, to the file')
    return action.astype(np.float32)
