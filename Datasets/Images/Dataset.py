"""A data set as a memory: batches of images by index, in shuffled epochs."""

import functools

import numpy as np
import torch

from Datasets.Experience import Experience, room, to
from Datasets.Images.Decode import Decoded, expect
from Datasets.Images.MixUp import Mix
from Datasets.Images.Transforms import Transforms


class Dataset:
    """The memory of offline classification and generation; same interface as Replay.

    The order is one endless stream: a permutation of all items for epoch 0, another for epoch 1, and so on. Batch k
    takes the positions from k * batch_size to (k + 1) * batch_size of it: each item comes once per epoch, all batches
    are of one size, and one at the end of an epoch goes on into the next. The order is a pure function of (seed, k):
    to resume, set `cursor`.

    Arguments:
        images: Images, uint8 [N, C, H, W] with int64 [N]
        transform: {name: arguments} of transforms, see Transforms. mix: the same of mixtures, see Mix
        balanced: as many of every class in an epoch of N; images without a label count as a class
        mean: of the pixels, by channel, for transforms. classes: how many, for mixtures; None: as the labels tell
    """

    ready, prioritized = True, False

    def __init__(self, images, batch_size, seed=0, transform=None, mix=None, balanced=False, mean=None,
                 classes=None):  # fmt: skip
        self.images, self.batch_size = images, batch_size
        self.cursor = 0  # batches drawn so far
        self.transform = Transforms(transform, images.obs[:1], seed, mean) if transform else None
        self.mix = Mix(mix, classes or int(images.label.max()) + 1, seed) if mix else None
        draw = functools.partial(balanced_order, images.label.cpu().numpy(), seed)
        draw = draw if balanced else functools.partial(epoch_order, len(self), seed)
        self.epoch_order = functools.lru_cache(maxsize=2)(draw)  # epoch -> indices int64 [N]

    def __len__(self):
        return len(self.images.label)

    @property
    def epoch(self):
        """Epochs finished."""
        return self.cursor * self.batch_size // len(self)

    def batches(self):
        """Yields one Experience: obs uint8 [B, C, H, W], label int64 [B], or if mixed float32 [B, K], index int64 [B];
        the rest is the cast's."""
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

    def state(self):
        """What decides what comes next."""
        return {'cursor': self.cursor}

    def restore(self, state):
        """Goes on from a `state()`."""
        self.cursor = state['cursor']

    def order(self, batch):
        """Indices int64 [B] of the items in batch number `batch`, and the epoch of each [B]."""
        position = np.arange(batch * self.batch_size, (batch + 1) * self.batch_size)  # in the stream
        epoch, within = np.divmod(position, len(self))
        index = [self.epoch_order(each)[within[epoch == each]] for each in range(epoch[0], epoch[-1] + 1)]
        return np.concatenate(index), epoch


def resident(images, device):
    """The same Images, all of them on the device if it has room: batches then need not go there."""
    if isinstance(images.obs, Decoded) or images.obs.nbytes > room(device):
        return images
    return type(images)(*(field.to(device) for field in images))


def epoch_order(size, seed, epoch):
    """A permutation of range(size), int64, that only depends on the arguments."""
    return np.random.default_rng([seed, epoch]).permutation(size)


def balanced_order(label, seed, epoch):
    """Indices int64 [N] of items with these labels [N], shuffled, as many of every class: of large classes some, of
    small ones some several times."""
    random = np.random.default_rng([seed, epoch])
    classes = [np.flatnonzero(label == each) for each in np.unique(label)]
    shares = np.diff(np.linspace(0, len(label), len(classes) + 1).round().astype(int))
    chosen = [np.resize(random.permutation(of), share) for of, share in zip(classes, shares, strict=True)]
    return random.permutation(np.concatenate(chosen))
