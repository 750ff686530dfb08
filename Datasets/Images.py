"""Labelled images, preloaded as uint8 tensors: served from there 3-4 times faster than by workers (MEASURED.md)."""

import functools
import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from Datasets.Sources import FAILURES, open_part
from Utils import UserError, one_line

MINI = {True: 2000, False: 500}  # images for training and testing with mini=true
LARGEST = 224  # pixels a side of images that come in different sizes, unless resize= says otherwise


class Images(NamedTuple):
    """One part of a data set."""

    obs: torch.Tensor  # uint8 [N, C, H, W]
    label: torch.Tensor  # int64 [N]


class ImageData:
    """The two parts of a data set and what they have in common. Each part is read when first asked for.

    Arguments:
        build: the data set's class, or a function with its signature
        arguments: dict of its arguments
        data: folder of torchvision's data sets
        resize: pixels, or (height, width), to which images are resized and centre-cropped. None: their own size, or
            where they differ the shortest side that was seen, at most 224
        mini: a few thousand images only

    Raises UserError if there is no such data, with what to put where.
    """

    def __init__(self, build, arguments, data, resize=None, mini=False):
        self.build, self.arguments, self.data, self.mini = build, arguments, str(data), mini
        self._names = []  # of the classes, known with the training images
        self.size = resize if resize is None or isinstance(resize, Sequence) else (resize, resize)

    @functools.cached_property
    def train(self):
        """Images to learn from."""
        dataset, indices = self._open(train=True)
        self._names = [str(name) for name in getattr(dataset, 'classes', None) or ()]
        return read(dataset, indices, None if self.size is None else (None, *self.size), self.build.__name__)

    @functools.cached_property
    def test(self):
        """Images to evaluate on, in the shape of those for training."""
        shape = tuple(self.train.obs.shape[1:])
        dataset, indices = self._open(train=False)
        images = read(dataset, indices, shape, self.build.__name__)
        names = [str(name) for name in getattr(dataset, 'classes', None) or ()]
        if names != self._names:  # a folder may lack a class or have one more: the training folder numbers them
            unknown = [name for name in names if name not in self._names]
            if unknown:
                raise UserError(
                    f"{self.build.__name__} tests on a class '{unknown[0]}' that it has no training images of."
                )
            images = images._replace(label=torch.tensor([self._names.index(name) for name in names])[images.label])
        return images

    @functools.cached_property
    def class_names(self):
        """Names of the classes in the order of the labels; their numbers where the data set names none."""
        labels = int(self.train.label.max()) + 1
        return [*self._names, *(str(label) for label in range(len(self._names), labels))]

    @functools.cached_property
    def statistics(self):
        """Mean and standard deviation of the training pixels, each a tuple over channels, in 0..255."""
        counts = np.zeros((self.train.obs.shape[1], 256))
        for chunk in self.train.obs.split(4096):  # a histogram is exact and needs no copy as floats
            for channel, pixels in enumerate(chunk.numpy().swapaxes(0, 1)):
                counts[channel] += np.bincount(pixels.reshape(-1), minlength=256)
        share, value = counts / counts.sum(1, keepdims=True), np.arange(256)
        mean = share @ value  # [C, 256] -> [C]
        std = np.sqrt((share * (value - mean[:, None]) ** 2).sum(1))
        return tuple(mean.tolist()), tuple(np.where(std > 0, std, 1).tolist())  # 1: a channel of one value

    def _open(self, train):
        dataset, indices = open_part(self.build, self.arguments, self.data, train)
        if len(indices) == 0:
            raise UserError(f'{self.build.__name__} has no images for {"training" if train else "testing"}.')
        if self.mini and len(indices) > MINI[train]:  # drawn, because many sets are sorted by class
            indices = np.sort(np.random.default_rng(0).permutation(indices)[: MINI[train]])
        return dataset, indices


def read(dataset, indices, shape, name):
    """Images of these items. shape: (C, H, W), where C may be None; None: what suggests itself."""
    stored = stored_images(dataset)
    if stored is not None and (shape is None or tuple(stored.obs.shape[1:]) == shape):
        if len(indices) == len(stored.label):
            return stored
        chosen = torch.from_numpy(indices)
        return Images(stored.obs[chosen], stored.label[chosen])
    return decode(dataset, indices, shape, name)


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


def decode(dataset, indices, shape, name):
    """Images from items (image, class) one by one, in one shape, gray or RGB. Raises UserError naming a bad item."""
    from PIL import ImageOps
    from tqdm import tqdm

    channels, *size = shape or (None, None, None)
    if channels is None or size[0] is None:
        channels, size = suggest_shape(dataset, indices, channels, None if size[0] is None else size, name)
    check_memory(len(indices), (channels, *size), name)
    mode, (height, width) = {1: 'L', 3: 'RGB'}[channels], size
    obs = np.empty((len(indices), height, width, channels), np.uint8)
    label = np.empty(len(indices), np.int64)
    for i, index in enumerate(tqdm(indices, f'Reading {name}', unit=' images', disable=None)):
        image, label[i] = item(dataset, int(index), name)
        image = image if image.mode == mode else image.convert(mode)
        if image.size != (width, height):
            image = ImageOps.fit(image, (width, height))  # cover, then crop the centre
        obs[i] = np.asarray(image).reshape(height, width, channels)
    return Images(torch.from_numpy(obs.transpose(0, 3, 1, 2)).contiguous(), torch.from_numpy(label))


def item(dataset, index, name):
    """(PIL image, class) of one item. Raises UserError if it is broken or something else."""
    try:
        image, label = dataset[index]
        if not hasattr(image, 'convert'):
            from torchvision.transforms.functional import to_pil_image

            image = to_pil_image(image)
        image.load()
        return image, int(label)
    except FAILURES as error:
        path = dataset.samples[index][0] if hasattr(dataset, 'samples') else f'item {index}'
        raise UserError(f'{name} holds no image with one class as its label at {path}: {one_line(error)}.') from error


def suggest_shape(dataset, indices, channels, size, name):
    """(C, [H, W]) from up to 256 items, evenly spread: gray if all are; their size, or what the smallest suggests."""
    some = indices[:: max(1, len(indices) // 256)]
    images = [item(dataset, int(index), name)[0] for index in some]
    if channels is None:
        channels = 1 if all(image.mode in ('1', 'L', 'I', 'I;16') for image in images) else 3
    if size is None:
        sizes = {image.size for image in images}  # (width, height)
        side = min(LARGEST, *(min(pair) for pair in sizes), LARGEST)
        size = [side, side] if len(sizes) > 1 else list(sizes.pop())[::-1]
    return channels, size


def check_memory(count, shape, name):
    """Raises UserError if so many images of this shape are more than the machine's memory."""
    need, there = count * int(np.prod(shape)), os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')
    if need > 0.8 * there:
        raise UserError(f'{name} needs {need / 1e9:.0f} GB of memory at {shape[1]}x{shape[2]} pixels where there are '
                        f'{there / 1e9:.0f}: give suite.resize=<pixels>.')  # fmt: skip
