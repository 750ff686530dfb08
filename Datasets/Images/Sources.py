"""Where images come from: torchvision's data sets, folders and archives of images, and what is built like them.

A data set's class is understood by its signature: torchvision's take `train=`, `split=` or neither, `root=` and
`download=` or not.
"""

import functools
import hashlib
import inspect
import os
import socket
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from Datasets.Images.Archive import TESTS, Archive, find
from Datasets.Images.Decode import FAILURES, memory_left
from Support.Errors import UserError, hint, one_line

# Where the parts go by other names than usual: (further arguments, the selecting one, its value for training, testing).
PARTS = {
    'CLEVRClassification': ({}, 'split', 'train', 'val'),  # its test images have no labels
    'EMNIST': ({'split': 'balanced'}, 'train', True, False),
    'FGVCAircraft': ({}, 'split', 'trainval', 'test'),
    'INaturalist': ({}, 'version', '2021_train', '2021_valid'),
    'ImageNet': ({}, 'split', 'train', 'val'),
    'Imagenette': ({}, 'split', 'train', 'val'),
    'OxfordIIITPet': ({}, 'split', 'trainval', 'test'),
    'Places365': ({}, 'split', 'train-standard', 'val'),
}
TEST_SHARE = 0.2  # of a data set that comes without test images


class Part:
    """One part of a data set. It is opened when something of it is asked for.

    Arguments:
        build: the data set's class, or a function with its signature
        arguments: dict of the user's own arguments, which win
        data: folder of torchvision's data sets, the `root` of a class that takes one
        train: the part for training, or that for testing

    Raises UserError for unknown arguments, and when opened if there is no such data, with what to put where.
    """

    def __init__(self, build, arguments, data, train):
        self.build, self.name, self.train, self.known = build, build.__name__, train, parameters(build)
        unknown = [name for name in arguments if name not in self.known and None not in self.known]
        if unknown:
            near = hint(unknown[0], [name for name in self.known if name])
            raise UserError(f'{self.name} takes no Dataset.{unknown[0]}.{near}')
        self.archive, self.root = None, None  # the archive or folder in which the files are
        if self.name == 'ImageFolder':
            self.archive = find(folder_root(arguments))
            self.arguments, self.whole = (arguments, False) if self.archive else select_folder(arguments, train)
            self.root = self.archive or Path(self.arguments['root'])
        else:
            self.arguments, self.whole = select_part(self.name, self.known, arguments, train)
            if 'root' in self.known:
                self.root = Path(self.arguments.get('root') or data).expanduser()
                self.arguments['root'] = str(self.root)
            if 'download' in self.known:
                self.arguments['download'] = False

    @functools.cached_property
    def dataset(self):
        """The data set that contains the part."""
        if not self.archive:
            return construct(self.build, self.known, self.arguments)
        if self.archive.stat().st_size > memory_left() / 2:
            raise UserError(f'{self.archive} is larger than memory: unpack it, and give Dataset.root=<its folder>.')
        archive = Archive(self.archive, self.train)
        self.whole = archive.whole
        return archive

    @functools.cached_property
    def indices(self):
        """Where the items of the part lie within it, int64 [n]."""
        indices = np.arange(len(self.dataset))
        if self.whole:  # a fixed share for testing, the same in every run
            indices = np.random.default_rng(0).permutation(indices)
            tests = max(1, round(TEST_SHARE * len(indices)))
            indices = np.sort(indices[tests:] if self.train else indices[:tests])
        if len(indices) == 0:
            raise UserError(f'{self.name} has no images for {"training" if self.train else "testing"}.')
        return indices

    @property
    def names(self):
        """Of the classes, in the order of their numbers; [] where the data set names none."""
        return [str(name) for name in getattr(self.dataset, 'classes', None) or ()]

    @functools.cached_property
    def state(self):
        """What changes when its files do, without opening a folder of images; None if that cannot be told."""
        if self.name == 'ImageFolder':
            return files_state(self.root) if self.root.exists() else None
        if self.root is not None and self.build.__module__.startswith('torchvision.'):
            return [str(self.root.absolute()), len(self.dataset)]  # published: they do not change
        return None


def files_state(root):
    """A digest of the names, sizes and times of change of the files under a folder, or of one file."""
    digest = hashlib.sha256()
    for folder, folders, files in os.walk(root) if root.is_dir() else [(root.parent, [], [root.name])]:
        folders.sort()
        for name in sorted(files):
            path = os.path.join(folder, name)
            told = os.stat(path)
            digest.update(f'{os.path.relpath(path, root)} {told.st_size} {told.st_mtime_ns}\n'.encode())
    return digest.hexdigest()


def parameters(build):
    """Names of a constructor's arguments, through `**kwargs` up its base classes; None among them if any name goes."""
    known = {}
    for base in build.__mro__ if inspect.isclass(build) else (build,):
        if inspect.isclass(base) and '__init__' not in vars(base):
            continue
        signature = list(inspect.signature(base).parameters.values())
        known |= {p.name: None for p in signature if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
        if not any(p.kind is p.VAR_KEYWORD for p in signature):
            return list(known)
    return [*known, None]


def select_part(name, known, arguments, train):
    """The arguments for one part of a class, and whether it is the whole data set because the class knows no parts."""
    if name in PARTS:
        further, key, *values = PARTS[name]
    else:
        key = next((key for key in ('train', 'split', 'image_set') if key in known), None)
        further, values = {}, (True, False) if key == 'train' else ('train', 'test')
    if key is None:
        return dict(arguments), True
    selected = {**further, key: values[0], **arguments}  # the user may train on another part than usual
    return (selected if train else {**selected, key: values[1]}), False


def folder_root(arguments):
    """The image folder that the user named."""
    if arguments.get('root') is None:
        raise UserError(
            'An image folder is needed: Dataset.root=<folder with train/<class>/*.png and test/<class>/*.png>'
        )
    return Path(arguments['root']).expanduser()


def select_folder(arguments, train):
    """The arguments for an image folder with train/ and test/ or val/, and whether it holds the classes themselves."""
    root = folder_root(arguments)
    tests = [root / name for name in TESTS if (root / name).is_dir()]
    if not (root / 'train').is_dir():
        return {**arguments, 'root': root}, True
    if not tests:
        return {**arguments, 'root': root / 'train'}, True
    return {**arguments, 'root': root / 'train' if train else tests[0]}, False


def construct(build, known, arguments):
    """Build the data set from the files that are there, else by download. Raises UserError saying what to put where."""
    try:
        inspect.signature(build).bind(**arguments)
    except TypeError as error:
        raise UserError(f'{build.__name__} is {one_line(error)}: give Dataset.<argument>=<value>.') from error
    try:
        return sized(build(**arguments))
    except FAILURES as error:
        absent = error
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


def sized(dataset):
    """The data set, if it has a length: some classes look for their files only then."""
    len(dataset)
    return dataset


def absence(build, arguments, cause):
    """The sentence that says which data is missing, why, and what to put where."""
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
def network_timeout(seconds):
    """A connection that does not answer ends in an error rather than in waiting."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
