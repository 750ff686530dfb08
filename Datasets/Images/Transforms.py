"""Image transforms by name, torchvision's (v2) and those of `BatchTransforms`, with a separate draw for each image."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from Datasets.Images import BatchTransforms
from Support.Errors import UserError, hint, one_line

OWN = {
    kind.__name__: kind
    for kind in (
        *(BatchTransforms.RandomHorizontalFlip, BatchTransforms.RandomVerticalFlip, BatchTransforms.RandomCrop),
        *(BatchTransforms.AlternatingFlip, BatchTransforms.Cutout),
    )
}


class Transforms:
    """Augments batches of images uint8 [B, C, H, W].

    torchvision draws one angle or one color for a whole batch, so images go through its transforms one by one (20 to
    500 microseconds each); the usual ones, flips and crops, handle the whole batch at once, with the same distribution.

    Arguments:
        config: {RandomHorizontalFlip: {}, RandomCrop: {size: 32, padding: 4}}, applied in this order
        example: uint8 [1, C, H, W], to try them on
        seed: the draws are a function of (seed, number of the batch) alone
        mean: of the training pixels, by channel, in 0..255; None: mid-gray

    Raises UserError for unknown names, wrong arguments, and transforms that change shape or dtype of the images.
    """

    def __init__(self, config: Mapping[str, Any], example: torch.Tensor, seed: int = 0,
                 mean: tuple[float, ...] | None = None) -> None:  # fmt: skip
        if not isinstance(config, Mapping) or not all(isinstance(kw, (Mapping, type(None))) for kw in config.values()):
            raise UserError(f'replay.transform={config} should be like replay.transform="{{RandomCrop: {{size: 32}}}}"')
        self.seed, self.mean = seed, np.array([127.5] * example.shape[1] if mean is None else mean)
        self.transforms = [build_transform(name, arguments) for name, arguments in config.items()]
        shape, first = list(example.shape[1:]), np.zeros(1, np.int64)
        try:
            after = self(example, 0, first, first)
        except (RuntimeError, TypeError, ValueError) as error:
            raise UserError(f'replay.transform fails on images of shape {shape}: {one_line(error)}') from error
        if after.shape != example.shape or after.dtype != example.dtype:
            raise UserError(
                f'replay.transform turns uint8 {shape} into {str(after.dtype)[6:]} {list(after.shape[1:])}, but images '
                'must stay what evaluation sees (the encoder normalizes their pixels).'
            )

    def __call__(self, obs: torch.Tensor, number: int, index: np.ndarray, epoch: np.ndarray) -> torch.Tensor:
        """Returns batch `number`, of items `index` [B] in epochs `epoch` [B], transformed; obs stays unchanged."""
        own, torchs = np.random.SeedSequence([self.seed, number]).spawn(2)
        draw = BatchTransforms.Draw(np.random.default_rng(own), index, epoch, self.mean)
        with torch.random.fork_rng(devices=[]):  # torchvision draws from torch's global generator
            torch.default_generator.manual_seed(int(torchs.generate_state(1, np.uint64)[0] >> np.uint64(1)))
            for transform in self.transforms:
                obs = transform(obs, draw)
        return obs


def build_transform(name: str, arguments: Mapping[str, Any] | None) -> Callable[..., torch.Tensor]:
    """Returns a transform as a function of (obs, draw): that of `BatchTransforms` if it has one, else torchvision's."""
    from torchvision.transforms import v2

    torchs = {
        name: kind for name, kind in vars(v2).items() if isinstance(kind, type) and issubclass(kind, v2.Transform)
    }
    kinds, arguments = torchs | OWN, to_plain(arguments or {})
    if name not in kinds:
        raise UserError(f"No transform '{name}' (replay.transform).{hint(name, kinds)}")
    try:
        transform: Any = kinds[name](**arguments)
    except (TypeError, ValueError) as error:
        raise UserError(f'replay.transform: {name} does not take {arguments}: {one_line(error)}') from error
    if name in OWN:
        return lambda obs, draw: torch.from_numpy(transform(obs.numpy(), draw))
    return lambda obs, draw: torch.stack([transform(image) for image in obs])


def to_plain(config: Any) -> Any:
    """Returns a config of any mappings and sequences as dicts, lists and numbers."""
    if isinstance(config, Mapping):
        return {str(key): to_plain(value) for key, value in config.items()}
    if isinstance(config, (str, bytes)) or not hasattr(config, '__iter__'):
        return config
    return [to_plain(value) for value in config]
