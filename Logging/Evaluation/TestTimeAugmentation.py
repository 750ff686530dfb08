"""Test-time augmentation: a prediction from several views of an image, their logits averaged."""

import itertools

import numpy as np

from Support.Errors import UserError, hint


def mirror(obs):
    """As it is, and left to right."""
    return [obs, np.flip(obs, -1)]


def shift(obs):
    """As it is, and one pixel down and right, up and left, edges reflected (compare multi-crop, arXiv:2404.00498)."""
    height, width = obs.shape[-2:]
    wide = np.pad(obs, ((0, 0), (0, 0), (1, 1), (1, 1)), 'reflect')
    return [obs, wide[..., :height, :width], wide[..., 2:, 2:]]


VIEWS = {'mirror': mirror, 'shift': shift}


class Views:
    """Acts in evaluation as the agent does, by the mean of its logits over every combination of views.

    views: a name or several. Raises UserError for an unknown one.
    """

    def __init__(self, agent, views):
        names = [views] if isinstance(views, str) else list(views)
        for name in names:
            if name not in VIEWS:
                raise UserError(f"tta: no view '{name}'.{hint(name, VIEWS)} All: {', '.join(VIEWS)}.")
        self.agent, self.views = agent, [VIEWS[name] for name in names]

    def act(self, obs, explore=False, first=None):
        """Images [N, C, H, W] -> logits [N, K]."""
        seen = [obs]
        for view in self.views:
            seen = list(itertools.chain.from_iterable(map(view, seen)))
        return np.mean([self.agent.act(np.ascontiguousarray(each), explore, first) for each in seen], 0)
