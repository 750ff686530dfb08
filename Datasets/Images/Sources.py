"""The sources of images: torchvision's data sets, folders and archives of images, and classes with such signatures.

A data set's class is called by its signature: torchvision's take `train=`, `split=` or neither, and perhaps `root=` and
`download=`.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import os
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from Datasets.Images.Archive import TESTS, Archive, find_archive
from Datasets.Images.Decode import FAILURES, memory_left
from Support.Classes import arguments_of
from Support.Errors import UserError, hint, one_line

# Splits with unusual names: (further arguments, the argument that selects, its value for training, for testing).
SPLITS: dict[str, tuple[dict[str, Any], str, Any, Any]] = {
    'CLEVRClassification': ({}, 'split', 'train', 'val'),  # its test images have no labels
    'EMNIST': ({'split': 'balanced'}, 'train', True, False),
    'FGVCAircraft': ({}, 'split', 'trainval', 'test'),
    'INaturalist': ({}, 'version', '2021_train', '2021_valid'),
    'ImageNet': ({}, 'split', 'train', 'val'),
    'Imagenette': ({}, 'split', 'train', 'val'),
    'OxfordIIITPet': ({}, 'split', 'trainval', 'test'),
    'Places365': ({}, 'split', 'train-standard', 'val'),
}
TEST_SHARE = 0.2  # of a data set without test images


class Split:
    """The training or the test split of a data set. It is opened on first use.

    Arguments:
        build: the data set's class, or a function with its signature
        arguments: dict of the user's own arguments, which take precedence
        data: folder of torchvision's data sets, the `root` of a class that takes one
        train: the training split, else the test split

    Raises UserError for unknown arguments, and when opened if there is no such data, with what to put where.
    """

    def __init__(self, build: Callable[..., Any], arguments: dict[str, Any], data: str, train: bool) -> None:
        self.build, self.name, self.train = build, build.__name__, train
        self.known, anything = arguments_of(build)
        unknown = [name for name in arguments if name not in self.known and not anything]
        if unknown:
            near = hint(unknown[0], self.known)
            raise UserError(f'{self.name} takes no Dataset.{unknown[0]}.{near}')
        self.archive: Path | None = None  # which holds the files
        self.root: Path | None = None  # the archive or folder of the files
        if self.name == 'ImageFolder':
            self.archive = find_archive(folder_root(arguments))
            self.arguments, self.whole = (arguments, False) if self.archive else select_folder(arguments, train)
            self.root = self.archive or Path(self.arguments['root'])
        else:
            self.arguments, self.whole = select_split(self.name, self.known, arguments, train)
            if 'root' in self.known:
                self.root = Path(self.arguments.get('root') or data).expanduser()
                self.arguments['root'] = str(self.root)
            if 'download' in self.known:
                self.arguments['download'] = False

    @functools.cached_property
    def dataset(self) -> Any:
        """The data set that contains the split."""
        if not self.archive:
            return construct(self.build, self.known, self.arguments)
        if self.archive.stat().st_size > memory_left() / 2:
            raise UserError(f'{self.archive} is larger than memory: unpack it, and give Dataset.root=<its folder>.')
        archive = Archive(self.archive, self.train)
        self.whole = archive.whole
        return archive

    @functools.cached_property
    def indices(self) -> np.ndarray:
        """The positions of the split's items in the data set, int64 [n]."""
        indices = np.arange(len(self.dataset))
        if self.whole:  # a fixed share for testing, the same in every run
            indices = np.random.default_rng(0).permutation(indices)
            tests = max(1, round(TEST_SHARE * len(indices)))
            indices = np.sort(indices[tests:] if self.train else indices[:tests])
        if len(indices) == 0:
            raise UserError(f'{self.name} has no images for {"training" if self.train else "testing"}.')
        return indices

    @property
    def names(self) -> list[str]:
        """Names of the classes, in the order of their numbers; [] where the data set names none."""
        return [str(name) for name in getattr(self.dataset, 'classes', None) or ()]

    @functools.cached_property
    def state(self) -> Any:
        """A value that changes with the files, found without opening a folder of images; None if there is none."""
        if self.root is None:
            return None
        if self.name == 'ImageFolder':
            return files_state(self.root) if self.root.exists() else None
        if self.build.__module__.startswith('torchvision.'):
            return [str(self.root.absolute()), len(self.dataset)]  # published: they do not change
        return None


