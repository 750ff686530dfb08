"""Twin delayed deep deterministic policy gradient (arXiv:1802.09477)."""

import torch

from Agents.DrQV2 import DrQV2


class TD3(DrQV2):
    """Critics learn with a slow, smoothed actor. The actor, and in between all slow copies, move every `target_period`
    updates (algorithm 1).

    target_noise: deviation of the noise that smooths the target (choices: probability of a random one).
    """

    def __init__(self, *args, noise_clip=0.5, target_noise=0.2, target_period=2, **common):
        self.target_noise, self.delay = target_noise, target_period
        super().__init__(*args, noise_clip=noise_clip, target_period=target_period, **common)

    def reinforce(self):
        creator, cast, (critic, actor) = super().reinforce()
        return creator, cast, (critic, actor._replace(period=self.delay))

    @torch.no_grad()
    def next_value(self, batch):
        """min Q'(s', pi'(s') + noise) [B]."""
        features = self.slow.encoder(batch.next_obs)
        return self.worth(self.slow.critic, features, self.slow.policy(features, self.target_noise))
