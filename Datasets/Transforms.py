"""torchvision's transforms (v2) by name and arguments, drawn anew for each image of a batch."""

from collections.abc import Mapping

import numpy as np
import torch

from Utils import UserError, hint, one_line


class Transforms:
    """uint8 [B, C, H, W] -> the same, augmented.

    torchvision draws one flip, one crop, one angle for a whole batch, so images go through one by one (20 to 200
    microseconds each); but flips and crops, the usual ones, are done here for all at once, with the same distribution.

    Arguments:
        config: {RandomHorizontalFlip: {}, RandomCrop: {size: 32, padding: 4}}, applied in this order
        example: uint8 [1, C, H, W], to try them on
        seed: the draws are a function of (seed, the batch's number), whatever else is random in the process

    Raises UserError for unknown names, wrong arguments, and transforms that change shape or dtype of the images.
    """

    def __init__(self, config, example, seed=0):
        if not isinstance(config, Mapping) or not all(isinstance(kw, (Mapping, type(None))) for kw in config.values()):
            raise UserError(f'replay.transform={config} should be like replay.transform="{{RandomCrop: {{size: 32}}}}"')
        self.seed = seed
        self.transforms = [build(name, arguments) for name, arguments in config.items()]
        shape = list(example.shape[1:])
        try:
            after = self(example, 0)
        except (RuntimeError, TypeError, ValueError) as error:
            raise UserError(f'replay.transform fails on images of shape {shape}: {one_line(error)}') from error
        if after.shape != example.shape or after.dtype != example.dtype:
            raise UserError(
                f'replay.transform turns uint8 {shape} into {str(after.dtype)[6:]} {list(after.shape[1:])}, but images '
                'must stay what evaluation sees (their pixels are normalised by the encoder).'
            )

    def __call__(self, obs, number):
        """Transform batch number `number`. Leaves obs as it is and returns another tensor."""
        with torch.random.fork_rng(devices=[]):  # torchvision draws from torch's global generator
            seed = np.random.SeedSequence([self.seed, number]).generate_state(1, np.uint64)[0]
            torch.default_generator.manual_seed(int(seed >> np.uint64(1)))
            for transform in self.transforms:
                obs = transform(obs)
        return obs


def build(name, arguments):
    """One transform as a function from a batch to a batch."""
    from torchvision.transforms import v2

    kinds = [name for name, kind in vars(v2).items() if isinstance(kind, type) and issubclass(kind, v2.Transform)]
    arguments = plain(arguments or {})
    if name not in kinds:
        raise UserError(f"No torchvision transform '{name}' (replay.transform).{hint(name, kinds)}")
    try:
        transform = getattr(v2, name)(**arguments)
    except (TypeError, ValueError) as error:
        raise UserError(f'replay.transform: {name} does not take {arguments}: {one_line(error)}') from error
    if name in ('RandomHorizontalFlip', 'RandomVerticalFlip'):
        return lambda obs: flip(obs, transform.p, -1 if name == 'RandomHorizontalFlip' else -2)
    if name == 'RandomCrop' and not transform.pad_if_needed and not isinstance(transform.fill, dict):
        padding = arguments.get('padding')  # the transform keeps its four sides in another order
        return lambda obs: crop(obs, transform, padding)
    return lambda obs: torch.stack([transform(image) for image in obs])


def flip(obs, p, dim):
    """Each image mirrored along `dim` with probability p."""
    chosen = torch.rand(len(obs)) < p  # [B]
    return torch.where(chosen[:, None, None, None], obs.flip(dim), obs)


def crop(obs, transform, padding):
    """Each image padded and cropped at an offset of its own, as v2.RandomCrop does it for one."""
    from torchvision.transforms.v2 import functional

    if padding is not None:
        obs = functional.pad(obs, padding, fill=transform.fill, padding_mode=transform.padding_mode)
    batch, _, height, width = obs.shape
    h, w = transform.size
    if h > height or w > width:
        raise ValueError(f'crop of {h}x{w} from {height}x{width} pixels')
    top = torch.randint(0, height - h + 1, (batch, 1))
    left = torch.randint(0, width - w + 1, (batch, 1))
    rows, columns = top + torch.arange(h), left + torch.arange(w)  # [B, h], [B, w]
    picked = obs.permute(0, 2, 3, 1)[torch.arange(batch)[:, None, None], rows[:, :, None], columns[:, None, :]]
    return picked.permute(0, 3, 1, 2).contiguous()  # [B, h, w, C] -> [B, C, h, w]


def plain(config):
    """The config as dicts, lists and numbers, whatever mappings and sequences it came as."""
    if isinstance(config, Mapping):
        return {str(key): plain(value) for key, value in config.items()}
    if isinstance(config, (str, bytes)) or not hasattr(config, '__iter__'):
        return config
    return [plain(value) for value in config]
