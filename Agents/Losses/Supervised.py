"""Losses of labels."""

from typing import Any

import torch


def negative_log_likelihood(policy: Any, label: torch.Tensor, smoothing: float = 0.0) -> torch.Tensor:
    """Returns -log pi(label) [B] of a prediction: the cross-entropy, not reduced.

    label: classes [B] int64, or shares of classes [B, K]. Where the label is missing (see `known`) the result has no
        meaning.
    smoothing: share of each label that is spread evenly over all classes (arXiv:1512.00567, section 7).
    """
    loss = -(label * policy.log_prob(None)).sum(-1) if mixed(label) else -policy.log_prob(label.clamp(min=0))
    return (1 - smoothing) * loss - smoothing * policy.log_prob(None).mean(-1) if smoothing else loss


def mixed(label: torch.Tensor) -> bool:
    """Whether labels are shares of classes, float32 [B, K] of mixed images, rather than classes, int64 [B]."""
    return label.is_floating_point()


def known(label: torch.Tensor) -> torch.Tensor:
    """Weights [B] of mean 1: 0 for missing labels (-1, or a row of zeros), equal for the others."""
    there = label.sum(-1) if mixed(label) else (label >= 0).float()
    return there / there.mean().clamp(min=1e-8)
