"""An image folder in a tar or zip file, as torchvision's ImageFolder has it in a folder: nothing need be unpacked."""

import functools
import io
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from Support.Errors import UserError, one_line

ENDINGS = ('.tar.gz', '.tgz', '.tar', '.zip')
TESTS = ('test', 'val', 'valid', 'validation')  # what the folder of test images may be called


def find(root):
    """The archive at a path, or beside it under the same name: photos -> photos.tar.gz. None if there is none."""
    root = Path(root)
    if root.is_dir():
        return None
    beside = [root, *(root.with_name(root.name + ending) for ending in ENDINGS)]
    return next((path for path in beside if path.name.endswith(ENDINGS) and path.is_file()), None)


class Archive:
    """The images of one part: <class>/*.jpg, or train/<class>/*.jpg with test/<class>/*.jpg, under any folder.

    Their files are held in memory as they are packed. whole: the archive knows no parts, so all of it was taken.
    Raises UserError if there are none, or more than memory.
    """

    def __init__(self, path, train):
        from torchvision.datasets.folder import IMG_EXTENSIONS

        files = {}
        try:
            for name, read in members(path):
                parts = PurePosixPath(name).parts
                if name.lower().endswith(IMG_EXTENSIONS) and not parts[-1].startswith('.'):
                    files[parts] = read()
        except (OSError, EOFError, RuntimeError, tarfile.TarError, zipfile.BadZipFile, zlib.error) as error:
            raise UserError(f'{path} cannot be read as an archive of images: {one_line(error)}.') from error
        files = within(files)
        tests = next((name for name in TESTS if any(parts[0] == name for parts in files)), None)
        parted = any(parts[0] == 'train' for parts in files)
        if parted:
            chosen = 'train' if train or not tests else tests
            files = {parts[1:]: content for parts, content in files.items() if parts[0] == chosen}
        files = {parts: content for parts, content in sorted(files.items()) if len(parts) > 1}
        if not files:
            raise UserError(f'{path} holds no <class>/*.png, nor train/<class>/*.png: pack class folders of images.')
        self.whole = not (parted and tests)
        self.files = list(files.values())
        self.classes = sorted({parts[0] for parts in files})
        self.targets = [self.classes.index(parts[0]) for parts in files]
        self.samples = [(f'{path}:{"/".join(parts)}', k) for parts, k in zip(files, self.targets, strict=True)]

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        from PIL import Image

        return Image.open(io.BytesIO(self.files[index])).convert('RGB'), self.targets[index]


def members(path):
    """(name, function that reads it) of every file in an archive, in its order."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if not info.is_dir():
                    yield info.filename, functools.partial(archive.read, info)
    else:
        with tarfile.open(path) as archive:
            for info in archive:
                if info.isfile():
                    yield info.name, archive.extractfile(info).read


def within(files):
    """Files by the parts of their paths, without the folders that all of them lie under."""
    while len({parts[0] for parts in files}) == 1 and min(map(len, files)) > 1:
        files = {parts[1:]: content for parts, content in files.items()}
    return files
