"""Learning the distribution of returns (C51, arXiv:1707.06887)."""

import torch


def project(probs, moved, values):
    """The distribution `probs` [..., B, Z] over moved atoms [B, Z] -> over `values` [Z], evenly spaced (eq. 7).

    What lies between two values is shared by them in proportion to its nearness; what lies outside goes to the edge.
    """
    low, high, step = values[0], values[-1], values[1] - values[0]
    place = (moved.clamp(low, high) - low) / step  # [B, Z] in units of atoms
    share = (1 - (place.unsqueeze(-1) - torch.arange(len(values), device=values.device)).abs()).clamp(
        min=0
    )  # [B, Z, Z]
    return (probs.unsqueeze(-2) @ share).squeeze(-2)


def cross_entropy(logits, target, weight=None):
    """Logits [E, B, Z] to a target distribution [E, B, Z] -> scalar loss, and each sample's [B] (mean over critics)."""
    errors = -(target * logits.log_softmax(-1)).sum(-1).mean(0)
    return (errors if weight is None else errors * weight).mean(), errors.detach()
