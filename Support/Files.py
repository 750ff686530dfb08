"""Files that are written whole or not at all, and what earlier runs left."""

import glob
import itertools
import os
import shutil
import time
from contextlib import contextmanager
from pathlib import Path

from Support.Errors import UserError, one_line

PROJECT = Path(__file__).resolve().parents[1]


@contextmanager
def atomic(path):
    """Gives a temporary path beside `path`, which takes its place once the block ends, on disk and whole.

    Whatever fails, the old file stays and the temporary one goes. Raises UserError for an OSError (a full disk).
    """
    path = Path(path)
    temporary = path.with_name(f'.{path.name}.{os.getpid()}.tmp')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in path.parent.glob(f'.{glob.escape(path.name)}.*.tmp'):
            if not lives(left.name.split('.')[-2]):  # it was killed in the middle
                left.unlink(missing_ok=True)
        yield temporary
        with open(temporary, 'rb+') as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        cause = error.strerror or one_line(error)
        raise UserError(f'Cannot write {path}: {cause}; make room there or give another folder with root=.') from error
    finally:
        if temporary.exists():
            temporary.unlink()


def lives(process):
    """Whether a process still runs, by its number; also where that cannot be told."""
    if os.name != 'posix' or not process.isdigit():
        return True
    try:
        os.kill(int(process), 0)  # no signal: only asks
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _sync_folder(folder):
    """Makes a rename in the folder outlive a power cut; where folders cannot be opened (Windows) it does already."""
    if hasattr(os, 'O_DIRECTORY'):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def atomic_write(path, data):
    """Writes bytes or text whole or not at all. Raises UserError as `atomic` does."""
    with atomic(path) as temporary:
        temporary.write_bytes(data.encode() if isinstance(data, str) else data)


def copy_file(path, copy):
    """A file once more, whole or not at all. Raises UserError as `atomic` does."""
    with atomic(copy) as temporary:
        shutil.copyfile(path, temporary)


def save_array(path, array):
    """A NumPy array as .npy, whole or not at all. Raises UserError as `atomic` does."""
    import numpy as np

    with atomic(path) as temporary, open(temporary, 'wb') as file:
        np.save(file, array, allow_pickle=False)


@contextmanager
def keep_earlier(*paths):
    """Frees these paths: what an earlier run left there gets a number, agent.safetensors -> agent.1.safetensors.

    If nothing new is there when the block fails, it gets its place back.
    """

    def numbered(n):
        return [path.with_name(f'{path.stem}.{n}{path.suffix}') for path in paths]

    new = next(names for names in map(numbered, itertools.count(1)) if not any(name.exists() for name in names))
    moved = [(path, name) for path, name in zip(paths, new, strict=True) if path.exists()]
    for path, name in moved:
        path.rename(name)
    try:
        yield
    except BaseException:
        for path, name in moved:
            if not path.exists():
                name.rename(path)
        raise
    for path, name in moved[:1]:
        print(f'An earlier run left {path}; it is kept as {name.name}')


def wait_for(ready, problem, seconds=20):
    """Waits until ready(), since another process may be at work on it. Raises UserError when the time is over."""
    end = time.monotonic() + seconds
    if seconds and not ready():
        print(f'{problem}; waiting {seconds} s for another process', flush=True)
    while not ready():
        if time.monotonic() > end:
            raise UserError(f'{problem}, and no other process changed that within {seconds} s.')
        time.sleep(0.05)
