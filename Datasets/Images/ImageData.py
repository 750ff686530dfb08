"""The images of a data set: preloaded as uint8 tensors if they fit into memory, else streamed, with equal batches."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from Datasets.Images import Decode
from Datasets.Images.Cache import ImageCache
from Datasets.Images.Decode import Decoded, read_through, suggest_shape
from Datasets.Images.Sources import Split
from Datasets.Images.Subset import Subset, class_numbers, select
from Support.Errors import UserError

COUNTED = 100_000  # images at most, evenly spread, from which mean and standard deviation are computed


class Images(NamedTuple):
    """One split of a data set."""

    obs: torch.Tensor | Decoded  # uint8 [N, C, H, W]
    label: torch.Tensor  # classes int64 [N], -1 where unknown; or targets float32 [N, ...]


class ImageData:
    """The training and test images of a data set. Each split is read on first use.

    Arguments:
        build: the data set's class, or a function with its signature
        arguments: dict of its arguments
        data: folder of torchvision's data sets
        resize: pixels, or (height, width), to which images are resized and center-cropped. None: their own size, or
            where sizes differ the shortest side that was seen, at most 224
        mini: use a few thousand images only
        subset, per_class, labelled: see `Subset`
        stream: decode images on access, by `workers` threads; None: if they take more than half of the free memory
        keep: folder for the cache where the data's own is read-only (`ImageCache`)

    Raises UserError if there is no such data, with what to put where.
    """

    def __init__(self, build: Callable[..., Any], arguments: dict[str, Any], data: Path | str,
                 resize: int | Sequence[int] | None = None, mini: bool = False, subset: Sequence | None = None,
                 per_class: int | None = None, labelled: float | None = None, stream: bool | None = None,
                 workers: int | None = None, keep: Path | str | None = None) -> None:  # fmt: skip
        self.build, self.arguments, self.data, self.mini = build, arguments, str(data), bool(mini)
        self.subset = Subset(subset, per_class, labelled)
        self.stream, self.workers, self.keep = stream, workers, keep
        self.size = resize if resize is None or isinstance(resize, Sequence) else (resize, resize)
        self.subset.check()
        if stream not in (None, True, False):
            raise UserError(f"suite.stream is true, false or null, not '{stream}'.")
        if workers is not None and (not isinstance(workers, int) or workers < 1):
            raise UserError(f"suite.workers is a number of threads or null, not '{workers}'.")

    @functools.cached_property
    def train(self) -> Images:
        """The training images."""
        return self._training[0]

    @functools.cached_property
    def test(self) -> Images:
        """The test images, in the shape and with the classes of the training images."""
        train, names, _ = self._training
        return self._read(False, tuple(train.obs.shape[1:]), names)[0]

    @functools.cached_property
    def class_names(self) -> list[str]:
        """Names of the classes in the order of the labels; their numbers where the data set names none."""
        _, names, _ = self._training
        return [names[number] for number in class_numbers(self.subset.subset, names)]

    @functools.cached_property
    def statistics(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and standard deviation of the training pixels, each a tuple over channels, in 0..255."""
        _, _, cache = self._training
        known = cache.statistics() if cache else None
        if known is None:
            known = pixel_statistics(self.train.obs)
            if cache:
                cache.keep_statistics(*known)
        return known

    @functools.cached_property
    def _training(self) -> tuple[Images, list[str], ImageCache | None]:
        return self._read(True, (None, None, None) if self.size is None else (None, *self.size))

    def _read(self, train: bool, shape: tuple[int | None, ...],
              names: list[str] | None = None) -> tuple[Images, list[str], ImageCache | None]:  # fmt: skip
        """Reads one split -> its images, the names of all classes, and its cache.

        shape: (C, H, W), None for what was not asked for. names: of the training classes, given for the test split.
        """
        split = Split(self.build, self.arguments, self.data, train)
        cache = self._cache(split, shape, names)
        kept = cache.images() if cache and not self.stream else None
        if kept:
            return Images(*kept[:2]), kept[2], cache
        stored = stored_images(split.dataset)
        if stored:
            labels = stored.label.numpy()[split.indices]
        else:
            labels = Decode.labels(split.dataset, split.indices, split.name)
        if names is None:
            names = [*split.names, *(str(number) for number in range(len(split.names), labels.max() + 1))]
        else:
            labels = renumber(labels, split.names, names, split.name)
        chosen, labels = select(labels, class_numbers(self.subset.subset, names), self.subset, train, self.mini)
        if len(chosen) == 0:
            raise UserError(f'{split.name} has no images of these classes for {"training" if train else "testing"}.')
        indices, label = split.indices[chosen], torch.from_numpy(labels)
        obs: torch.Tensor | Decoded
        if stored and shape in ((None, None, None), (None, *stored.obs.shape[2:]), tuple(stored.obs.shape[1:])):
            obs = stored.obs if len(indices) == len(stored.obs) else stored.obs[torch.from_numpy(indices)]
        else:
            obs = self._decode(split, indices, shape)
            if cache and not isinstance(obs, Decoded):
                cache.keep_images(obs, label, names)
        return Images(obs, label), names, cache

    def _decode(self, split: Split, indices: np.ndarray, shape: tuple[Any, ...]) -> torch.Tensor | Decoded:
        """Returns the pixels uint8 [N, C, H, W], in memory or to be streamed."""
        channels, *size = shape
        if channels is None or size[0] is None:
            shape = suggest_shape(split.dataset, indices, channels, None if size[0] is None else size, split.name)
        own = not split.build.__module__.startswith('torchvision.')  # it may not be safe to use from several threads
        obs = Decoded(split.dataset, indices, shape, split.name, self.workers or (1 if own else None))
        need, left = obs.shape.numel(), Decode.memory_left()
        if self.stream is None and need > left / 2:
            print(f'{split.name} is streamed: {need / 1e9:.3g} GB at {shape[1]}x{shape[2]} pixels, and '
                  f'{left / 1e9:.3g} GB of memory are free (suite.resize=<pixels> makes it smaller)')  # fmt: skip
        streamed = need > left / 2 if self.stream is None else self.stream
        return obs if streamed else read_through(obs)

    def _cache(self, split: Split, shape: tuple[int | None, ...], names: list[str] | None) -> ImageCache | None:
        """The split's cache; None if changes of the data set's files cannot be noticed."""
        if split.state is None:
            return None
        asked = {name: str(value) for name, value in self.arguments.items() if name != 'root'}
        request = {'set': f'{self.build.__module__}.{split.name}', 'arguments': asked, 'files': split.state}
        request |= {'shape': shape, 'mini': self.mini, 'names': names, **self.subset._asdict()}
        root = Path(self.arguments.get('root') or self.data).expanduser().resolve()
        folder = split.name == 'ImageFolder'  # or an archive of one: photos.tar.gz -> photos
        place = root.with_name(root.name.partition('.')[0] or root.name) if folder else root / split.name
        return ImageCache('train' if split.train else 'test', request, place, self.keep)


