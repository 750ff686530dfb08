"""Offline learning: losses that stay near the data's actions."""

import math

import torch


def expectile_loss(error: torch.Tensor, expectile: float) -> torch.Tensor:
    """Asymmetric squared error -> scalar (IQL, arXiv:2110.06169, eq. 5).

    Errors above 0 weigh `expectile`, those below 1 - `expectile`. At 0.5 it is half the mean square; towards 1 the fit
    rises from the mean to the maximum."""
    weight = (error < 0).float().sub(expectile).abs()
    return (weight * error**2).mean()


def conservative_gap(scores: torch.Tensor, q: torch.Tensor, log_density: torch.Tensor | None = None) -> torch.Tensor:
    """How far the soft maximum over all actions exceeds the value of the data's action -> scalar (CQL,
    arXiv:2006.04779, eq. 4).

    scores: [E, B, A] of all discrete actions, or [E, B, M] of actions drawn with `log_density` [B, M], whose
        importance-weighted sum estimates the integral over all actions (appendix F).
    q: [E, B], of the data's action.
    """
    if log_density is not None:
        scores = scores - log_density - math.log(scores.shape[-1])
    return (scores.logsumexp(-1) - q).mean()
