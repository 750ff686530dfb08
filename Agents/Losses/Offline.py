"""Learning from what others did, without trying anything oneself."""

import math


def expectile_loss(error, expectile):
    """Squared errors, those above 0 weighted by `expectile`, the others by its rest -> scalar (IQL, arXiv:2110.06169,
    eq. 5). At 0.5 half the mean square; towards 1 what is fitted rises from the mean to the maximum."""
    weight = (error < 0).float().sub(expectile).abs()
    return (weight * error**2).mean()


def conservative_gap(scores, q, log_density=None):
    """By how much the soft maximum over all actions exceeds what was done -> scalar (CQL, arXiv:2006.04779, eq. 4).

    scores [E, B, A] of all choices, or [E, B, M] of actions drawn with `log_density` [B, M], which then stand for the
    integral over all by importance sampling (appendix F). q [E, B]: of what was done.
    """
    if log_density is not None:
        scores = scores - log_density - math.log(scores.shape[-1])
    return (scores.logsumexp(-1) - q).mean()
