"""Distributions of returns (C51, arXiv:1707.06887)."""

import torch


def project(probs: torch.Tensor, moved: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Projects the distribution `probs` [..., B, Z] over moved atoms [B, Z] onto evenly spaced `values` [Z] (eq. 7).

    Two neighboring values share the mass between them in proportion to nearness; mass outside goes to the edge.
    """
    low, high, step = values[0], values[-1], values[1] - values[0]
    place = (moved.clamp(low, high) - low) / step  # [B, Z] in units of atoms
    distance = (place.unsqueeze(-1) - torch.arange(len(values), device=values.device)).abs()  # [B, Z, Z]
    share = (1 - distance).clamp(min=0)
    return (probs.unsqueeze(-2) @ share).squeeze(-2)


def cross_entropy(
    logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cross-entropy of logits [E, B, Z] to a distribution [E, B, Z] -> scalar loss, each sample's [B] (mean over E)."""
    errors = -(target * logits.log_softmax(-1)).sum(-1).mean(0)
    return (errors if weight is None else errors * weight).mean(), errors.detach()
