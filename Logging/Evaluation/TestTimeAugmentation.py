"""Test-time augmentation: the logits of several views of an image, averaged."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from Support.Errors import UserError, hint

if TYPE_CHECKING:
    from Agents.Agent import Agent


def mirror(obs: np.ndarray) -> list[np.ndarray]:
    """Returns images [N, C, H, W] as they are, and mirrored left to right."""
    return [obs, np.flip(obs, -1)]


def shift(obs: np.ndarray) -> list[np.ndarray]:
    """Returns images [N, C, H, W] as they are, shifted by one pixel down and right, and up and left, with reflected
    edges (compare multi-crop, arXiv:2404.00498)."""
    height, width = obs.shape[-2:]
    wide = np.pad(obs, ((0, 0), (0, 0), (1, 1), (1, 1)), 'reflect')
    return [obs, wide[..., :height, :width], wide[..., 2:, 2:]]


VIEWS = {'mirror': mirror, 'shift': shift}


class Views:
    """A classifier that averages an agent's logits over every combination of views.

    views: one of VIEWS, or a list of them. Raises UserError for an unknown one.
    """

    def __init__(self, agent: Agent, views: str | Sequence[str]) -> None:
        names = [views] if isinstance(views, str) else list(views)
        for name in names:
            if name not in VIEWS:
                raise UserError(f"tta: no view '{name}'.{hint(name, VIEWS)} All: {', '.join(VIEWS)}.")
        self.agent, self.views = agent, [VIEWS[name] for name in names]

    def act(self, obs: np.ndarray, explore: bool = False, first: np.ndarray | None = None) -> np.ndarray:
        """Returns logits [N, K] of images [N, C, H, W]."""
        seen = [obs]
        for view in self.views:
            seen = list(itertools.chain.from_iterable(map(view, seen)))
        return np.mean([self.agent.act(np.ascontiguousarray(each), explore, first) for each in seen], 0)
