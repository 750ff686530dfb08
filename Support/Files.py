"""Files that are written whole or not at all, and files that earlier runs left."""

from __future__ import annotations

import glob
import itertools
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from Support.Errors import UserError, one_line

if TYPE_CHECKING:
    import numpy as np

PROJECT = Path(__file__).resolve().parents[1]


@contextmanager
def atomic(path: Path | str) -> Iterator[Path]:
    """Yields a temporary path beside `path`, which replaces `path` when the block ends, complete and on disk.

    If the block fails, the old file stays and the temporary one is deleted. Raises UserError for an OSError, such as a
    full disk.
    """
    path = Path(path)
    temporary = path.with_name(f'.{path.name}.{os.getpid()}.tmp')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in path.parent.glob(f'.{glob.escape(path.name)}.*.tmp'):
            if not is_running(left.name.split('.')[-2]):  # killed in the middle
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


def is_running(process: str) -> bool:
    """Whether a process is running, by its number; True where that cannot be found out."""
    if os.name != 'posix' or not process.isdigit():
        return True
    try:
        os.kill(int(process), 0)  # sends no signal, only checks
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _sync_folder(folder: Path) -> None:
    """Makes a rename in the folder survive a power cut. Folders that cannot be opened (Windows) need no such call."""
    if hasattr(os, 'O_DIRECTORY'):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def atomic_write(path: Path | str, data: bytes | str) -> None:
    """Writes a whole file or none. Raises UserError as `atomic` does."""
    with atomic(path) as temporary:
        temporary.write_bytes(data.encode() if isinstance(data, str) else data)


def copy_file(path: Path | str, copy: Path | str) -> None:
    """Copies a whole file or none. Raises UserError as `atomic` does."""
    with atomic(copy) as temporary:
        shutil.copyfile(path, temporary)


def save_array(path: Path | str, array: np.ndarray) -> None:
    """Writes an array as .npy, a whole file or none. Raises UserError as `atomic` does."""
    import numpy as np

    with atomic(path) as temporary, open(temporary, 'wb') as file:
        np.save(file, array, allow_pickle=False)


def set_aside(*paths: Path) -> tuple[int, dict[Path, Path]]:
    """Renames what an earlier run left at these paths: agent.safetensors becomes agent.1.safetensors, and so on.

    Returns the number, which is the first that is free for all paths, and the new path of each that was there.
    """

    def numbered(path: Path, number: int) -> Path:
        ending = ''.join(re.findall(r'\.[a-z]+$', path.name))  # a folder's name may hold dots too
        return path.with_name(f'{path.name.removesuffix(ending)}.{number}{ending}')

    number = next(n for n in itertools.count(1) if not any(numbered(path, n).exists() for path in paths))
    moved = {path: numbered(path, number) for path in paths if path.exists()}
    for path, new in moved.items():
        path.rename(new)
    return number, moved


@contextmanager
def keep_earlier(*paths: Path) -> Iterator[None]:
    """Frees these paths for what the block writes: what an earlier run left there is set aside.

    If the block fails before it wrote something there, the old file gets its place back.
    """
    _, moved = set_aside(*paths)
    try:
        yield
    except BaseException:
        for path, new in moved.items():
            if not path.exists():
                new.rename(path)
        raise
    if moved:
        path, new = next(iter(moved.items()))
        print(f'An earlier run left {path}; it is kept as {new.name}')


def wait_for(ready: Callable[[], bool], problem: str, seconds: float = 20) -> None:
    """Waits until `ready()`, for example for a file that another process writes.

    problem: what is wrong meanwhile, for people. Raises UserError after so many seconds.
    """
    end = time.monotonic() + seconds
    if seconds and not ready():
        print(f'{problem}; waiting {seconds} s for another process', flush=True)
    while not ready():
        if time.monotonic() > end:
            raise UserError(f'{problem}, and no other process changed that within {seconds} s.')
        time.sleep(0.05)
