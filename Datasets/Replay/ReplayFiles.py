"""The files of a replay: a memory-mapped ring of slots per environment, one .npy for each field, and a JSON header.

A slot holds one observation, the action taken there, and its reward. An episode of T steps takes T + 1 slots: the last
one, flagged FINAL, holds the observation that nobody acted on. Slots are counted from the start of the run; slot number
`count` lies at `count % capacity`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from Datasets.Experience import LABEL_DTYPES, Spec
from Support.Errors import UserError, one_line
from Support.Files import atomic_write

try:
    import fcntl
except ImportError:  # Windows: whether files are in use cannot be told there
    fcntl = None  # type: ignore[assignment]

VERSION = 2
TERMINATED, TRUNCATED, LIFE_LOST, FINAL = 1, 2, 4, 8  # bits of a slot's flags
HEADER = 'header.json'


class Episode(NamedTuple):
    """Slots start .. stop - 1 of one environment."""

    env: int
    start: int
    stop: int
    whole: bool  # from its first step to its final observation


class ReplayFiles:
    """The files of a replay as arrays: `data` {field: [N, capacity, ...]} and `heads` [N], the slots written so far.

    Arguments:
        spec: of the suite, or None: that of the replay at `path`. num_envs: rings. capacity: slots of each.
        slack: further slots of each, so that as many can be written and taken back (`rewind`) without a loss.
        mode: 'w+' new files; 'r+' append to those at `path`; 'c' continue from them without changing them; 'r' read.
        source: other ReplayFiles, with whose newest slots new ones begin; they have as many environments.

    Raises UserError if the disk is too small or the files at `path` are not a whole replay of this task.
    """

    spec: Spec

    def __init__(self, spec: Spec | None, path: Path | str, num_envs: int = 1, capacity: int = 1, mode: str = 'w+',
                 source: ReplayFiles | None = None, slack: int = 0) -> None:  # fmt: skip
        self.path, self.mode, self.ours = Path(path), mode, mode == 'w+'
        self.lock: Any = None
        self.maps: dict[str, Any] = {}  # the memory-mapped files; `data` and `heads` are views of them
        self.resumed = False
        if spec is not None:
            self.spec = spec
        if mode == 'w+':
            self.num_envs, self.capacity, self.kept = num_envs, capacity + slack, capacity
            self._create(source)
        else:
            self._open(spec)

    def __len__(self) -> int:
        """Slots that count."""
        return int(np.minimum(self.heads, self.kept).sum())

    def episodes(self) -> Iterator[Episode]:
        """Yields every Episode of which something is held, environment by environment, in order."""
        for env, head in enumerate(self.heads.tolist()):
            slots = np.arange(max(0, head - self.kept), head)
            age, flags = (self.data[name][env, slots % self.capacity] for name in ('age', 'flags'))
            first = slots[np.flatnonzero((age == 0) | (slots == slots[:1]))]
            for start, stop in pairwise([*first.tolist(), head]):
                whole = age[start - slots[0]] == 0 and flags[stop - 1 - slots[0]] & FINAL > 0
                yield Episode(env, start, stop, bool(whole))

    def read(self, name: str, episode: Episode) -> np.ndarray:
        """Returns field `name` of an episode [T, ...], its final observation's slot included."""
        return self.data[name][episode.env, np.arange(episode.start, episode.stop) % self.capacity]

    def fields(self) -> dict[str, tuple[tuple[int, ...], str]]:
        """Returns the shape and dtype of each field of a slot."""
        fields: dict[str, tuple[tuple[int, ...], str]] = {
            'obs': (tuple(self.spec.obs_shape), self.spec.obs_dtype),
            'action': (tuple(self.spec.action_shape), 'float32' if self.spec.action_shape else 'int64'),
            'reward': ((), 'float32'),
            'flags': ((), 'uint8'),
            'age': ((), 'int32'),
        }
        if self.spec.label_kind:
            fields['label'] = tuple(self.spec.label_shape), LABEL_DTYPES[self.spec.label_kind]
        return fields | {part.name: (part.shape, part.dtype) for part in self.spec.extras}

    def _fields_as_json(self) -> dict[str, list]:
        return {name: [list(shape), str(np.dtype(dtype))] for name, (shape, dtype) in self.fields().items()}

    def task(self) -> dict[str, Any]:
        """Returns what the spec says beside the fields, as JSON; kinds only where they are not inferred."""
        spec, names = self.spec.to_json(), ('kind', 'num_actions', 'one_hots', 'parts', 'obs_kind', 'label_kind')
        task = {name: spec[name] for name in names if name in spec}
        extras = {'extras': [part.name for part in self.spec.extras]} if self.spec.extras else {}
        return json.loads(json.dumps(task | extras))

    # New files

    def _create(self, source: ReplayFiles | None) -> None:
        """Allocates files of full size, so that a disk that is too small fails now, not in the middle of the run."""
        try:
            self.path.mkdir(parents=True)
            self.heads = self._allocate('heads', (self.num_envs,), 'int64')
            self._hold()
            self.data = {
                name: self._allocate(name, (self.num_envs, self.capacity, *shape), dtype)
                for name, (shape, dtype) in self.fields().items()
            }
            if source:
                self._copy(source)
            self.flush()
        except (KeyboardInterrupt, UserError):
            self.delete()
            raise
        except OSError as error:
            self.delete()
            raise UserError(
                f'No room for a replay of {self.num_envs * self.capacity:,} steps at {self.path} ({error.strerror}): '
                'free the disk, or choose replay.capacity= or root='
            ) from error

    def _allocate(self, name: str, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        array = np.lib.format.open_memmap(self.path / f'{name}.npy', 'w+', np.dtype(dtype), shape)
        if hasattr(os, 'posix_fallocate'):  # a sparse file on a full disk would end in SIGBUS much later
            with open(self.path / f'{name}.npy', 'r+b') as file:
                os.posix_fallocate(file.fileno(), 0, array.offset + array.nbytes)
        return self._view(name, array)

    def _hold(self) -> None:
        """Takes a lock that ends with this process, however that ends (see `in_use`)."""
        if fcntl:
            self.lock = open(self.path / 'heads.npy', 'rb')  # noqa: SIM115
            with suppress(OSError):  # a file system without locks, or another process was first
                fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _copy(self, source: ReplayFiles) -> None:
        """Copies the newest slots of another replay, counted from 0 again."""
        for env, head in enumerate(source.heads.tolist()):
            kept = min(head, source.kept, self.kept)
            first = (head - kept) % source.capacity
            before = min(kept, source.capacity - first)  # those up to the end of its ring; the others are at its start
            for name, data in self.data.items():
                data[env, :before] = source.data[name][env, first : first + before]
                data[env, before:kept] = source.data[name][env, : kept - before]
            self.heads[env] = kept

    # Files of an earlier run

    def _open(self, spec: Spec | None) -> None:
        """Opens the files, checked against their header and this task."""
        try:
            header = json.loads((self.path / HEADER).read_text())
            if header['version'] != VERSION:
                raise ValueError(f'it is of version {header["version"]}, this program reads {VERSION}')
            self.num_envs, self.capacity = header['num_envs'], header['capacity']
            self.kept = header.get('kept', self.capacity)  # there was no slack before 2026-11-21
            self.spec = spec or spec_of(header)
            self._check_task(header)
            self.data = {name: self._map(name) for name in self.fields()}
            self.heads = self._map('heads')
            if self.mode == 'r+':
                self._hold()
            for name, (shape, dtype) in self.fields().items():
                data = self.data[name]
                if data.shape != (self.num_envs, self.capacity, *shape) or data.dtype != dtype:
                    raise ValueError(f'{name}.npy is {data.shape} {data.dtype}')
            if self.heads.shape != (self.num_envs,) or (self.heads < 0).any():
                raise ValueError('heads.npy is damaged')
            known = header['task']['num_actions'] or self.spec.num_actions is None
            if not known and self.data['action'].max() >= self.spec.num_actions:
                raise ValueError(f'its action {self.data["action"].max()} is none of the {self.spec.num_actions} here')
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(
                f'No whole replay at {self.path} ({one_line(error)}): choose another with replay.path='
            ) from error

    def _check_task(self, header: dict[str, Any]) -> None:
        """Raises ValueError if the files are of another task. Extras of another agent do not matter to a reader."""
        saved, own, fields = dict(header['task']), self.task(), dict(header['fields'])
        if self.mode != 'r+' and 'extras' not in own:
            for name in saved.pop('extras', ()):
                del fields[name]
        wanted = self._fields_as_json()
        if fields != wanted:
            raise ValueError(f'it holds {fields}, this task needs {wanted}')
        unknown = not fields['action'][0] and saved['num_actions'] is None  # imported choices
        for name in saved | own:
            if saved.get(name) != own.get(name) and not (unknown and name == 'num_actions'):
                raise ValueError(f'its {name} is {saved.get(name)}, that of this task {own.get(name)}')

    def _map(self, name: str) -> np.ndarray:
        mode: Any = self.mode  # 'r+', 'c' or 'r'
        return self._view(name, np.load(self.path / f'{name}.npy', mmap_mode=mode, allow_pickle=False))

    def _view(self, name: str, array: np.ndarray) -> np.ndarray:
        """A plain array over a memmap; each access to a memmap itself costs microseconds."""
        self.maps[name] = array
        return np.asarray(array)

    def flush(self) -> None:
        """Writes everything so far to the disk, the header last."""
        if self.mode in ('w+', 'r+'):
            for name in (*self.data, 'heads'):
                self.maps[name].flush()
            sizes = {'num_envs': self.num_envs, 'capacity': self.capacity, 'kept': self.kept}
            sizes |= {'heads': self.heads.tolist(), 'size': len(self)}
            header = {'version': VERSION, **sizes, 'fields': self._fields_as_json(), 'task': self.task()}
            atomic_write(self.path / HEADER, json.dumps(header, indent=1))

    def rewind(self, heads: np.ndarray) -> bool:
        """Takes back what was written after `heads` [N], and returns whether all that counted then is still there."""
        heads = np.asarray(heads)
        oldest = np.maximum(heads - self.kept, 0)
        if len(heads) != self.num_envs or (heads > self.heads).any() or (self.heads - self.capacity > oldest).any():
            return False
        self.heads[:] = heads
        return True

    @property
    def slack(self) -> int:
        """Slots of each ring that can be written and taken back."""
        return self.capacity - self.kept

    def close(self, keep: bool = True) -> None:
        """Flushes the files, or deletes those that the run made; releases the lock. The arrays can still be read."""
        self.flush() if keep else self.delete()
        if self.lock:
            self.lock.close()

    def delete(self) -> None:
        """Deletes the files if this run made them; never those of another one."""
        if self.ours and self.path.exists():
            for name in (*self.fields(), 'heads'):
                (self.path / f'{name}.npy').unlink(missing_ok=True)
            (self.path / HEADER).unlink(missing_ok=True)
            if not any(self.path.iterdir()):
                self.path.rmdir()


def spec_of(header: dict[str, Any]) -> Spec:
    """Returns the Spec in a header, without bounds of actions and statistics of pixels, which are not saved."""
    fields, task = header['fields'], header['task']
    (obs_shape, obs_dtype), action_shape = fields['obs'], fields['action'][0]
    shapes = {'obs_shape': obs_shape, 'obs_dtype': obs_dtype, 'action_shape': action_shape}
    labels = {'label_shape': fields['label'][0]} if 'label' in fields else {}
    extras = [[name, *fields[name]] for name in task.get('extras', ())]
    return Spec.from_json({**shapes, **labels, **task, 'extras': extras})


def in_use(path: Path | str) -> bool:
    """Returns whether the process that made the replay at `path` still runs; True where that cannot be told."""
    try:
        with open(Path(path, 'heads.npy'), 'rb') as file:
            if fcntl:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:  # killed before the file was there
        return False
    except OSError:
        return True
    return fcntl is None


def folder_bytes(path: Path | str) -> int:
    """Returns the bytes of the files in a folder."""
    return sum(file.stat().st_size for file in Path(path).iterdir() if file.is_file())
