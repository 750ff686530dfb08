"""Mixtures of images and labels: obs uint8 [B, C, H, W] and label float32 [B, K] -> the same, mixed.

Each image is mixed with another one of its batch, at a share of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from Support.Errors import UserError, hint, one_line


class MixUp:
    """Adds lambda of one image and 1 - lambda of another, lambda ~ Beta(alpha, alpha) (arXiv:1710.09412)."""

    def __init__(self, alpha: float = 0.2) -> None:
        if not alpha > 0:
            raise ValueError(f'alpha={alpha} is not above 0')
        self.alpha = alpha

    def __call__(self, obs: np.ndarray, label: np.ndarray,
                 random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
        other, share = random.permutation(len(obs)), random.beta(self.alpha, self.alpha, len(obs)).astype(np.float32)
        weight = share[:, None, None, None]
        mixed = np.rint(weight * obs + (1 - weight) * obs[other]).astype(np.uint8)
        return mixed, share[:, None] * label + (1 - share[:, None]) * label[other]


class CutMix(MixUp):
    """Pastes a rectangle of another image, 1 - lambda of the area, at a random place (arXiv:1905.04899, eq. 2).

    The part beyond the border is not pasted; labels are shared by the area that is.
    """

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__(alpha)

    def __call__(self, obs: np.ndarray, label: np.ndarray,
                 random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
        (batch, _, height, width), other = obs.shape, random.permutation(len(obs))
        side = np.sqrt(1 - random.beta(self.alpha, self.alpha, batch))[:, None]
        rows = np.abs(np.arange(height) + 0.5 - height * random.random((batch, 1))) < side * height / 2  # [B, H]
        columns = np.abs(np.arange(width) + 0.5 - width * random.random((batch, 1))) < side * width / 2  # [B, W]
        pasted = rows[:, :, None] & columns[:, None, :]  # [B, H, W]
        share = 1 - pasted.mean((1, 2), dtype=np.float32)[:, None]
        return np.where(pasted[:, None], obs[other], obs), share * label + (1 - share) * label[other]


MIXES = {'MixUp': MixUp, 'CutMix': CutMix}


class Mixtures:
    """Applies one of the mixtures of `config`, {MixUp: {alpha: 0.2}, CutMix: {}}, to each batch, drawn at random.

    Draws are a function of (seed, number of the batch). A missing label (-1) becomes a row of zeros.
    Raises UserError for other names and arguments.
    """

    def __init__(self, config: dict[str, Any], classes: int, seed: int = 0) -> None:
        self.classes, self.seed, self.mixes = classes, seed, []
        for name, arguments in dict(config).items():
            if name not in MIXES:
                raise UserError(f"No mixture '{name}' (replay.mix).{hint(name, MIXES)} All: {', '.join(MIXES)}.")
            try:
                self.mixes.append(MIXES[name](**(arguments or {})))
            except (TypeError, ValueError) as error:
                raise UserError(f'replay.mix: {name} does not take {arguments}: {one_line(error)}') from error

    def __call__(self, obs: torch.Tensor, label: torch.Tensor, number: int) -> tuple[torch.Tensor, ...]:
        """Mixes batch `number`: obs uint8 [B, C, H, W], label int64 [B] -> uint8 [B, C, H, W], float32 [B, K]."""
        random = np.random.default_rng([self.seed, number, 1])  # Transforms draw from [seed, number]
        shares = (label.numpy()[:, None] == np.arange(self.classes)).astype(np.float32)
        mixed = self.mixes[random.integers(len(self.mixes))](obs.numpy(), shares, random)
        return tuple(map(torch.from_numpy, mixed))