def renumber(label: np.ndarray, own: list[str], names: list[str], name: str) -> np.ndarray:
    """Returns labels of a test split numbered as the training classes `names`, of which it may lack some.

    Raises UserError if it has classes without training images.
    """
    if own and own != names[: len(own)]:
        unknown = [each for each in own if each not in names]
        label = label if unknown else np.array([*(names.index(each) for each in own), -1])[label]
    else:
        unknown = [number for number in np.unique(label).tolist() if number >= len(names)]
    if unknown:
        raise UserError(f"{name} tests on a class '{unknown[0]}' that it has no training images of.")
    return label


def stored_images(dataset: Any) -> Images | None:
    """Returns the images of a data set that holds them in memory as arrays anyway, else None."""
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


def pixel_statistics(obs: torch.Tensor | Decoded) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Returns mean and standard deviation of the pixels of images [N, C, H, W], each a tuple over channels."""
    counts = np.zeros((obs.shape[1], 256))
    some = np.linspace(0, len(obs) - 1, min(COUNTED, len(obs))).astype(np.int64)
    for start in range(0, len(some), Decode.CHUNK):  # a histogram is exact and needs no copy as floats
        for channel, pixels in enumerate(obs[some[start : start + Decode.CHUNK]].numpy().swapaxes(0, 1)):
            counts[channel] += np.bincount(pixels.reshape(-1), minlength=256)
    share, value = counts / counts.sum(1, keepdims=True), np.arange(256)
    mean = share @ value  # [C, 256] -> [C]
    std = np.sqrt((share * (value - mean[:, None]) ** 2).sum(1))
    return tuple(mean.tolist()), tuple(np.where(std > 0, std, 1).tolist())  # 1: a channel of one value
