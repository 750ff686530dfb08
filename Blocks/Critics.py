"""Critics score: the worth of what was created, by an ensemble of heads."""

from functools import partial

import torch
from torch import nn

from Blocks.Architectures import MLP, Discriminator, Dueling, Null, Trunk
from Blocks.Shapes import build, check, shape_of, size
from Support.Kinds import kind_of


class Critic(nn.Module):
    """Features [B, *repr_shape] (and an action) -> Q, in units of reward, by `ensemble` heads E.

    With `num_actions`, all discrete actions are scored at once: [E, B, A], or [E, B] of the action [B] that is given.
    Else the action [B, *action_shape] joins the features before the head: [E, B]; proposals [B, M, A] give [E, B, M].
    Without actions (action_shape None) the state is scored: [E, B]. An image (3-D action_shape) is judged without
    features, by DCGAN's discriminator unless `q_head` says else; the last `condition` of the features, if any, join it
    as channels of their own (arXiv:1411.1784).

    With `atoms`, what is learned is the distribution of Q over so many values from `support[0]` to `support[1]`
    (arXiv:1707.06887), and Q is its mean; `scores` gives its logits.
    """

    def __init__(self, repr_shape, action_shape, num_actions=None, trunk=None, q_head=None, ensemble=1, dueling=False,
                 atoms=None, support=(-10.0, 10.0), condition=0, trunk_dim=50, hidden_dim=512):  # fmt: skip
        super().__init__()
        self.discrete, self.images = num_actions is not None, kind_of(action_shape or ()) == 'image'
        self.trunk = build(Null if self.images else trunk or Trunk, repr_shape, trunk_dim=trunk_dim)
        features = shape_of(self.trunk, repr_shape)
        if self.images:
            features = (action_shape[0] + condition, *action_shape[1:])
        elif action_shape and not self.discrete:
            features = (size(features) + action_shape[0],)
        if atoms:
            self.register_buffer('values', torch.linspace(*support, atoms), persistent=False)
        self.atoms, self.condition = atoms, condition
        scores = (num_actions if self.discrete else 1, *([atoms] if atoms else []))
        head = q_head or (Discriminator if self.images else MLP)
        if dueling:
            head = partial(Dueling, head=head)
        self.q_heads = nn.ModuleList(
            check(build(head, features, scores, hidden_dim=hidden_dim), scores, features) for _ in range(ensemble)
        )

    def forward(self, features, action=None):
        scores = self.scores(features, action)
        return (scores.float().softmax(-1) * self.values).sum(-1) if self.atoms else scores.squeeze(-1)

    def scores(self, features, action=None):
        """Q [E, B, ..., 1], or with atoms Z the logits of its distribution [E, B, ..., Z]."""
        if self.images:
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

    def score(self, x):
        """[B, ...] -> [E, B, K, Z]"""
        scores = torch.stack([head(x) for head in self.q_heads])
        return scores if self.atoms else scores.unsqueeze(-1)
