"""Actors: from features to actions, logits or images."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from Blocks.Architectures import MLP, Generator, Null, Trunk
from Blocks.Shapes import Block, build, check_output, shape_of
from Support.Kinds import kind_of


class Actor(nn.Module):
    """Features [B, *repr_shape] -> [B, *output_shape]: parameters of a policy, logits of classes, or an image.

    Args:
        trunk, pi_head: blocks, applied one after the other. By default a bounded bottleneck and an MLP; for images no
            trunk and DCGAN's generator.
        trunk_dim, hidden_dim: widths of trunk and head, if their blocks take one.

    Raises ValueError if a block does not fit the shapes.
    """

    def __init__(
        self,
        repr_shape: Sequence[int],
        output_shape: Sequence[int],
        trunk: Block | None = None,
        pi_head: Block | None = None,
        trunk_dim: int = 50,
        hidden_dim: int = 512,
    ) -> None:
        super().__init__()
        images = kind_of(output_shape) == 'image'
        self.trunk = build(trunk or (Null if images else Trunk), repr_shape, trunk_dim=trunk_dim)
        features = shape_of(self.trunk, repr_shape)
        head = build(pi_head or (Generator if images else MLP), features, tuple(output_shape), hidden_dim=hidden_dim)
        self.pi_head = check_output(head, output_shape, features)

    def forward(self, features: Tensor) -> Tensor:
        return self.pi_head(self.trunk(features))


class Proposals(nn.Module):
    """Draws `number` actions at random: features [B, ...] -> [B, number, A], uniform in [-1, 1] and over choices.

    Attributes:
        log_density: of each of these actions.
    """

    def __init__(self, number: int, action_shape: Sequence[int], one_hots: Sequence[int] = ()) -> None:
        super().__init__()
        self.shape, self.one_hots = (number, *action_shape), one_hots
        self.log_density = -math.log(2) * (sum(action_shape) - sum(one_hots)) - sum(map(math.log, one_hots))

    def forward(self, features: Tensor) -> Tensor:
        return choose_largest(2 * torch.rand(len(features), *self.shape, device=features.device) - 1, self.one_hots)


def choose_largest(action: Tensor, one_hots: Sequence[int]) -> Tensor:
    """Replaces each choice at the end of actions [..., A] by the one-hot of its largest entry.

    Args:
        one_hots: the sizes of these choices (`Spec.one_hots`).
    """
    continuous, *choices = action.split((action.shape[-1] - sum(one_hots), *one_hots), -1)
    ones = [F.one_hot(choice.argmax(-1), choice.shape[-1]).to(action.dtype) for choice in choices]
    return torch.cat([continuous, *ones], -1)
