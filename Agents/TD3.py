"""Twin delayed deep deterministic policy gradient (arXiv:1802.09477)."""

from typing import Any

import torch

from Agents.DrQV2 import DrQV2
from Datasets.Experience import Experience


class TD3(DrQV2):
    """Critics learn by a target network whose actor is smoothed by noise. Actor and target network move every
    `target_period` updates (algorithm 1).

    target_noise: deviation of the noise that smooths the target (discrete actions: probability of a random one).
    """

    def __init__(self, *args: Any, target_noise: float, target_period: int, **common: Any) -> None:
        super().__init__(*args, target_period=target_period, **common)
        self.target_noise, self.delay = target_noise, target_period

    def reinforce(self) -> tuple:
        creator, cast, (critic, actor) = super().reinforce()
        return creator, cast, (critic, actor._replace(period=self.delay))

    @torch.no_grad()
    def next_value(self, batch: Experience) -> torch.Tensor:
        """min Q'(s', pi'(s') + noise) [B]."""
        target = self.target_creator
        features = target.encoder(batch.next_obs)
        return self.expected_value(target.critic, features, target.policy(features, self.target_noise))
