"""Latent dynamics: predicts the next step's features from features and an action (SPR, arXiv:2007.05929)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Renormalize(nn.Module):
    """Scales the features [B, ...] of each sample to [0, 1] by their minimum and maximum, so that predicted and encoded
    features have one scale (appendix of the paper)."""

    def forward(self, x: Tensor) -> Tensor:
        low, high = (extreme(x.flatten(1), 1).view(-1, *[1] * (x.dim() - 1)) for extreme in (torch.amin, torch.amax))
        return (x - low) / (high - low + 1e-5)


class Dynamics(nn.Module):
    """Features [B, *repr_shape] and actions ([B] int64 if there are `num_actions`, else [B, A]) -> [B, *repr_shape].

    Two convolutions over a feature map, with the action as additional channels; an MLP over a vector.
    """

    def __init__(
        self,
        repr_shape: Sequence[int],
        action_shape: Sequence[int],
        num_actions: int | None = None,
        hidden_dim: int = 512,
    ) -> None:
        super().__init__()
        self.num_actions, self.map = num_actions, len(repr_shape) == 3
        inputs = repr_shape[0] + (num_actions or action_shape[0])
        layers: list[nn.Module]
        if self.map:
            layers = [nn.Conv2d(inputs, repr_shape[0], 3, padding=1), nn.ReLU(), nn.BatchNorm2d(repr_shape[0])]
            layers += [nn.Conv2d(repr_shape[0], repr_shape[0], 3, padding=1), nn.ReLU(), Renormalize()]
        else:
            layers = [nn.Linear(inputs, hidden_dim), nn.ReLU(), nn.Linear(hidden_dim, repr_shape[0])]
        self.layers = nn.Sequential(*layers)

    def forward(self, features: Tensor, action: Tensor) -> Tensor:
        if self.num_actions:
            action = F.one_hot(action, self.num_actions)
        action = action.to(features.dtype)
        if self.map:
            action = action[..., None, None].expand(-1, -1, *features.shape[2:])
        return self.layers(torch.cat([features, action], 1))
