"""Actors propose: from features to actions, predictions or images."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from Blocks.Architectures import MLP, Generator, Null, Trunk
from Blocks.Shapes import build, check, shape_of
from Support.Kinds import kind_of


class Actor(nn.Module):
    """Features [B, *repr_shape] -> [B, *output_shape]: the mean of an action, logits of a prediction, or an image.

    `trunk`, then `pi_head`. By default a bounded bottleneck and an MLP; for images no trunk and DCGAN's generator.
    """

    def __init__(self, repr_shape, output_shape, trunk=None, pi_head=None, trunk_dim=50, hidden_dim=512):
        super().__init__()
        images = kind_of(output_shape) == 'image'
        self.trunk = build(trunk or (Null if images else Trunk), repr_shape, trunk_dim=trunk_dim)
        features = shape_of(self.trunk, repr_shape)
        head = build(pi_head or (Generator if images else MLP), features, tuple(output_shape), hidden_dim=hidden_dim)
        self.pi_head = check(head, output_shape, features)

    def forward(self, features):
        return self.pi_head(self.trunk(features))


class Proposals(nn.Module):
    """Proposes `number` actions at random: features [B, ...] -> [B, number, A], uniform in [-1, 1] and over choices.

    log_density: of each of them.
    """

    def __init__(self, number, action_shape, one_hots=()):
        super().__init__()
        self.shape, self.one_hots = (number, *action_shape), one_hots
        self.log_density = -math.log(2) * (sum(action_shape) - sum(one_hots)) - sum(map(math.log, one_hots))

    def forward(self, features):
        return choose_largest(2 * torch.rand(len(features), *self.shape, device=features.device) - 1, self.one_hots)


def choose_largest(action, one_hots):
    """Actions [..., A], of the choices (`Spec.one_hots`) that end them each made the one-hot of its largest entry."""
    continuous, *choices = action.split((action.shape[-1] - sum(one_hots), *one_hots), -1)
    ones = [F.one_hot(choice.argmax(-1), choice.shape[-1]).to(action.dtype) for choice in choices]
    return torch.cat([continuous, *ones], -1)
