"""The files of a replay: a memory-mapped ring of slots per environment, one .npy for each field, and a JSON header.

A slot holds one observation and what was done there. An episode of T steps takes T + 1 slots: the last one, flagged
FINAL, holds the observation that nobody acted on. Slots are counted from the start of the run; `count % capacity` is
where a slot lies.
"""

import json
import os
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from Datasets.Experience import Part, Spec
from Support.Errors import UserError, one_line
from Support.Files import atomic_write

try:
    import fcntl
except ImportError:  # Windows: then nobody can tell whether files are in use
    fcntl = None

VERSION = 2
TERMINATED, TRUNCATED, LIFE_LOST, FINAL = 1, 2, 4, 8  # bits of a slot's flags
HEADER = 'header.json'


class Episode(NamedTuple):
    """Slots start .. stop - 1 of one environment."""

    env: int
    start: int
    stop: int
    whole: bool  # from its first step to its final observation


class Rings:
    """What is on disk, as arrays: `data` {field: [N, capacity, ...]} and `heads` [N], the slots written so far.

    Arguments:
        spec: of the suite, or None: that of the replay at `path`. num_envs: rings. capacity: slots of each.
        slack: further slots of each, so that as many can be written and taken back (`rewind`) without a loss.
        mode: 'w+' new files; 'r+' append to those at `path`; 'c' go on from them without changing them; 'r' read.
        source: other Rings, whose newest slots new ones begin with; these have then as many environments.
    Raises UserError if the disk is too small or the files at `path` are not a whole replay of this task.
    """

    def __init__(self, spec, path, num_envs=1, capacity=1, mode='w+', source=None, slack=0):
        self.spec, self.path, self.mode, self.lock, self.ours = spec, Path(path), mode, None, mode == 'w+'
        self.resumed, self.maps = False, {}  # the files in memory; what is worked with are views of them
        if mode == 'w+':
            self.num_envs, self.capacity, self.kept = num_envs, capacity + slack, capacity
            self._create(source)
        else:
            self._open()

    def __len__(self):
        """Slots that count."""
        return int(np.minimum(self.heads, self.kept).sum())

    def episodes(self):
        """Every Episode of which something is held, environment by environment, in order."""
        for env, head in enumerate(self.heads.tolist()):
            slots = np.arange(max(0, head - self.kept), head)
            age, flags = (self.data[name][env, slots % self.capacity] for name in ('age', 'flags'))
            first = slots[np.flatnonzero((age == 0) | (slots == slots[:1]))]
            for start, stop in pairwise([*first.tolist(), head]):
                whole = age[start - slots[0]] == 0 and flags[stop - 1 - slots[0]] & FINAL > 0
                yield Episode(env, start, stop, bool(whole))

    def read(self, name, episode):
        """Field `name` of an episode [T, ...], its final observation's slot included."""
        return self.data[name][episode.env, np.arange(episode.start, episode.stop) % self.capacity]

    def fields(self):
        """Shape and dtype of a slot's fields."""
        fields = {
            'obs': (tuple(self.spec.obs_shape), self.spec.obs_dtype),
            'action': (tuple(self.spec.action_shape), 'float32' if self.spec.action_shape else 'int64'),
            'reward': ((), 'float32'),
            'flags': ((), 'uint8'),
            'age': ((), 'int32'),
        }
        return fields | ({'label': ((), 'int64')} if self.spec.kind == 'classify' else {})

    def task(self):
        """What the spec says beside the fields, as JSON has it."""
        parts = [[part.name, list(part.shape), part.dtype] for part in self.spec.parts]
        actions = {'num_actions': self.spec.num_actions, 'one_hots': list(self.spec.one_hots)}
        return {'kind': self.spec.kind, **actions, 'parts': parts}

    # New files

    def _create(self, source):
        """Files of full size: a disk that is too small says so now, not in the middle of the run."""
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

    def _allocate(self, name, shape, dtype):
        array = np.lib.format.open_memmap(self.path / f'{name}.npy', 'w+', np.dtype(dtype), shape)
        if hasattr(os, 'posix_fallocate'):  # a sparse file on a full disk would end in SIGBUS much later
            with open(self.path / f'{name}.npy', 'r+b') as file:
                os.posix_fallocate(file.fileno(), 0, array.offset + array.nbytes)
        return self._view(name, array)

    def _hold(self):
        """A lock that ends with this process, however that ends (see `in_use`)."""
        if fcntl:
            self.lock = open(self.path / 'heads.npy', 'rb')  # noqa: SIM115
            with suppress(OSError):  # a file system without locks, or another process was first
                fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _copy(self, source):
        """The newest slots of another replay, counted anew from 0."""
        for env, head in enumerate(source.heads.tolist()):
            kept = min(head, source.kept, self.kept)
            first = (head - kept) % source.capacity
            before = min(kept, source.capacity - first)  # those up to the end of its ring; the others are at its start
            for name, data in self.data.items():
                data[env, :before] = source.data[name][env, first : first + before]
                data[env, before:kept] = source.data[name][env, : kept - before]
            self.heads[env] = kept

    # Files of an earlier run

    def _open(self):
        """Checked against their header and this task."""
        try:
            header = json.loads((self.path / HEADER).read_text())
            if header['version'] != VERSION:
                raise ValueError(f'it is of version {header["version"]}, this program reads {VERSION}')
            self.num_envs, self.capacity = header['num_envs'], header['capacity']
            self.kept = header.get('kept', self.capacity)  # there was no slack before 2026-11-21
            self.spec = self.spec or spec_of(header)
            wanted = {name: [list(shape), str(np.dtype(dtype))] for name, (shape, dtype) in self.fields().items()}
            if header['fields'] != wanted:
                raise ValueError(f'it holds {header["fields"]}, this task needs {wanted}')
            unknown = not header['fields']['action'][0] and header['task']['num_actions'] is None  # imported choices
            for name, value in self.task().items():
                if header['task'][name] != value and not (unknown and name == 'num_actions'):
                    raise ValueError(f'its {name} is {header["task"][name]}, that of this task {value}')
            self.data = {name: self._map(name) for name in wanted}
            self.heads = self._map('heads')
            if self.mode == 'r+':
                self._hold()
            for name, data in self.data.items():
                shape, dtype = wanted[name]
                if data.shape != (self.num_envs, self.capacity, *shape) or data.dtype != dtype:
                    raise ValueError(f'{name}.npy is {data.shape} {data.dtype}')
            if self.heads.shape != (self.num_envs,) or (self.heads < 0).any():
                raise ValueError('heads.npy is damaged')
            if unknown and self.spec.num_actions and self.data['action'].max() >= self.spec.num_actions:
                raise ValueError(f'its action {self.data["action"].max()} is none of the {self.spec.num_actions} here')
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(
                f'No whole replay at {self.path} ({one_line(error)}): choose another with replay.path='
            ) from error

    def _map(self, name):
        mode = 'r+' if self.mode == 'r+' else 'c' if self.mode == 'c' else 'r'
        return self._view(name, np.load(self.path / f'{name}.npy', mmap_mode=mode, allow_pickle=False))

    def _view(self, name, array):
        """A plain array over a memmap, which itself costs microseconds at every touch."""
        self.maps[name] = array
        return np.asarray(array)

    def flush(self):
        """Everything so far to the disk, the header last."""
        if self.mode in ('w+', 'r+'):
            for name in (*self.data, 'heads'):
                self.maps[name].flush()
            fields = {name: [list(shape), str(np.dtype(dtype))] for name, (shape, dtype) in self.fields().items()}
            sizes = {'num_envs': self.num_envs, 'capacity': self.capacity, 'kept': self.kept}
            sizes |= {'heads': self.heads.tolist(), 'size': len(self)}
            header = {'version': VERSION, **sizes, 'fields': fields, 'task': self.task()}
            atomic_write(self.path / HEADER, json.dumps(header, indent=1))

    def rewind(self, heads):
        """Takes back what was written after `heads` [N] -> whether all that counted then is still there."""
        heads = np.asarray(heads)
        oldest = np.maximum(heads - self.kept, 0)
        if len(heads) != self.num_envs or (heads > self.heads).any() or (self.heads - self.capacity > oldest).any():
            return False
        self.heads[:] = heads
        return True

    @property
    def slack(self):
        return self.capacity - self.kept

    def close(self, keep=True):
        """Ends the work on the files: they stay, or go if the run made them. The arrays can still be read."""
        self.flush() if keep else self.delete()
        if self.lock:
            self.lock.close()

    def delete(self):
        """Removes the files, if the run made them; never those of another one."""
        if self.ours and self.path.exists():
            for name in (*self.fields(), 'heads'):
                (self.path / f'{name}.npy').unlink(missing_ok=True)
            (self.path / HEADER).unlink(missing_ok=True)
            if not any(self.path.iterdir()):
                self.path.rmdir()


def spec_of(header):
    """The Spec that a header tells of; bounds of actions and statistics of pixels are not in it."""
    fields, task = header['fields'], header['task']
    parts = tuple(Part(name, tuple(shape), dtype) for name, shape, dtype in task['parts'])
    (obs_shape, obs_dtype), action_shape = fields['obs'], tuple(fields['action'][0])
    rest = {'kind': task['kind'], 'parts': parts, 'one_hots': tuple(task['one_hots'])}
    return Spec(tuple(obs_shape), obs_dtype, action_shape, task['num_actions'], **rest)


def in_use(path):
    """Whether the process that made the replay at `path` still runs; also where that cannot be told."""
    try:
        with open(Path(path, 'heads.npy'), 'rb') as file:
            if fcntl:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:  # killed before it stood
        return False
    except OSError:
        return True
    return fcntl is None


def size(path):
    """Bytes of the files in a folder."""
    return sum(file.stat().st_size for file in Path(path).iterdir() if file.is_file())
