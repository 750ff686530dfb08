"""Continuous actions as choices (bang-off-bang control: arXiv:2111.02552)."""

import math
from itertools import product

import numpy as np

from Support.Errors import UserError

MOST = 4096  # joint actions: a critic has an output for each


class Discrete:
    """A suite whose actions are vectors, `inner`, in which one chooses: each dimension takes one of `bins` values.

    The values are evenly spaced in [-1, 1], both ends included; a choice is one of their bins^A combinations with one
    another and with the choices that an action may hold already (`Spec.one_hots`), in the order of `table` [.., A]: the
    last one changes fastest. All else is the inner suite's. Raises UserError if there are too many combinations.
    """

    def __init__(self, inner, bins=3):
        self.inner, self.num_envs, self.frames_per_step = inner, inner.num_envs, inner.frames_per_step
        self.episodes = inner.episodes
        self.table = combinations(bins, inner.spec.continuous, inner.spec.one_hots)
        self.spec = inner.spec._replace(action_shape=(), num_actions=len(self.table), low=None, high=None, one_hots=())

    def reset(self):
        return self.inner.reset()

    def step(self, action):
        """Acts with the choices int [N]. Returns Step."""
        return self.inner.step(self.table[action])

    def render(self, envs=None):
        return self.inner.render(envs)

    def state(self):
        return self.inner.state() if hasattr(self.inner, 'state') else None

    def restore(self, state):
        self.inner.restore(state)

    def close(self):
        self.inner.close()


def combinations(bins, dimensions, one_hots=()):
    """-> float32 [bins^dimensions x the choices, A] in [-1, 1]. Raises UserError if they are more than MOST."""
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
