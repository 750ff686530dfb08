"""Mixtures of images with shares of their labels: obs uint8 [B, C, H, W], label float32 [B, K] -> both, mixed.

Each image is mixed with another of its batch, with a share of its own.
"""

import numpy as np
import torch

from Support.Errors import UserError, hint, one_line


class MixUp:
    """lambda of one image and 1 - lambda of another, lambda ~ Beta(alpha, alpha) (arXiv:1710.09412)."""

    def __init__(self, alpha=0.2):
        if not alpha > 0:
            raise ValueError(f'alpha={alpha} is not above 0')
        self.alpha = alpha

    def __call__(self, obs, label, random):
        other, share = random.permutation(len(obs)), random.beta(self.alpha, self.alpha, len(obs)).astype(np.float32)
        weight = share[:, None, None, None]
        mixed = np.rint(weight * obs + (1 - weight) * obs[other]).astype(np.uint8)
        return mixed, share[:, None] * label + (1 - share[:, None]) * label[other]


class CutMix(MixUp):
    """A rectangle of another image, 1 - lambda of the area, anywhere, over the border too (arXiv:1905.04899, eq. 2).

    What lies over the border is not pasted; labels count what is."""

    def __init__(self, alpha=1.0):
        super().__init__(alpha)

    def __call__(self, obs, label, random):
        (batch, _, height, width), other = obs.shape, random.permutation(len(obs))
        side = np.sqrt(1 - random.beta(self.alpha, self.alpha, batch))[:, None]
        rows = np.abs(np.arange(height) + 0.5 - height * random.random((batch, 1))) < side * height / 2  # [B, H]
        columns = np.abs(np.arange(width) + 0.5 - width * random.random((batch, 1))) < side * width / 2  # [B, W]
        pasted = rows[:, :, None] & columns[:, None, :]  # [B, H, W]
        share = 1 - pasted.mean((1, 2), dtype=np.float32)[:, None]
        return np.where(pasted[:, None], obs[other], obs), share * label + (1 - share) * label[other]


MIXES = {'MixUp': MixUp, 'CutMix': CutMix}


class Mix:
    """One of the mixtures of `config`, {MixUp: {alpha: 0.2}, CutMix: {}}, for each batch.

    Draws are a function of (seed, the batch's number). A label of -1, which is missing, becomes a row of zeros.
    Raises UserError for other names and arguments.
    """

    def __init__(self, config, classes, seed=0):
        self.classes, self.seed, self.mixes = classes, seed, []
        for name, arguments in dict(config).items():
            if name not in MIXES:
                raise UserError(f"No mixture '{name}' (replay.mix).{hint(name, MIXES)} All: {', '.join(MIXES)}.")
            try:
                self.mixes.append(MIXES[name](**(arguments or {})))
            except (TypeError, ValueError) as error:
                raise UserError(f'replay.mix: {name} does not take {arguments}: {one_line(error)}') from error

    def __call__(self, obs, label, number):
        """uint8 [B, C, H, W], int64 [B] -> uint8 [B, C, H, W], float32 [B, K] of batch `number`."""
        random = np.random.default_rng([self.seed, number, 1])  # Transforms draw from [seed, number]
        shares = (label.numpy()[:, None] == np.arange(self.classes)).astype(np.float32)
        mixed = self.mixes[random.integers(len(self.mixes))](obs.numpy(), shares, random)
        return tuple(map(torch.from_numpy, mixed))
