"""Decoding of a data set's images by threads, while they are streamed or to read all of them once.

Threads rather than processes, because Pillow decodes without Python's lock and nothing has to be copied between them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from Support.Errors import UserError, one_line
from Support.Machine import usable_cores

if TYPE_CHECKING:
    from PIL import Image

LARGEST = 224  # pixels a side of images that come in different sizes, unless resize= says otherwise
CHUNK = 1024  # images
# Exceptions that data sets and their libraries raise for missing or broken files.
FAILURES = (AssertionError, EOFError, ImportError, LookupError, OSError, RuntimeError, TypeError, ValueError)


class Decoded:
    """Images uint8 [N, C, H, W] that are decoded on access: `decoded[index]` is a tensor [B, C, H, W].

    `expect(index)` starts to decode them in the background.

    Arguments:
        dataset, indices: the items, (image, class) each
        shape: (C, H, W), gray or RGB; larger or smaller images are resized to cover it and center-cropped
        name: of the data set, for errors
        workers: number of threads; None: one per usable core

    Raises UserError naming a broken item.
    """

    def __init__(self, dataset: Any, indices: np.ndarray, shape: Sequence[int], name: str,
                 workers: int | None = None) -> None:  # fmt: skip
        self.dataset, self.indices, self.name = dataset, indices, name
        self.shape = torch.Size((len(indices), *shape))
        self.workers = workers or usable_cores()
        self.pool = ThreadPoolExecutor(self.workers, 'decode')
        self.expected: tuple[Any, Any] = None, None  # an index as bytes, and the result of `begin` for it

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: Any) -> torch.Tensor:
        positions = np.arange(len(self))[index]  # [B]
        expected, begun = self.expected
        pixels, decoding = begun if expected == positions.tobytes() else self.begin(positions)
        self.expected = None, None
        for part in decoding:
            part.result()
        return torch.from_numpy(pixels)

    def expect(self, index: Any) -> None:
        """Starts to decode the images that the next access will ask for."""
        positions = np.arange(len(self))[index]
        self.expected = positions.tobytes(), self.begin(positions)

    def begin(self, positions: np.ndarray) -> tuple[np.ndarray, list[Future]]:
        """Returns an array for the pixels uint8 [B, C, H, W] and the futures that fill it, a few for each worker."""
        pixels = np.empty((len(positions), *self.shape[1:]), np.uint8)
        step = -(-len(positions) // (4 * self.workers))
        parts = [slice(start, start + step) for start in range(0, len(positions), step)]
        return pixels, [self.pool.submit(self.fill, pixels[part], positions[part].tolist()) for part in parts]

    def fill(self, pixels: np.ndarray, positions: list[int]) -> None:
        """Decodes the images at these positions into `pixels` [B, C, H, W]."""
        for image, position in zip(pixels, positions, strict=True):
            image[:] = self.decode(position)

    def decode(self, position: int) -> np.ndarray:
        """Returns one image [C, H, W]."""
        from PIL import ImageOps

        channels, height, width = self.shape[1:]
        image, _ = item(self.dataset, int(self.indices[position]), self.name)
        mode = {1: 'L', 3: 'RGB'}[channels]
        image = image if image.mode == mode else image.convert(mode)
        if image.size != (width, height):
            image = ImageOps.fit(image, (width, height))  # cover, then crop the center
        return np.asarray(image).reshape(height, width, channels).transpose(2, 0, 1)


def expect(obs: torch.Tensor | Decoded, index: Any) -> None:
    """Starts to decode the images that are needed next, unless they are in memory."""
    if isinstance(obs, Decoded):
        obs.expect(index)


def read_through(obs: Decoded) -> torch.Tensor:
    """Returns all images of a `Decoded` as a tensor, with a progress bar."""
    from tqdm import tqdm

    pixels = torch.empty(obs.shape, dtype=torch.uint8)
    with tqdm(total=len(obs), desc=f'Reading {obs.name}', unit=' images', disable=None) as bar:
        for start in range(0, len(obs), CHUNK):
            chunk = obs[start : start + CHUNK]
            pixels[start : start + CHUNK] = chunk
            bar.update(len(chunk))
    return pixels


def item(dataset: Any, index: int, name: str) -> tuple[Image.Image, int]:
    """Returns the PIL image and the class of one item. Raises UserError if it is broken or something else."""
    try:
        image, label = dataset[index]
        if not hasattr(image, 'convert'):
            from torchvision.transforms.functional import to_pil_image

            image = to_pil_image(image)
        image.load()
        return image, int(label)
    except FAILURES as error:
        path = dataset.samples[index][0] if hasattr(dataset, 'samples') else f'item {index}'
        raise UserError(f'{name}: {path} is no readable image with one class as label: {one_line(error)}.') from error


def labels(dataset: Any, indices: np.ndarray, name: str) -> np.ndarray:
    """Returns the classes of these items, int64 [n], without decoding their images where the data set lists them."""
    listed = next(filter(None, (listed_labels(dataset, each) for each in ('targets', 'labels', '_labels', 'y'))), None)
    for samples in ('samples', '_samples', 'index', '_flat_character_images'):
        listed = listed or listed_labels(dataset, samples, column=True)
    some = indices[[0, len(indices) // 2, -1]]
    if listed and all(item(dataset, int(index), name)[1] == listed[index] for index in some):
        return np.array(listed, np.int64)[indices]
    return np.array([item(dataset, int(index), name)[1] for index in indices], np.int64)


def listed_labels(dataset: Any, attribute: str, column: bool = False) -> list[int] | None:
    """Returns the classes of all items from an attribute of the data set; None if it holds something else."""
    values: Any = getattr(dataset, attribute, None)
    try:
        values = [pair[1] for pair in values] if column else values
        array = np.asarray(values)
    except (IndexError, TypeError, ValueError):
        return None
    fits = array.shape == (len(dataset),) and np.issubdtype(array.dtype, np.integer)
    return array.tolist() if fits else None


def suggest_shape(dataset: Any, indices: np.ndarray, channels: int | None, size: Sequence[int] | None,
                  name: str) -> tuple[int, ...]:  # fmt: skip
    """Returns (C, H, W), what is None taken from up to 256 evenly spread items.

    C is 1 if all of them are gray, else 3; H and W are their common size, or else the shortest side, at most LARGEST.
    """
    some = indices[:: max(1, len(indices) // 256)]
    images = [item(dataset, int(index), name)[0] for index in some]
    if channels is None:
        channels = 1 if all(image.mode in ('1', 'L', 'I', 'I;16') for image in images) else 3
    if size is None:
        sizes = {image.size for image in images}  # (width, height)
        side = min(LARGEST, *(min(pair) for pair in sizes), LARGEST)
        size = [side, side] if len(sizes) > 1 else list(sizes.pop())[::-1]
    return channels, *size


def memory_left() -> int:
    """Returns the bytes that this process may still allocate: what is free on the machine, or in its container."""
    try:
        meminfo = dict(line.split(':') for line in Path('/proc/meminfo').read_text().splitlines())
        left = int(meminfo['MemAvailable'].split()[0]) * 1024
        limit = Path('/sys/fs/cgroup/memory.max')
        if limit.is_file() and limit.read_text().strip().isdigit():
            left = min(left, int(limit.read_text()))
    except OSError:  # not Linux
        left = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') // 2
    return left
