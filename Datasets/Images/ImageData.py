"""Labelled images: preloaded as uint8 tensors where they fit into memory, else streamed. Batches are the same."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from Datasets.Images import Decode
from Datasets.Images.Cache import Prepared
from Datasets.Images.Decode import Decoded, read_through, suggest_shape
from Datasets.Images.Sources import Part
from Datasets.Images.Subset import Selection, check, numbered, select
from Support.Errors import UserError

COUNTED = 100_000  # images at most, evenly spread, of which mean and standard deviation are taken


class Images(NamedTuple):
    """One part of a data set."""

    obs: torch.Tensor | Decoded  # uint8 [N, C, H, W]
    label: torch.Tensor  # int64 [N]; -1: unknown


class ImageData:
    """The two parts of a data set and what they have in common. Each part is read when first asked for.

    Arguments:
        build: the data set's class, or a function with its signature
        arguments: dict of its arguments
        data: folder of torchvision's data sets
        resize: pixels, or (height, width), to which images are resized and centre-cropped. None: their own size, or
            where they differ the shortest side that was seen, at most 224
        mini: a few thousand images only
        subset, per_class, labelled: see Selection
        stream: decode images when they are wanted, by `workers` threads; None: if they are more than half of the memory
        keep: folder for what is kept for the next start where the data's own is read-only (Prepared)

    Raises UserError if there is no such data, with what to put where.
    """

    def __init__(self, build, arguments, data, resize=None, mini=False, subset=None, per_class=None, labelled=None,
                 stream=None, workers=None, keep=None):  # fmt: skip
        self.build, self.arguments, self.data, self.mini = build, arguments, str(data), bool(mini)
        self.selection = Selection(subset, per_class, labelled)
        self.stream, self.workers, self.keep = stream, workers, keep
        self.size = resize if resize is None or isinstance(resize, Sequence) else (resize, resize)
        check(self.selection)
        if stream not in (None, True, False):
            raise UserError(f"suite.stream is true, false or null, not '{stream}'.")
        if workers is not None and (not isinstance(workers, int) or workers < 1):
            raise UserError(f"suite.workers is a number of threads or null, not '{workers}'.")

    @functools.cached_property
    def train(self):
        """Images to learn from."""
        return self._training[0]

    @functools.cached_property
    def test(self):
        """Images to evaluate on, in the shape and with the classes of those for training."""
        train, names, _ = self._training
        return self._read(False, tuple(train.obs.shape[1:]), names)[0]

    @functools.cached_property
    def class_names(self):
        """Names of the classes in the order of the labels; their numbers where the data set names none."""
        _, names, _ = self._training
        return [names[number] for number in numbered(self.selection.subset, names)]

    @functools.cached_property
    def statistics(self):
        """Mean and standard deviation of the training pixels, each a tuple over channels, in 0..255."""
        _, _, prepared = self._training
        known = prepared and prepared.statistics()
        if known is None:
            known = statistics(self.train.obs)
            if prepared:
                prepared.keep_statistics(*known)
        return known

    @functools.cached_property
    def _training(self):
        return self._read(True, (None, None, None) if self.size is None else (None, *self.size))

    def _read(self, train, shape, names=None):
        """One part: Images, the names of all classes, and its Prepared.

        shape: (C, H, W), None for what was not asked for. names: of the classes, with which a test part must do.
        """
        part = Part(self.build, self.arguments, self.data, train)
        prepared = self._prepared(part, shape, names)
        kept = prepared and not self.stream and prepared.images()
        if kept:
            obs, label, names = kept
            return Images(obs, label), names, prepared
        stored = stored_images(part.dataset)
        label = stored.label.numpy()[part.indices] if stored else Decode.labels(part.dataset, part.indices, part.name)
        if train:
            names = [*part.names, *(str(number) for number in range(len(part.names), label.max() + 1))]
        else:
            label = renumber(label, part.names, names, part.name)
        chosen, label = select(label, numbered(self.selection.subset, names), self.selection, train, self.mini)
        if len(chosen) == 0:
            raise UserError(f'{part.name} has no images of these classes for {"training" if train else "testing"}.')
        indices, label = part.indices[chosen], torch.from_numpy(label)
        if stored and shape in ((None, None, None), (None, *stored.obs.shape[2:]), tuple(stored.obs.shape[1:])):
            obs = stored.obs if len(indices) == len(stored.obs) else stored.obs[torch.from_numpy(indices)]
        else:
            obs = self._decode(part, indices, shape)
            if prepared and not isinstance(obs, Decoded):
                prepared.keep_images(obs, label, names)
        return Images(obs, label), names, prepared

    def _decode(self, part, indices, shape):
        """Pixels uint8 [N, C, H, W], in memory or in its place."""
        channels, *size = shape
        if channels is None or size[0] is None:
            shape = suggest_shape(part.dataset, indices, channels, None if size[0] is None else size, part.name)
        own = not part.build.__module__.startswith('torchvision.')  # which may not bear to be asked by many at once
        obs = Decoded(part.dataset, indices, shape, part.name, self.workers or (1 if own else None))
        need, left = obs.shape.numel(), Decode.memory_left()
        if self.stream is None and need > left / 2:
            print(f'{part.name} is streamed: {need / 1e9:.3g} GB at {shape[1]}x{shape[2]} pixels, and {left / 1e9:.3g} '
                  'GB of memory are free (suite.resize=<pixels> makes it smaller)')  # fmt: skip
        streamed = need > left / 2 if self.stream is None else self.stream
        return obs if streamed else read_through(obs)

    def _prepared(self, part, shape, names):
        """Where the part's images and statistics are kept; None if it cannot be told when they are out of date."""
        if part.state is None:
            return None
        asked = {name: str(value) for name, value in self.arguments.items() if name != 'root'}
        request = {'set': f'{self.build.__module__}.{part.name}', 'arguments': asked, 'files': part.state}
        request |= {'shape': shape, 'mini': self.mini, 'names': names, **self.selection._asdict()}
        root = Path(self.arguments.get('root') or self.data).expanduser().resolve()
        folder = part.name == 'ImageFolder'  # or an archive of one: photos.tar.gz -> photos
        place = root.with_name(root.name.partition('.')[0] or root.name) if folder else root / part.name
        return Prepared('train' if part.train else 'test', request, place, self.keep)


