"""Self-predictive representations (arXiv:2007.05929): features must foresee the features of the next K steps."""

import torch
from torch import nn
from torch.nn import functional as F

from Agents.Agent import Phase, beside, track
from Agents.DQN import DQN
from Agents.DrQV2 import DrQV2
from Blocks.Architectures import Null
from Blocks.Dynamics import Dynamics, Renormalize
from Blocks.Shapes import size


class SPR(DQN, DrQV2):
    """Q-learning for discrete actions, DrQ-v2 for continuous ones; beside the critic's loss one of self-prediction.

    spr_weight: of that loss. projection_dim: of the space in which features are compared. The replay's `horizon` is K.
    reset_period: updates after which heads begin anew, and encoder and dynamics keep `shrink` of themselves and are
    filled up with new weights (SR-SPR, D'Oro et al. 2023; BBF, arXiv:2305.19452); None for never.
    """

    def __init__(self, *args, spr_weight=5.0, projection_dim=512, num_critics=1, reset_period=None, shrink=0.5,
                 **common):  # fmt: skip
        self.spr_weight, self.projection_dim = spr_weight, projection_dim
        self.reset_period, self.shrink = reset_period, shrink
        super().__init__(*args, num_critics=num_critics, **common)

    @property
    def control(self):
        return DQN if self.spec.num_actions else DrQV2

    def reinforce(self):
        creator, cast, (critic, *actor) = self.control.reinforce(self)
        spec, shape = self.spec, creator.encoder.repr_shape
        creator.dynamics = Dynamics(shape, spec.action_shape, spec.num_actions, self.hidden_dim)
        creator.projector = nn.Sequential(nn.Flatten(), nn.Linear(size(shape), self.projection_dim))
        creator.predictor = nn.Linear(self.projection_dim, self.projection_dim)
        foresees = Phase(
            (*critic.losses, 'self_prediction_loss'), (*critic.trains, 'dynamics', 'projector', 'predictor')
        )
        return creator, cast, (foresees, *actor)

    def build_encoder(self):
        """Without a pool the features keep their places in the image, and their scale is that of what is foreseen."""
        encoder = dict(self.recipes.get('encoder') or {})
        if self.domain == 'reinforce':
            encoder['pool'] = encoder.get('pool') or (Renormalize if self.spec.images else Null)
        return super().build_encoder(encoder)

    def follow(self):
        super().follow()
        if self.reset_period and self.domain == 'reinforce' and self.updates % self.reset_period == 0:
            self.reset()

    @torch.no_grad()
    def reset(self):
        """Heads anew, encoder and dynamics partly, in the slow copies too. Adam forgets the heads' moments."""
        fresh = self.reinforce()[0].to(self.device)
        for creator in (self.creator, self.target, self.average):
            for name, part in creator.named_children() if creator else ():
                keep = self.shrink if name in ('encoder', 'dynamics') else 0.0
                track(*beside(part, getattr(fresh, name)), 1 - keep)
        for name in ('critic', 'actor', 'projector', 'predictor'):
            for parameter in getattr(self.creator, name).parameters() if getattr(self.creator, name) else ():
                self.optimizer.state.pop(parameter, None)

    def next_value(self, batch):
        return self.control.next_value(self, batch)

    def self_prediction_loss(self, batch):
        """2 - 2 cos between what is foreseen and what is seen, over steps within the episode (eq. 3)."""
        future, features, errors = batch.future, batch.obs, []
        with torch.no_grad():
            seen = self.slow.projector(self.slow.encoder(future.obs.flatten(0, 1)))
            seen = seen.float().unflatten(0, future.valid.shape)  # [B, K, P]
        for k in range(seen.shape[1]):
            features = self.creator.dynamics(features, future.action[:, k])
            foreseen = self.creator.predictor(self.creator.projector(features)).float()
            errors.append(2 - 2 * F.cosine_similarity(foreseen, seen[:, k], -1))
        valid = future.valid.float()
        return self.spr_weight * (torch.stack(errors, 1) * valid).sum() / valid.sum()
