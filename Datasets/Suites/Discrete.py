"""Continuous actions made discrete (bang-off-bang control: arXiv:2111.02552)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np

from Datasets.Experience import Step
from Support.Errors import UserError

MOST = 4096  # joint actions: a critic has an output for each


class Discrete:
    """Makes the vector actions of the suite `inner` discrete: each dimension takes one of `bins` values.

    The values are evenly spaced in [-1, 1], both ends included. A discrete action is one of the bins^A combinations of
    them, and of the choices that an action already holds (`Spec.one_hots`), in the order of `table` [.., A]: the last
    dimension changes fastest. Raises UserError if there are too many combinations.
    """

    def __init__(self, inner: Any, bins: int = 3) -> None:
        self.inner, self.num_envs, self.frames_per_step = inner, inner.num_envs, inner.frames_per_step
        self.episodes = inner.episodes
        self.table = combinations(bins, inner.spec.continuous, inner.spec.one_hots)
        self.spec = inner.spec._replace(action_shape=(), num_actions=len(self.table), low=None, high=None, one_hots=())

    def reset(self) -> np.ndarray:
        """See `Suite.reset`."""
        return self.inner.reset()

    def step(self, action: np.ndarray) -> Step:
        """Acts with rows int [N] of the table."""
        return self.inner.step(self.table[action])

    def render(self, envs: Sequence[int] | None = None) -> list[np.ndarray] | None:
        """See `Suite.render`."""
        return self.inner.render(envs)

    def state(self) -> dict[str, Any] | None:
        """Returns the inner suite's state; None if it has none."""
        return self.inner.state() if hasattr(self.inner, 'state') else None

    def restore(self, state: dict[str, Any]) -> None:
        """Restores the inner suite."""
        self.inner.restore(state)

    def close(self) -> None:
        """Closes the inner suite."""
        self.inner.close()


def combinations(bins: int, dimensions: int, one_hots: Sequence[int] = ()) -> np.ndarray:
    """Returns all actions, float32 [bins^dimensions x choices, A] in [-1, 1]. Raises UserError above MOST of them."""
    if bins < 2:
        raise UserError(f'bins is at least 2, the ends of the range, not {bins}.')
    choices = math.prod(one_hots)
    if bins**dimensions * choices > MOST:
        fits = max((count for count in range(bins) if count**dimensions * choices <= MOST), default=0)
        advice = f'bins={fits} is the most here' if fits > 1 else 'leave discrete=true out'
        factors = [f'{bins}^{dimensions}'] * bool(dimensions) + [str(count) for count in one_hots]
        raise UserError(f'discrete=true makes {" x ".join(factors)} choices in all, more than {MOST:,}: {advice}.')
    values = np.linspace(-1, 1, bins).reshape(-1, 1)
    rows = product(*[values] * dimensions, *(np.eye(count) for count in one_hots))
    return np.array([np.concatenate(row) for row in rows], np.float32)
