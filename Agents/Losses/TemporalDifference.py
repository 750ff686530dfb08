"""Temporal-difference learning of values."""

import torch
from torch.nn import functional as F


def bootstrap(reward: torch.Tensor, discount: torch.Tensor, next_value: torch.Tensor) -> torch.Tensor:
    """The n-step target r + discount * V(s') (Sutton & Barto 2018, eq. 7.1). All [B]; discount 0 after a terminal."""
    return reward + discount * next_value


def td_loss(
    q: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None = None, huber: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """Errors of each critic q [E, B] to one target [B] -> scalar loss, absolute errors [B] (mean over critics).

    huber: the Huber loss that DQN's error clipping amounts to (doi:10.1038/nature14236, Methods); else mean square.
    weight: [B], importance weights of prioritized sampling (arXiv:1511.05952, eq. 1).
    """
    target = target.expand_as(q)
    loss = (F.smooth_l1_loss if huber else F.mse_loss)(q, target, reduction='none')  # [E, B]
    loss = loss if weight is None else loss * weight
    return loss.mean(), (q.detach() - target).abs().mean(0)
