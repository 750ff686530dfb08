"""Classification as episodes of one step: look at an image, name its class, earn 1 if it is right."""

import functools
from collections.abc import Mapping

import numpy as np

from Datasets.Dataset import epoch_order
from Datasets.Experience import Spec, Step
from Datasets.Images import ImageData
from Utils import UserError, instantiate


class Classify:
    """N streams of one-step episodes over a data set, whose images are in memory as `suite.data` (ImageData).

    In evaluation environment i plays the test items i, i + N, i + 2N, ... so that len(test) episodes, dealt out by
    turns, see every item once. In training it plays the training items the same way, in a new order each epoch.

    Arguments:
        Dataset: the data set's class, as functools.partial with its arguments (`_partial_: true`), or as a config
            {_target_: torchvision.datasets.MNIST, ...}
        data: folder of torchvision's data sets, in torchvision's own layout
        resize: pixels of the images, an int or (height, width); null: as they come
        mini: a few thousand images only

    Raises UserError if there is no such data.
    """

    frames_per_step = 1

    def __init__(self, Dataset, data='./Datasets/Data', num_envs=1, seed=0, train=True, *, resize=None, mini=False):
        self.data = load(Dataset, data, resize, mini)
        self.num_envs, self._seed, self._train = num_envs, seed, train
        self._images = self.data.train if train else self.data.test
        self._size = len(self._images.label)
        self.episodes = None if train else self._size
        self.class_names = self.data.class_names
        mean, std = self.data.statistics
        shape = tuple(self._images.obs.shape[1:])
        classes = len(self.class_names)
        self.spec = Spec(shape, 'uint8', (classes,), classes, kind='classify', mean=mean, std=std)
        self._step = 0
        self._index = self._order()

    def reset(self):
        """Begin with the first items. Returns uint8 [N, C, H, W]."""
        self._step = 0
        self._index = self._order()
        return self._obs()

    def step(self, action):
        """Predict the last images by logits [N, K]; the largest counts. Returns Step with labels and next images."""
        final_obs, label = self._obs(), self._images.label[self._index].numpy()
        reward = (np.argmax(action, -1) == label).astype(np.float32)
        self._step += 1
        self._index = self._order()
        ended = np.ones(self.num_envs, bool)
        return Step(self._obs(), reward, ended, ~ended, final_obs, label=label)

    def render(self, envs=None):
        """The images of these environments, or all, as uint8 [H, W, 3]."""
        images = self._obs() if envs is None else self._obs()[list(envs)]
        return [np.broadcast_to(image.transpose(1, 2, 0), (*image.shape[1:], 3)) for image in images]

    def close(self):
        """The images stay for whoever else uses them."""

    def _obs(self):
        return self._images.obs[self._index].numpy()

    def _order(self):
        """Indices [N] of the items at this step."""
        position = self._step * self.num_envs + np.arange(self.num_envs)
        if not self._train:
            return position % self._size
        return np.array(
            [epoch_order(self._seed, int(p) // self._size, self._size)[int(p) % self._size] for p in position]
        )


class Digits:
    """The 1,797 digits of 8x8 pixels that come with scikit-learn: classification without a download."""

    def __init__(self):
        from sklearn.datasets import load_digits

        digits = load_digits()
        self.data = np.rint(digits.images * (255 / 16)).astype(np.uint8)  # [N, 8, 8]
        self.targets = digits.target
        self.classes = [str(name) for name in digits.target_names]

    def __len__(self):
        return len(self.data)


def load(Dataset, data='./Datasets/Data', resize=None, mini=False):
    """ImageData of a data set's config, partial or class; the same object for the same arguments."""
    if isinstance(Dataset, Mapping):
        from omegaconf import OmegaConf

        Dataset = instantiate(
            OmegaConf.create({'Dataset': {**Dataset, '_partial_': True}}).Dataset
        )  # errors name its key
    build, arguments = (Dataset.func, Dataset.keywords) if isinstance(Dataset, functools.partial) else (Dataset, {})
    if not callable(build):
        raise UserError(
            f'Dataset._target_ must name a data set, not {build}: Dataset._target_=torchvision.datasets.MNIST'
        )
    resize = tuple(resize) if isinstance(resize, (list, tuple)) else resize
    key = tuple((name, tuple(value) if isinstance(value, list) else value) for name, value in arguments.items())
    return _load(build, key, str(data), resize, bool(mini))


@functools.lru_cache(maxsize=2)  # training, evaluation and the memory share the images
def _load(build, arguments, data, resize, mini):
    return ImageData(build, dict(arguments), data, resize, mini)
