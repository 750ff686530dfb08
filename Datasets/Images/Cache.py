"""What was worked out of the files of a data set is kept beside them: decoded images, mean and standard deviation.

`<data set>.prepared/<part>-<digest>.safetensors` holds images and labels, `.json` the statistics. The digest is of what
was asked for and of the names, sizes and times of change of the files. Whoever needs room may delete it all.
"""

import hashlib
import json
import os
import shutil
import sys
from pathlib import Path

from Support.Errors import UserError, one_line
from Support.Files import atomic_write

VERSION = 1  # of how images are decoded and statistics are taken


class Prepared:
    """The files of one request: a dict of what tells them apart, JSON types only.

    place: path of the data set. otherwise: folder to keep them in where the data's own is read-only; None: nowhere.
    """

    def __init__(self, part, request, place, otherwise=None):
        text = json.dumps({'version': VERSION, 'part': part, **request}, sort_keys=True, default=str)
        self.name, self.request = f'{part}-{hashlib.sha256(text.encode()).hexdigest()[:12]}', request
        folder = place.with_name(f'{place.name}.prepared')
        self.folders = [folder, *([] if otherwise is None else [Path(otherwise).resolve() / folder.name])]

    def images(self):
        """(obs uint8 [N, C, H, W], label int64 [N], names of all classes), or None."""
        path = self.find('.safetensors')
        if path is None:
            return None
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, 'pt') as file:
                names = json.loads(file.metadata()['names'])
                return file.get_tensor('obs'), file.get_tensor('label'), names
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise UserError(f'{path} is damaged ({one_line(error)}): delete it, it is made anew.') from error

    def keep_images(self, obs, label, names):
        from safetensors.torch import save

        def write(path):
            atomic_write(path, save({'obs': obs, 'label': label}, {'names': json.dumps(names)}))

        self.keep('.safetensors', write, obs.nbytes + label.nbytes)

    def statistics(self):
        """(mean, std), each a tuple over channels, in 0..255; or None."""
        path = self.find('.json')
        if path is None:
            return None
        try:
            told = json.loads(path.read_text())
            return tuple(map(float, told['mean'])), tuple(map(float, told['std']))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f'{path} is damaged ({one_line(error)}): delete it, it is made anew.') from error

    def keep_statistics(self, mean, std):
        told = {'mean': mean, 'std': std, 'unit': 'of the training pixels, by channel, in 0..255', 'of': self.request}
        self.keep('.json', lambda path: atomic_write(path, json.dumps(told, indent=1, default=str) + '\n'))

    def find(self, ending):
        paths = [folder / f'{self.name}{ending}' for folder in self.folders]
        return next((path for path in paths if path.is_file()), None)

    def keep(self, ending, write, size=0):
        """Writes into the first folder that can be written to; where there is none, or no room, says so."""
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


def writable(folder):
    """Whether files may be added to a folder, or the folder itself: one marked read-only is left alone by root too."""
    folder = next(path for path in (folder, *folder.parents) if path.is_dir())
    return os.access(folder, os.W_OK) and folder.stat().st_mode & 0o222 != 0
