"""Actors propose: from features to actions, predictions or images."""

import torch
from torch import nn

from Blocks.Architectures import MLP, Generator, Null, Trunk
from Blocks.Shapes import build, check, shape_of


class Actor(nn.Module):
    """Features [B, *repr_shape] -> [B, *output_shape]: the mean of an action, logits of a prediction, or an image.

    `trunk`, then `pi_head`. By default a bounded bottleneck and an MLP; for images no trunk and DCGAN's generator.
    """

    def __init__(self, repr_shape, output_shape, trunk=None, pi_head=None, trunk_dim=50, hidden_dim=512):
        super().__init__()
        images = len(output_shape) == 3
        self.trunk = build(trunk or (Null if images else Trunk), repr_shape, trunk_dim=trunk_dim)
        features = shape_of(self.trunk, repr_shape)
        head = build(pi_head or (Generator if images else MLP), features, tuple(output_shape), hidden_dim=hidden_dim)
        self.pi_head = check(head, output_shape, features)

    def forward(self, features):
        return self.pi_head(self.trunk(features))


class Proposals(nn.Module):
    """Proposes `number` continuous actions at random: features [B, ...] -> [B, number, A], uniform in [-1, 1]."""

    def __init__(self, number, action_shape):
        super().__init__()
        self.shape = (number, *action_shape)

    def forward(self, features):
        return 2 * torch.rand(len(features), *self.shape, device=features.device) - 1
