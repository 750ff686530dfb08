"""A cache beside a data set: decoded images and pixel statistics.

`<data set>.prepared/<split>-<digest>.safetensors` holds images and labels, `.json` the mean and standard deviation. The
digest covers the request and the names, sizes and modification times of the files. The folder may be deleted at any
time.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from Support.Errors import UserError, one_line
from Support.Files import atomic_write

if TYPE_CHECKING:
    import torch

VERSION = 1  # of the decoding of images and the computation of statistics


class ImageCache:
    """The cached files of one split of a data set.

    Arguments:
        split: 'train' or 'test'. request: the settings that decide the contents, a dict of JSON types.
        place: path of the data set. otherwise: folder to keep them in where the data's own is read-only; None: nowhere.
    """

    def __init__(self, split: str, request: dict[str, Any], place: Path, otherwise: Path | str | None = None) -> None:
        text = json.dumps({'version': VERSION, 'part': split, **request}, sort_keys=True, default=str)
        self.name, self.request = f'{split}-{hashlib.sha256(text.encode()).hexdigest()[:12]}', request
        folder = place.with_name(f'{place.name}.prepared')
        self.folders = [folder, *([] if otherwise is None else [Path(otherwise).resolve() / folder.name])]

    def images(self) -> tuple[torch.Tensor, torch.Tensor, list[str]] | None:
        """Returns obs uint8 [N, C, H, W], label int64 [N] and the names of all classes; None if they are not cached."""
        path = self.find('.safetensors')
        if path is None:
            return None
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, 'pt') as file:
                names = json.loads(file.metadata()['names'])
                return file.get_tensor('obs'), file.get_tensor('label'), names
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise UserError(f'{path} is damaged ({one_line(error)}): delete it, it will be made again.') from error

    def keep_images(self, obs: torch.Tensor, label: torch.Tensor, names: list[str]) -> None:
        from safetensors.torch import save

        def write(path: Path) -> None:
            atomic_write(path, save({'obs': obs, 'label': label}, {'names': json.dumps(names)}))

        self.keep('.safetensors', write, obs.nbytes + label.nbytes)

    def statistics(self) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
        """Returns mean and standard deviation, each a tuple over channels, in 0..255; None if they are not cached."""
        path = self.find('.json')
        if path is None:
            return None
        try:
            content = json.loads(path.read_text())
            return tuple(map(float, content['mean'])), tuple(map(float, content['std']))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f'{path} is damaged ({one_line(error)}): delete it, it will be made again.') from error

    def keep_statistics(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        content = {
            'mean': mean,
            'std': std,
            'unit': 'of the training pixels, by channel, in 0..255',
            'of': self.request,
        }
        self.keep('.json', lambda path: atomic_write(path, json.dumps(content, indent=1, default=str) + '\n'))

    def find(self, ending: str) -> Path | None:
        """Returns the path of the cached file with this ending, or None."""
        paths = [folder / f'{self.name}{ending}' for folder in self.folders]
        return next((path for path in paths if path.is_file()), None)

    def keep(self, ending: str, write: Callable[[Path], None], size: int = 0) -> None:
        """Writes a file into the first folder that is writable; prints a line if that fails, as for lack of space."""
        folder = next(filter(writable, self.folders), None)
        if folder is None:
            return
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if 2 * size > shutil.disk_usage(folder).free:
                raise UserError(f'less than {2 * size / 1e9:.1f} GB are free in {folder}')
            write(folder / f'{self.name}{ending}')
        except (OSError, UserError) as error:
            print(f'Not kept for the next start: {one_line(error)}', file=sys.stderr)


def writable(folder: Path) -> bool:
    """Returns whether a folder, existing or not, can be written to. Root too leaves read-only folders alone."""
    folder = next(path for path in (folder, *folder.parents) if path.is_dir())
    return os.access(folder, os.W_OK) and folder.stat().st_mode & 0o222 != 0
