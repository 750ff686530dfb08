"""Image folders in tar and zip files, laid out as torchvision's ImageFolder expects them, read without unpacking."""

from __future__ import annotations

import functools
import io
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from Support.Errors import UserError, one_line

if TYPE_CHECKING:
    from PIL import Image

ENDINGS = ('.tar.gz', '.tgz', '.tar', '.zip')
TESTS = ('test', 'val', 'valid', 'validation')  # accepted names of the folder of test images


def find_archive(root: Path | str) -> Path | None:
    """Returns the archive at a path, or beside it under the same name (photos -> photos.tar.gz), or None."""
    root = Path(root)
    if root.is_dir():
        return None
    beside = [root, *(root.with_name(root.name + ending) for ending in ENDINGS)]
    return next((path for path in beside if path.name.endswith(ENDINGS) and path.is_file()), None)


class Archive:
    """The images of one split: <class>/*.jpg, or train/<class>/*.jpg with test/<class>/*.jpg, under any folder.

    Their files are held in memory, compressed. `whole` is true if the archive has no splits, so that all of it was
    taken. Raises UserError if the archive cannot be read or holds no images.
    """

    def __init__(self, path: Path, train: bool) -> None:
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

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Image.Image, int]:
        from PIL import Image

        return Image.open(io.BytesIO(self.files[index])).convert('RGB'), self.targets[index]


def members(path: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Yields the name of every file in an archive and a function that reads it, in the archive's order."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            for info in packed.infolist():
                if not info.is_dir():
                    yield info.filename, functools.partial(packed.read, info)
    else:
        with tarfile.open(path) as archive:
            for member in archive:
                file = archive.extractfile(member) if member.isfile() else None
                if file:
                    yield member.name, file.read


def within(files: dict[tuple[str, ...], bytes]) -> dict[tuple[str, ...], bytes]:
    """Returns files by the parts of their paths, without the folders that contain all of them."""
    while len({parts[0] for parts in files}) == 1 and min(map(len, files)) > 1:
        files = {parts[1:]: content for parts, content in files.items()}
    return files
