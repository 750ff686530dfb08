"""Dynamics foresee: features and an action -> the features of the next step (SPR, arXiv:2007.05929)."""

import torch
from torch import nn
from torch.nn import functional as F


class Renormalize(nn.Module):
    """Each sample's features [B, ...] to 0..1, by their least and greatest: what is foreseen keeps the scale of what is
    seen (appendix of the paper)."""

    def forward(self, x):
        low, high = (extreme(x.flatten(1), 1).view(-1, *[1] * (x.dim() - 1)) for extreme in (torch.amin, torch.amax))
        return (x - low) / (high - low + 1e-5)


class Dynamics(nn.Module):
    """Features [B, *repr_shape] and actions ([B] of `num_actions`, else [B, A]) -> features [B, *repr_shape].

    Over a feature map two convolutions, which see the action as planes; over a vector an MLP.
    """

    def __init__(self, repr_shape, action_shape, num_actions=None, hidden_dim=512):
        super().__init__()
        self.num_actions, self.map = num_actions, len(repr_shape) == 3
        inputs = repr_shape[0] + (num_actions or action_shape[0])
        if self.map:
            layers = [nn.Conv2d(inputs, repr_shape[0], 3, padding=1), nn.ReLU(), nn.BatchNorm2d(repr_shape[0])]
            layers += [nn.Conv2d(repr_shape[0], repr_shape[0], 3, padding=1), nn.ReLU(), Renormalize()]
        else:
            layers = [nn.Linear(inputs, hidden_dim), nn.ReLU(), nn.Linear(hidden_dim, repr_shape[0])]
        self.layers = nn.Sequential(*layers)

    def forward(self, features, action):
        if self.num_actions:
            action = F.one_hot(action, self.num_actions)
        action = action.to(features.dtype)
        if self.map:
            action = action[..., None, None].expand(-1, -1, *features.shape[2:])
        return self.layers(torch.cat([features, action], 1))