def renumber(label, own, names, name):
    """Labels of a test part by the classes of the training part, of which it may lack some."""
    if own and own != names[: len(own)]:
        unknown = [each for each in own if each not in names]
        label = label if unknown else np.array([*(names.index(each) for each in own), -1])[label]
    else:
        unknown = [number for number in np.unique(label).tolist() if number >= len(names)]
    if unknown:
        raise UserError(f"{name} tests on a class '{unknown[0]}' that it has no training images of.")
    return label


def stored_images(dataset):
    """The arrays that a data set holds in memory anyway, without a loop over its items; None if it does not."""
    data = getattr(dataset, 'data', None)
    label = getattr(dataset, 'targets', getattr(dataset, 'labels', None))
    if not isinstance(data, (np.ndarray, torch.Tensor)) or label is None:
        return None
    data, label = torch.as_tensor(data), torch.as_tensor(label)
    if data.dtype != torch.uint8 or label.ndim != 1 or label.is_floating_point() or len(data) != len(label):
        return None
    if data.ndim == 3:
        data = data[:, None]  # [N, H, W] -> [N, 1, H, W]
    elif data.ndim == 4 and data.shape[3] in (1, 3):
        data = data.permute(0, 3, 1, 2)  # [N, H, W, C] -> [N, C, H, W]
    elif data.ndim != 4 or data.shape[1] not in (1, 3):
        return None
    return Images(data.contiguous(), label.long())


def statistics(obs):
    """Mean and standard deviation of the pixels of images [N, C, H, W], each a tuple over channels."""
    counts = np.zeros((obs.shape[1], 256))
    some = np.linspace(0, len(obs) - 1, min(COUNTED, len(obs))).astype(np.int64)
    for start in range(0, len(some), Decode.CHUNK):  # a histogram is exact and needs no copy as floats
        for channel, pixels in enumerate(obs[some[start : start + Decode.CHUNK]].numpy().swapaxes(0, 1)):
            counts[channel] += np.bincount(pixels.reshape(-1), minlength=256)
    share, value = counts / counts.sum(1, keepdims=True), np.arange(256)
    mean = share @ value  # [C, 256] -> [C]
    std = np.sqrt((share * (value - mean[:, None]) ** 2).sum(1))
    return tuple(mean.tolist()), tuple(np.where(std > 0, std, 1).tolist())  # 1: a channel of one value
