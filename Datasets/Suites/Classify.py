"""Classification as episodes of one step: observe an image, predict its class, earn 1 if that is right."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from Datasets.Experience import Spec, Step
from Datasets.Images.Dataset import epoch_order
from Datasets.Images.Decode import expect
from Datasets.Images.ImageData import ImageData
from Datasets.Suites.Support.Contract import matching
from Hyperparams.Instantiate import instantiate
from Support.Errors import UserError


class Classify:
    """N streams of one-step episodes over a data set, whose images are `suite.data` (ImageData).

    In evaluation environment i plays the test items i, i + N, i + 2N, ... so that len(test) episodes, spread evenly,
    see every item once. In training it plays the training items the same way, in a new order each epoch.

    Arguments:
        Dataset: the data set's class, as functools.partial with its arguments (`_partial_: true`), or as a config
            {_target_: torchvision.datasets.MNIST, ...}
        data: folder of torchvision's data sets, in torchvision's own layout
        resize: pixels of the images, an int or (height, width); null: their own size
        mini, subset, per_class, labelled, stream, workers, keep: see `ImageData`

    Raises UserError if there is no such data.
    """

    frames_per_step = 1

    def __init__(self, Dataset: Any, data: Path | str = './Datasets/Data', num_envs: int = 1, seed: int = 0,
                 train: bool = True, *, resize: int | Sequence[int] | None = None, mini: bool = False,
                 subset: Sequence | None = None, per_class: int | None = None, labelled: float | None = None,
                 stream: bool | None = None, workers: int | None = None,
                 keep: Path | str | None = None) -> None:  # fmt: skip
        self.data = load_images(Dataset, data, resize=resize, mini=mini, subset=subset, per_class=per_class,
                                labelled=labelled, stream=stream, workers=workers, keep=keep)  # fmt: skip
        self.num_envs, self._train = num_envs, train
        self._images = self.data.train if train else self.data.test
        self._size = len(self._images.label)
        self._epoch_order = functools.lru_cache(maxsize=2)(functools.partial(epoch_order, self._size, seed))
        self._identity = dict(suite='Classify', num_envs=num_envs, seed=seed, train=train, items=self._size)
        self.episodes = None if train else self._size
        self.class_names = self.data.class_names
        mean, std = self.data.statistics
        shape = tuple(self._images.obs.shape[1:])
        classes = len(self.class_names)
        self.spec = Spec(shape, 'uint8', (classes,), classes, kind='classify', mean=mean, std=std)

    def reset(self) -> np.ndarray:
        """Starts with the first items. Returns uint8 [N, C, H, W]."""
        self._see(0)
        return self._obs

    def step(self, action: np.ndarray) -> Step:
        """Predicts the current images by logits [N, K], of which the largest counts.

        Returns rewards and labels of these images, and the next ones.
        """
        final_obs, label = self._obs, self._images.label[self._index].numpy()
        reward = (np.argmax(action, -1) == label).astype(np.float32)
        self._see(self._step + 1)
        ended = np.ones(self.num_envs, bool)
        return Step(self._obs, reward, ended, ~ended, final_obs, label=label)

    def render(self, envs: Sequence[int] | None = None) -> list[np.ndarray]:
        """Returns the images of these environments, or all, as uint8 [H, W, 3]."""
        images = self._obs if envs is None else self._obs[list(envs)]
        return [np.broadcast_to(image.transpose(1, 2, 0), (*image.shape[1:], 3)) for image in images]

    def state(self) -> dict[str, Any]:
        """Returns the step; the images are a function of it, of the seed and of the number of items."""
        return {**self._identity, 'step': self._step}

    def restore(self, state: dict[str, Any]) -> None:
        """Continues at the step of `state`. Raises UserError if it is another suite's."""
        self._see(matching(state, **self._identity)['step'])

    def close(self) -> None:
        """Does nothing: the images are shared with other suites and replays."""

    def _see(self, step: int) -> None:
        """Observes the items of this step."""
        self._step, self._index = step, self._order(step)
        self._obs = self._images.obs[self._index].numpy()
        expect(self._images.obs, self._order(step + 1))

    def _order(self, step: int) -> np.ndarray:
        """Indices [N] of the items at a step."""
        position = step * self.num_envs + np.arange(self.num_envs)
        if not self._train:
            return position % self._size
        return np.array([self._epoch_order(int(p) // self._size)[int(p) % self._size] for p in position])


class Digits:
    """The 1,797 digits of 8x8 pixels that come with scikit-learn: classification without a download."""

    def __init__(self) -> None:
        from sklearn.datasets import load_digits

        digits = load_digits()
        self.data = np.rint(digits.images * (255 / 16)).astype(np.uint8)  # [N, 8, 8]
        self.targets = digits.target
        self.classes = [str(name) for name in digits.target_names]

    def __len__(self) -> int:
        return len(self.data)


def load_images(Dataset: Any, data: Path | str = './Datasets/Data', **settings: Any) -> ImageData:
    """Returns the ImageData of a data set's config, partial or class; the same object for the same arguments."""
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
    return shared_images(build, hashable(arguments), str(data), hashable(settings))


def hashable(arguments: Mapping[str, Any]) -> tuple:
    """Returns arguments as a tuple of pairs that can be a key of a cache."""
    return tuple((name, tuple(value) if isinstance(value, list) else value) for name, value in arguments.items())


@functools.lru_cache(maxsize=2)  # training, evaluation and the replay share the images
def shared_images(build: Callable[..., Any], arguments: tuple, data: str, settings: tuple) -> ImageData:
    """Returns an ImageData, built once for the same arguments."""
    return ImageData(build, dict(arguments), data, **dict(settings))
