"""Learning what a choice is worth from what came after it."""

from torch.nn import functional as F


def bootstrap(reward, discount, next_value):
    """r + discount * V(s'), all [B]: the n-step target (Sutton & Barto 2018, eq. 7.1). A terminal has discount 0."""
    return reward + discount * next_value


def td_loss(q, target, weight=None, huber=False):
    """Each critic's error to one target: q [E, B], target [B] -> scalar loss, absolute errors [B] (mean over critics).

    Mean squared error, or the Huber loss that DQN's error clipping amounts to (doi:10.1038/nature14236, Methods).
    `weight` [B]: importance weights of prioritised sampling (arXiv:1511.05952, eq. 1).
    """
    target = target.expand_as(q)
    loss = (F.smooth_l1_loss if huber else F.mse_loss)(q, target, reduction='none')  # [E, B]
    loss = loss if weight is None else loss * weight
    return loss.mean(), (q.detach() - target).abs().mean(0)
