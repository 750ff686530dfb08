"""Critics: an ensemble of heads that score states, actions, predictions or images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from Blocks.Architectures import MLP, Discriminator, Dueling, Null, Trunk
from Blocks.Shapes import Block, build, check_output, shape_of
from Support.Kinds import kind_of


class Critic(nn.Module):
    """Features [B, *repr_shape] and an action -> Q [E, B], in units of reward, by an ensemble of E heads.

    =============================  ===========================================================================
    discrete (`num_actions` is A)  the Q of all actions [E, B, A], or [E, B] of the given action [B] int64
    action [B, *action_shape]      concatenated with the features: [E, B]; proposals [B, M, A] give [E, B, M]
    `action_shape` None            the value of the state, without an action: [E, B]
    image (3-D `action_shape`)     the head sees the image alone: [E, B]
    =============================  ===========================================================================

    Args:
        trunk, q_head: blocks; by default a bounded bottleneck and an MLP; for images no trunk and DCGAN's
            discriminator.
        ensemble: number of heads.
        dueling: whether heads are dueling networks (arXiv:1511.06581) of two `q_head`.
        atoms: learn the distribution of Q over this number of values, from `support[0]` to `support[1]`
            (arXiv:1707.06887). Q is its mean; `scores` returns its logits.
        condition: for images, how many of the last features join the image as constant channels (arXiv:1411.1784).
        trunk_dim, hidden_dim: widths of trunk and heads, if their blocks take one.

    Raises ValueError if a block does not fit the shapes.
    """

    values: Tensor

    def __init__(
        self,
        repr_shape: Sequence[int],
        action_shape: Sequence[int] | None,
        num_actions: int | None = None,
        trunk: Block | None = None,
        q_head: Block | None = None,
        ensemble: int = 1,
        dueling: bool = False,
        atoms: int | None = None,
        support: tuple[float, float] = (-10.0, 10.0),
        condition: int = 0,
        trunk_dim: int = 50,
        hidden_dim: int = 512,
    ) -> None:
        super().__init__()
        action_shape = tuple(action_shape or ())
        self.discrete, self.images = num_actions is not None, kind_of(action_shape) == 'image'
        self.trunk = build(Null if self.images else trunk or Trunk, repr_shape, trunk_dim=trunk_dim)
        features = shape_of(self.trunk, repr_shape)
        if self.images:
            features = (action_shape[0] + condition, *action_shape[1:])
        elif action_shape and not self.discrete:
            features = (math.prod(features) + action_shape[0],)
        if atoms:
            self.register_buffer('values', torch.linspace(*support, atoms), persistent=False)
        self.atoms, self.condition = atoms, condition
        scores = (1 if num_actions is None else num_actions, *([atoms] if atoms else []))
        head = q_head or (Discriminator if self.images else MLP)
        if dueling:
            head = partial(Dueling, head=head)
        self.q_heads = nn.ModuleList(
            check_output(build(head, features, scores, hidden_dim=hidden_dim), scores, features)
            for _ in range(ensemble)
        )

    def forward(self, features: Tensor, action: Tensor | None = None) -> Tensor:
        scores = self.scores(features, action)
        return (scores.float().softmax(-1) * self.values).sum(-1) if self.atoms else scores.squeeze(-1)

    def scores(self, features: Tensor, action: Tensor | None = None) -> Tensor:
        """Returns Q [E, B, ..., 1], or with Z atoms the logits of its distribution [E, B, ..., Z]."""
        if self.images:
            assert action is not None  # it is the image
            if self.condition:
                maps = features[:, -self.condition :, None, None].expand(-1, -1, *action.shape[2:])
                action = torch.cat([action, maps], 1)
            return self.score(action).squeeze(2)  # [E, B, Z]
        features = self.trunk(features)
        if self.discrete:
            scores = self.score(features)  # [E, B, A, Z]
            return scores if action is None else scores[:, torch.arange(len(action), device=action.device), action]
        if action is None:
            return self.score(features).squeeze(2)  # [E, B, Z]
        features = features.flatten(1)
        if action.dim() == 2:
            return self.score(torch.cat([features, action], -1)).squeeze(2)  # [E, B, Z]
        pairs = torch.cat([features.unsqueeze(1).expand(-1, action.shape[1], -1), action], -1)  # [B, M, D + A]
        return self.score(pairs.flatten(0, 1)).unflatten(1, action.shape[:2]).squeeze(3)  # [E, B, M, Z]

    def score(self, x: Tensor) -> Tensor:
        """Applies each head: [B, ...] -> [E, B, K, Z]."""
        scores = torch.stack([head(x) for head in self.q_heads])
        return scores if self.atoms else scores.unsqueeze(-1)
