"""Conservative Q-learning (CQL, arXiv:2006.04779): an optional penalty on values of actions that the data lack."""

from typing import Any

import torch
from torch import nn

from Agents.Losses.Offline import conservative_gap
from Datasets.Experience import Experience


class Conservative(nn.Module):
    """Mixin of agents that implement `alternatives`, for offline learning.

    conservative: weight of the penalty (alpha of the paper); 0: none.
    """

    conservative: float
    creator: Any

    @property
    def _penalties(self) -> tuple:
        """Losses that are added to the critic's own."""
        return (self.conservative_loss,) if self.conservative else ()

    def alternatives(self, features: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        """Draws other actions [B, M, A] and returns them with the log of their density [B, M]; None and None: all
        discrete actions."""
        raise NotImplementedError

    def conservative_loss(self, batch: Experience) -> torch.Tensor:
        """Pushes down the soft maximum of the values of all actions, and up those of the data's (eq. 4)."""
        critic, features = self.creator.critic, batch.obs
        actions, log_density = self.alternatives(features)
        scores, q = critic(features, actions).float(), critic(features, batch.action).float()
        return self.conservative * conservative_gap(scores, q, log_density)
