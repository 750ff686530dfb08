"""Continuous actions as choices (bang-off-bang control: arXiv:2111.02552)."""

from itertools import product

import numpy as np

from Utils import UserError

MOST = 4096  # joint actions: a critic has an output for each


class Discrete:
    """A suite of continuous actions, `inner`, in which one chooses: each dimension takes one of `bins` values.

    The values are evenly spaced in [-1, 1], both ends included; a choice is one of their bins^A combinations, in the
    order of `table` [bins^A, A]: the last dimension changes fastest. All else is the inner suite's.
    Raises UserError if there are too many combinations.
    """

    def __init__(self, inner, bins=3):
        self.inner, self.num_envs, self.frames_per_step = inner, inner.num_envs, inner.frames_per_step
        self.episodes = inner.episodes
        self.table = combinations(bins, *inner.spec.action_shape)
        self.spec = inner.spec._replace(action_shape=(), num_actions=len(self.table), low=None, high=None)

    def reset(self):
        return self.inner.reset()

    def step(self, action):
        """Acts with the choices int [N]. Returns Step."""
        return self.inner.step(self.table[action])

    def render(self, envs=None):
        return self.inner.render(envs)

    def close(self):
        self.inner.close()


def combinations(bins, dimensions):
    """-> float32 [bins^dimensions, dimensions] in [-1, 1]. Raises UserError if they are more than MOST."""
    if bins < 2:
        raise UserError(f'bins is at least 2, the ends of the range, not {bins}.')
    if bins**dimensions > MOST:
        fits = max(count for count in range(1, bins) if count**dimensions <= MOST)
        advice = f'bins={fits} is the most here' if fits > 1 else 'leave discrete=true out'
        raise UserError(
            f'discrete=true makes {bins}^{dimensions} choices of {dimensions} actions with {bins} values each, '
            f'more than {MOST:,}: {advice}.'
        )
    return np.array(list(product(np.linspace(-1, 1, bins), repeat=dimensions)), np.float32)
