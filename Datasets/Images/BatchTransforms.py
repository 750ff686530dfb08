"""Transforms of whole batches with a separate draw for each image, where torchvision has none or works image by image.

Each is called with (obs uint8 [B, C, H, W], draw) and returns uint8 [B, C, H, W]; its argument stays unchanged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Draw:
    """The inputs of a transform beside the images."""

    random: np.random.Generator  # of this batch alone
    index: np.ndarray  # [B] int64: position of each image in the data set
    epoch: np.ndarray  # [B] int64: number of earlier epochs in which the image was drawn
    mean: np.ndarray  # [C] of the training pixels, in 0..255


class RandomHorizontalFlip:
    """Mirrors each image left to right with probability p."""

    axis = -1

    def __init__(self, p: float = 0.5) -> None:
        if not 0 <= p <= 1:
            raise ValueError(f'p={p} is no probability')
        self.p = p

    def __call__(self, obs: np.ndarray, draw: Draw) -> np.ndarray:
        return flip(obs, draw.random.random(len(obs)) < self.p, self.axis)


class RandomVerticalFlip(RandomHorizontalFlip):
    """Mirrors each image top to bottom with probability p."""

    axis = -2


class AlternatingFlip:
    """Mirrors half of the images in even epochs and the other half in odd ones (arXiv:2404.00498).

    An image is seen both ways within any two epochs; with random flips, half of them come the same way twice.
    """

    def __call__(self, obs: np.ndarray, draw: Draw) -> np.ndarray:
        return flip(obs, (coin(draw.index) + draw.epoch) % 2 == 0, -1)


class RandomCrop:
    """Pads the images and crops each at a random offset. The arguments are those of torchvision.transforms.v2."""

    def __init__(self, size: int | Sequence[int], padding: int | Sequence[int] | None = None,
                 pad_if_needed: bool = False, fill: Any = 0, padding_mode: str = 'constant') -> None:  # fmt: skip
        from torchvision.transforms import v2

        crop = v2.RandomCrop(size, padding, pad_if_needed, fill, padding_mode)
        self.height, self.width = crop.size
        self.padding, self.fill, self.mode = crop.padding, fill, padding_mode  # left, right, top, bottom

    def __call__(self, obs: np.ndarray, draw: Draw) -> np.ndarray:
        if self.padding is not None:
            obs = self.padded(obs, *self.padding)
        batch, _, height, width = obs.shape
        if self.height > height or self.width > width:
            raise ValueError(f'crop of {self.height}x{self.width} from {height}x{width} pixels')
        top = draw.random.integers(height - self.height + 1, size=batch)
        left = draw.random.integers(width - self.width + 1, size=batch)
        windows = np.lib.stride_tricks.sliding_window_view(obs, (self.height, self.width), (2, 3))
        return windows[np.arange(batch), :, top, left]  # [B, C, H', W', h, w] -> [B, C, h, w]

    def padded(self, obs: np.ndarray, left: int, right: int, top: int, bottom: int) -> np.ndarray:
        """Returns the images [B, C, H, W] with that many pixels added on each side."""
        if self.mode != 'constant':
            return np.pad(obs, ((0, 0), (0, 0), (top, bottom), (left, right)), self.mode)  # type: ignore[call-overload]
        batch, channels, height, width = obs.shape
        fill = np.reshape(self.fill, (-1, 1, 1)) if np.ndim(self.fill) else self.fill
        wide = np.full((batch, channels, top + height + bottom, left + width + right), fill, np.uint8)
        wide[:, :, top : top + height, left : left + width] = obs
        return wide


class Cutout:
    """Fills a square of size x size pixels at a random place, which may cross the border (arXiv:1708.04552).

    fill: the value for all channels, or one for each; None: the training images' mean, 0 for the encoder.
    """

    def __init__(self, size: int, fill: float | Sequence[float] | None = None) -> None:
        if not isinstance(size, int) or size < 1:
            raise ValueError(f'size={size} is no number of pixels')
        self.size, self.fill = size, fill

    def __call__(self, obs: np.ndarray, draw: Draw) -> np.ndarray:
        batch, _, height, width = obs.shape
        square = np.arange(self.size) - self.size // 2
        top, left = (draw.random.integers(side, size=(batch, 1)) for side in (height, width))
        rows, columns = (top + square).clip(0, height - 1), (left + square).clip(0, width - 1)  # [B, size]
        obs = obs.copy()
        fill = np.rint(draw.mean if self.fill is None else self.fill).astype(np.uint8)
        obs[np.arange(batch)[:, None, None], :, rows[:, :, None], columns[:, None, :]] = fill  # [B, size, size, C]
        return obs


def flip(obs: np.ndarray, chosen: np.ndarray, axis: int) -> np.ndarray:
    """Mirrors the images chosen by a mask [B] along an axis."""
    obs = obs.copy()
    obs[chosen] = np.flip(obs[chosen], axis)
    return obs


def coin(index: np.ndarray) -> np.ndarray:
    """Returns 0 or 1 for each item [B], half of them each, always the same.

    Source: SplitMix64, doi:10.1145/2660193.2660195.
    """
    bits = (index.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((bits ^ (bits >> np.uint64(31))) & np.uint64(1)).astype(np.int64)