def files_state(root: Path) -> str:
    """Returns a digest of the names, sizes and modification times of the files under a folder, or of one file."""
    digest = hashlib.sha256()
    tree: Iterable[Any] = os.walk(root) if root.is_dir() else [(root.parent, [], [root.name])]
    for folder, folders, files in tree:
        folders.sort()
        for name in sorted(files):
            path = os.path.join(folder, name)
            stat = os.stat(path)
            digest.update(f'{os.path.relpath(path, root)} {stat.st_size} {stat.st_mtime_ns}\n'.encode())
    return digest.hexdigest()


def select_split(name: str, known: Sequence[str], arguments: dict[str, Any],
                 train: bool) -> tuple[dict[str, Any], bool]:  # fmt: skip
    """Returns the arguments that select a split, and whether the class has no splits, so that they give everything."""
    key: str | None
    values: Sequence[Any]
    further: dict[str, Any]
    if name in SPLITS:
        further, key, *values = SPLITS[name]
    else:
        key = next((key for key in ('train', 'split', 'image_set') if key in known), None)
        further, values = {}, (True, False) if key == 'train' else ('train', 'test')
    if key is None:
        return dict(arguments), True
    selected = {**further, key: values[0], **arguments}  # the user may train on another split than usual
    return (selected if train else {**selected, key: values[1]}), False


def folder_root(arguments: dict[str, Any]) -> Path:
    """Returns the image folder that the user named. Raises UserError if there is none."""
    if arguments.get('root') is None:
        raise UserError(
            'An image folder is needed: Dataset.root=<folder with train/<class>/*.png and test/<class>/*.png>'
        )
    return Path(arguments['root']).expanduser()


def select_folder(arguments: dict[str, Any], train: bool) -> tuple[dict[str, Any], bool]:
    """Returns the arguments for an image folder with train/ and test/ or val/, and whether it has no such splits."""
    root = folder_root(arguments)
    tests = [root / name for name in TESTS if (root / name).is_dir()]
    if not (root / 'train').is_dir():
        return {**arguments, 'root': root}, True
    if not tests:
        return {**arguments, 'root': root / 'train'}, True
    return {**arguments, 'root': root / 'train' if train else tests[0]}, False


def construct(build: Callable[..., Any], known: Sequence[str], arguments: dict[str, Any]) -> Any:
    """Builds the data set from the files that are there, else by download. Raises UserError with what to put where."""
    try:
        inspect.signature(build).bind(**arguments)
    except TypeError as error:
        raise UserError(f'{build.__name__} is {one_line(error)}: give Dataset.<argument>=<value>.') from error
    try:
        return sized(build(**arguments))
    except FAILURES as error:
        absent: Exception = error
    if 'download' not in known or isinstance(absent, ImportError):
        raise UserError(absence(build, arguments, one_line(absent))) from absent
    try:
        with network_timeout(30):
            return sized(build(**{**arguments, 'download': True}))
    except FAILURES as error:
        cause = (
            one_line(error) if 'download=True' in str(absent) else f'{one_line(absent)}; download: {one_line(error)}'
        )
        raise UserError(absence(build, arguments, cause)) from error


def sized(dataset: Any) -> Any:
    """Returns the data set after taking its length: some classes look for their files only then."""
    len(dataset)
    return dataset


def absence(build: Callable[..., Any], arguments: dict[str, Any], cause: str) -> str:
    """Returns the sentence that says which data is missing, why, and what to put where."""
    name, root = build.__name__, arguments.get('root')
    if name == 'ImageFolder':
        return (
            f'No image folder at {root} ({cause}): put <class>/*.png there, or train/<class>/*.png and '
            f'test/<class>/*.png, or all of that as {root}.tar.gz.'
        )
    if root is None:
        return f'{name} cannot be built: {cause}.'
    resources = vars(build).get('resources', ())  # MNIST and its kind; EMNIST inherits those of MNIST
    if resources and all(isinstance(resource, tuple) for resource in resources):
        files = ' '.join(url.rpartition('/')[2].removesuffix('.gz') for url, _ in resources)
        wanted = f'{files} into {Path(root, name, "raw")}'
    elif getattr(build, 'base_folder', None):
        wanted = f'{getattr(build, "filename", "its files")} (unpacked) into {root}'
    else:
        wanted = f'its files into {root} as {build.__module__.rpartition(".")[0]}.{name} wants them'
    return f'No whole {name} in {root} ({cause}): put {wanted}, or give data=<folder>, or run it once with a network.'


@contextmanager
def network_timeout(seconds: float) -> Iterator[None]:
    """Makes connections that do not answer raise an error after so many seconds."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
