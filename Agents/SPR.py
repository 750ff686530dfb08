"""Self-predictive representations (arXiv:2007.05929): features predict the features of the next K steps."""

import math
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from Agents.DQN import DQN
from Agents.DrQV2 import DrQV2
from Agents.Phase import Phase
from Agents.TargetNetworks import move, pair
from Blocks.Architectures import Null
from Blocks.Dynamics import Dynamics, Renormalize
from Datasets.Experience import Experience


class SPR(DQN, DrQV2):
    """Q-learning for discrete actions, DrQ-v2 for continuous ones, with a loss of self-prediction beside the critic's.

    spr_weight: of that loss. projection_dim: of the space in which features are compared. The replay's `horizon` is K.
    reset_period: updates after which heads are initialized anew, and encoder and dynamics are interpolated with new
        weights, `shrink` being their own share (SR-SPR, D'Oro et al. 2023; BBF, arXiv:2305.19452); None: never.
    """

    def __init__(self, *args: Any, spr_weight: float, projection_dim: int, reset_period: int | None, shrink: float,
                 stddev_schedule: float | str, **common: Any) -> None:  # fmt: skip
        super().__init__(*args, stddev_schedule=stddev_schedule, **common)
        self.spr_weight, self.projection_dim = spr_weight, projection_dim
        self.reset_period, self.shrink = reset_period, shrink
        if self._control is DrQV2:
            self.exploration = stddev_schedule
        if self.domain.name == 'reinforce':  # features keep their places in the image, in the scale of the predicted
            blocks = self.blocks.config['encoder']
            blocks['pool'] = blocks.get('pool') or (Renormalize if self.spec.images else Null)

    @property
    def _control(self) -> type[DQN] | type[DrQV2]:
        return DQN if self.spec.num_actions else DrQV2

    def reinforce(self) -> tuple:
        creator, cast, (critic, *actor) = self._control.reinforce(self)
        spec, shape = self.spec, creator.encoder.repr_shape
        creator.dynamics = Dynamics(shape, spec.action_shape, spec.num_actions, self.blocks.hidden_dim)
        creator.projector = nn.Sequential(nn.Flatten(), nn.Linear(math.prod(shape), self.projection_dim))
        creator.predictor = nn.Linear(self.projection_dim, self.projection_dim)
        losses = (*critic.losses, self.self_prediction_loss)
        return creator, cast, (Phase(losses, (*critic.trains, 'dynamics', 'projector', 'predictor')), *actor)

    def next_value(self, batch: Experience) -> torch.Tensor:
        return self._control.next_value(self, batch)

    def self_prediction_loss(self, batch: Experience) -> torch.Tensor:
        """2 - 2 cos of predicted and observed features, over steps within the episode (eq. 3)."""
        future, features, errors, target = batch.future, batch.obs, [], self.target_creator
        with torch.no_grad():
            seen = target.projector(target.encoder(future.obs.flatten(0, 1)))
            seen = seen.float().unflatten(0, future.valid.shape)  # [B, K, P]
        for k in range(seen.shape[1]):
            features = self.creator.dynamics(features, future.action[:, k])
            predicted = self.creator.predictor(self.creator.projector(features)).float()
            errors.append(2 - 2 * F.cosine_similarity(predicted, seen[:, k], -1))
        valid = future.valid.float()
        return self.spr_weight * (torch.stack(errors, 1) * valid).sum() / valid.sum()

    def follow(self) -> None:
        super().follow()
        if self.reset_period and self.domain.name == 'reinforce' and self.updates % self.reset_period == 0:
            self.reset()

    @torch.no_grad()
    def reset(self) -> None:
        """Initializes heads anew, encoder and dynamics in part, also in the target network and the moving average. The
        optimizer forgets the moments of the heads."""
        fresh = self.reinforce()[0].to(self.device)
        for creator in (self.creator, self.target, self.average):
            for name, part in creator.named_children() if creator else ():
                keep = self.shrink if name in ('encoder', 'dynamics') else 0.0
                move(*pair(part, getattr(fresh, name)), 1 - keep)
        for name in ('critic', 'actor', 'projector', 'predictor'):
            self.optimization.forget(getattr(self.creator, name))
