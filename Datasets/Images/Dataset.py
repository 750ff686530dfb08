"""A data set as a replay: batches of images in shuffled epochs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from Datasets.Experience import Experience, room, to
from Datasets.Images.Decode import Decoded, expect
from Datasets.Images.MixUp import Mixtures
from Datasets.Images.Transforms import Transforms

if TYPE_CHECKING:
    from Datasets.Images.ImageData import Images


class Dataset:
    """The replay of offline classification and generation; same interface as `Replay`.

    The order is one endless stream: a permutation of all items for epoch 0, another for epoch 1, and so on. Batch k
    takes the positions from k * batch_size to (k + 1) * batch_size of it: each item comes once per epoch, all batches
    have one size, and the last one of an epoch extends into the next. The order is a pure function of (seed, k): to
    resume, set `cursor`.

    Arguments:
        images: uint8 [N, C, H, W] with labels: classes int64 [N], -1 where unknown, or targets float32 [N, ...]
        transform: {name: arguments} of transforms, see `Transforms`. mix: the same of mixtures, see `Mixtures`
        balanced: draw every class equally often in an epoch of N; images without a label count as a class
        mean: of the pixels, by channel, for transforms. classes: their number, for mixtures; None: 1 + largest label
    """

    ready, prioritized = True, False

    def __init__(self, images: Images, batch_size: int, seed: int = 1, transform: dict[str, Any] | None = None,
                 mix: dict[str, Any] | None = None, balanced: bool = False, mean: tuple[float, ...] | None = None,
                 classes: int | None = None) -> None:  # fmt: skip
        self.images, self.batch_size = images, batch_size
        self.cursor = 0  # batches drawn so far
        self.transform = Transforms(transform, images.obs[:1], seed, mean) if transform else None
        self.mix = Mixtures(mix, classes or int(images.label.max()) + 1, seed) if mix else None
        draw: Callable[[int], np.ndarray] = functools.partial(balanced_order, images.label.cpu().numpy(), seed)
        draw = draw if balanced else functools.partial(epoch_order, len(self), seed)
        self.epoch_order = functools.lru_cache(maxsize=2)(draw)  # epoch -> indices int64 [N]

    def __len__(self) -> int:
        return len(self.images.label)

    @property
    def epoch(self) -> int:
        """Number of finished epochs."""
        return self.cursor * self.batch_size // len(self)

    def batches(self) -> Iterator[Experience]:
        """Yields one batch: obs uint8 [B, C, H, W], label [B, ...] (float32 [B, K] if mixed) and index int64 [B].

        The cast fills in the other fields.
        """
        index, epoch = self.order(self.cursor)
        place = to(self.images.label.device, torch.from_numpy(index))
        obs, label = self.images.obs[place], self.images.label[place]
        if self.transform is not None:
            obs = self.transform(obs, self.cursor, index, epoch)
        if self.mix is not None:
            obs, label = self.mix(obs, label, self.cursor)
        self.cursor += 1
        expect(self.images.obs, self.order(self.cursor)[0])
        yield Experience(obs=obs, label=label, index=place)

    def state(self) -> dict[str, Any]:
        """Returns what decides which batches follow."""
        return {'cursor': self.cursor}

    def restore(self, state: dict[str, Any]) -> None:
        """Continues from a `state()`."""
        self.cursor = state['cursor']

    def flush(self) -> None:
        """Does nothing: a run does not write into a data set."""

    def close(self, keep: bool = True) -> None:
        """Does nothing: a run does not write into a data set."""

    def order(self, batch: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns the indices int64 [B] of the items in batch number `batch`, and the epoch of each [B]."""
        position = np.arange(batch * self.batch_size, (batch + 1) * self.batch_size)  # in the stream
        epoch, within = np.divmod(position, len(self))
        index = [self.epoch_order(each)[within[epoch == each]] for each in range(epoch[0], epoch[-1] + 1)]
        return np.concatenate(index), epoch


def resident(images: Images, device: torch.device) -> Images:
    """Returns the images on the device if all of them fit there, so that batches need no transfer."""
    if isinstance(images.obs, Decoded) or images.obs.nbytes > room(device):
        return images
    return images._replace(obs=images.obs.to(device), label=images.label.to(device))


def epoch_order(size: int, seed: int, epoch: int) -> np.ndarray:
    """Returns a permutation of range(size), int64, that depends on the arguments alone."""
    return np.random.default_rng([seed, epoch]).permutation(size)


def balanced_order(label: np.ndarray, seed: int, epoch: int) -> np.ndarray:
    """Returns shuffled indices int64 [N] of items with these labels [N], equally many of every class.

    Items of large classes are left out, items of small ones repeated.
    """
    random = np.random.default_rng([seed, epoch])
    classes = [np.flatnonzero(label == each) for each in np.unique(label)]
    shares = np.diff(np.linspace(0, len(label), len(classes) + 1).round().astype(int))
    chosen = [np.resize(random.permutation(of), share) for of, share in zip(classes, shares, strict=True)]
    return random.permutation(np.concatenate(chosen))
