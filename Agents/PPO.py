"""Proximal policy optimisation (arXiv:1707.06347)."""

from Agents.A2C import A2C
from Agents.Losses.PolicyGradient import approximate_kl, clipped_ratio


class PPO(A2C):
    """Learns several epochs from a rollout, but no further than the ratio of new to old probabilities allows.

    clip: how far a ratio may leave 1. clip_value: how far values may leave the old ones; None: anywhere.
    target_kl: a rollout is done with when the policy has moved by so much; None: never before its epochs are over.
    """

    def __init__(
        self, *args, clip=0.2, clip_value=None, target_kl=None, trace=0.95, normalize=True, epochs=4, **common
    ):
        self.clip, self.clip_value, self.target_kl = clip, clip_value, target_kl
        super().__init__(*args, trace=trace, normalize=normalize, epochs=epochs, **common)

    def objective(self, log_prob, old_log_prob, advantage):
        self.logs['kl'] = approximate_kl(log_prob.detach(), old_log_prob)
        self.enough = self.target_kl is not None and bool(self.logs['kl'] > self.target_kl)
        return clipped_ratio(log_prob, old_log_prob, advantage, self.clip)

    def value_loss(self, batch):
        """The larger of the errors with and without the clipped value (the paper's own code)."""
        if self.clip_value is None:
            return super().value_loss(batch)
        old, value = batch.returns - batch.advantage, self.creator.critic(batch.obs).float()
        clipped = old + (value - old).clamp(-self.clip_value, self.clip_value)
        error = ((value - batch.returns) ** 2).maximum((clipped - batch.returns) ** 2)
        return self.value_coef * error.mean()
