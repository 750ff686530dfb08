"""A data set as a memory: batches of preloaded images by index, in shuffled epochs."""

import functools

import numpy as np
import torch

from Datasets.Experience import Experience
from Datasets.Transforms import Transforms


class Dataset:
    """The memory of offline classification and generation; same interface as Replay.

    The order is one endless stream: a permutation of all items for epoch 0, another for epoch 1, and so on. Batch k
    takes the positions from k * batch_size to (k + 1) * batch_size of it: each item comes once per epoch, all batches
    are of one size, and one at the end of an epoch goes on into the next. The order is a pure function of (seed, k):
    to resume, set `cursor`.

    Arguments:
        images: Images, uint8 [N, C, H, W] with int64 [N]
        transform: {name: arguments} of torchvision transforms, see Transforms
    """

    ready = True

    def __init__(self, images, batch_size, seed=0, transform=None):
        self.images, self.batch_size, self.seed = images, batch_size, seed
        self.cursor = 0  # batches drawn so far
        self.transform = Transforms(transform, images.obs[:1], seed) if transform else None

    def __len__(self):
        return len(self.images.label)

    @property
    def epoch(self):
        """Epochs finished."""
        return self.cursor * self.batch_size // len(self)

    def batches(self, agent=None):
        """Yields one Experience: obs uint8 [B, C, H, W], label int64 [B], index int64 [B]; the rest is the cast's."""
        index = torch.from_numpy(self.order(self.cursor))
        obs = self.images.obs[index]
        if self.transform is not None:
            obs = self.transform(obs, self.cursor)
        self.cursor += 1
        yield Experience(obs=obs, label=self.images.label[index], index=index)

    def order(self, batch):
        """Indices int64 [B] of the items in batch number `batch`."""
        size, start = len(self), batch * self.batch_size
        epochs = range(start // size, (start + self.batch_size - 1) // size + 1)
        stream = [epoch_order(self.seed, epoch, size) for epoch in epochs]
        first = start - epochs[0] * size
        return np.concatenate(stream)[first : first + self.batch_size]


@functools.lru_cache(maxsize=4)
def epoch_order(seed, epoch, size):
    """A permutation of range(size), int64, that only depends on the arguments."""
    order = np.random.default_rng([seed, epoch]).permutation(size)
    order.flags.writeable = False  # it is shared
    return order
