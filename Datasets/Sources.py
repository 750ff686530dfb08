"""Where images come from: torchvision's data sets, image folders, and what is built like them.

A data set's class is understood by its signature: torchvision's take `train=`, `split=` or neither, `root=` and
`download=` or not.
"""

import inspect
import socket
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from Utils import UserError, hint, one_line

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
# What the constructors of data sets raise, theirs and those of the libraries below, where files are missing or broken.
FAILURES = (AssertionError, EOFError, ImportError, LookupError, OSError, RuntimeError, TypeError, ValueError)


def open_part(build, arguments, data, train):
    """A data set that contains the part, and the indices of the part within it, int64 [n].

    Arguments:
        build: the data set's class, or a function with its signature
        arguments: dict of the user's own arguments, which win
        data: folder of torchvision's data sets, the `root` of a class that takes one
        train: the part for training, or that for testing

    Raises UserError for unknown arguments, and if there is no such data, with what to put where.
    """
    known = parameters(build)
    unknown = [name for name in arguments if name not in known and None not in known]
    if unknown:
        raise UserError(f'{build.__name__} takes no Dataset.{unknown[0]}.{hint(unknown[0], [k for k in known if k])}')
    if build.__name__ == 'ImageFolder':
        selected, whole = select_folder(arguments, train)
    else:
        selected, whole = select_part(build.__name__, known, arguments, train)
        if 'root' in known:
            selected['root'] = str(Path(selected.get('root') or data).expanduser())
        if 'download' in known:
            selected['download'] = False
    dataset = construct(build, known, selected)
    indices = np.arange(len(dataset))
    if whole:  # a fixed share for testing, the same in every run
        indices = np.random.default_rng(0).permutation(indices)
        tests = max(1, round(TEST_SHARE * len(indices)))
        indices = np.sort(indices[tests:] if train else indices[:tests])
    return dataset, indices


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


def select_folder(arguments, train):
    """The arguments for an image folder with train/ and test/ or val/, and whether it holds the classes themselves."""
    if arguments.get('root') is None:
        raise UserError(
            'An image folder is needed: Dataset.root=<folder with train/<class>/*.png and test/<class>/*.png>'
        )
    root = Path(arguments['root']).expanduser()
    tests = [root / name for name in ('test', 'val', 'valid', 'validation') if (root / name).is_dir()]
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
            f'No image folder at {root} ({cause}): put <class>/*.png there, or train/<class>/*.png, test/<class>/*.png.'
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
