"""Transforms of whole batches, with a draw for each image: those that torchvision does one by one, or does not have.

Each is called with (obs uint8 [B, C, H, W], draw) and returns the same, its argument untouched.
"""

from typing import NamedTuple

import numpy as np


class Draw(NamedTuple):
    """What a transform may go by."""

    random: np.random.Generator  # of this batch alone
    index: np.ndarray  # [B] int64: which item of the data set each image is
    epoch: np.ndarray  # [B] int64: the how-manieth time that it comes, from 0
    mean: np.ndarray  # [C] of the training pixels, in 0..255


class RandomHorizontalFlip:
    """Left becomes right with probability p."""

    axis = -1

    def __init__(self, p=0.5):
        if not 0 <= p <= 1:
            raise ValueError(f'p={p} is no probability')
        self.p = p

    def __call__(self, obs, draw):
        return flip(obs, draw.random.random(len(obs)) < self.p, self.axis)


class RandomVerticalFlip(RandomHorizontalFlip):
    """Top becomes bottom with probability p."""

    axis = -2


class AlternatingFlip:
    """Half of the images are mirrored in even epochs, the other half in odd ones (arXiv:2404.00498).

    An image is seen both ways within any two epochs; with random flips, half of them come the same way twice.
    """

    def __call__(self, obs, draw):
        return flip(obs, (coin(draw.index) + draw.epoch) % 2 == 0, -1)


class RandomCrop:
    """An offset of its own for each image, which is padded before: the arguments are those of torchvision's v2."""

    def __init__(self, size, padding=None, pad_if_needed=False, fill=0, padding_mode='constant'):
        from torchvision.transforms import v2

        crop = v2.RandomCrop(size, padding, pad_if_needed, fill, padding_mode)
        self.height, self.width = crop.size
        self.padding, self.fill, self.mode = crop.padding, fill, padding_mode  # left, right, top, bottom

    def __call__(self, obs, draw):
        if self.padding is not None:
            obs = self.padded(obs, *self.padding)
        batch, _, height, width = obs.shape
        if self.height > height or self.width > width:
            raise ValueError(f'crop of {self.height}x{self.width} from {height}x{width} pixels')
        top = draw.random.integers(height - self.height + 1, size=batch)
        left = draw.random.integers(width - self.width + 1, size=batch)
        windows = np.lib.stride_tricks.sliding_window_view(obs, (self.height, self.width), (2, 3))
        return windows[np.arange(batch), :, top, left]  # [B, C, H', W', h, w] -> [B, C, h, w]

    def padded(self, obs, left, right, top, bottom):
        if self.mode != 'constant':
            return np.pad(obs, ((0, 0), (0, 0), (top, bottom), (left, right)), self.mode)
        batch, channels, height, width = obs.shape
        fill = np.reshape(self.fill, (-1, 1, 1)) if np.ndim(self.fill) else self.fill
        wide = np.full((batch, channels, top + height + bottom, left + width + right), fill, np.uint8)
        wide[:, :, top : top + height, left : left + width] = obs
        return wide


class Cutout:
    """A square of size x size pixels anywhere, over the border too, is painted over (arXiv:1708.04552).

    fill: of all channels, or one each; None: the mean of the training images, which the encoder sees as 0.
    """

    def __init__(self, size, fill=None):
        if not isinstance(size, int) or size < 1:
            raise ValueError(f'size={size} is no number of pixels')
        self.size, self.fill = size, fill

    def __call__(self, obs, draw):
        batch, _, height, width = obs.shape
        square = np.arange(self.size) - self.size // 2
        rows = (draw.random.integers(height, size=batch)[:, None] + square).clip(0, height - 1)  # [B, size]
        columns = (draw.random.integers(width, size=batch)[:, None] + square).clip(0, width - 1)
        obs = obs.copy()
        fill = np.rint(draw.mean if self.fill is None else self.fill).astype(np.uint8)
        obs[np.arange(batch)[:, None, None], :, rows[:, :, None], columns[:, None, :]] = fill  # [B, size, size, C]
        return obs


def flip(obs, chosen, axis):
    """The chosen images [B] bool mirrored along an axis."""
    obs = obs.copy()
    obs[chosen] = np.flip(obs[chosen], axis)
    return obs


def coin(index):
    """0 or 1 for each item [B], half of them each, whenever it is asked (SplitMix64, doi:10.1145/2660193.2660195)."""
    bits = (index.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((bits ^ (bits >> np.uint64(31))) & np.uint64(1)).astype(np.int64)
