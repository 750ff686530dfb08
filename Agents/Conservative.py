"""Conservative Q-learning (CQL, arXiv:2006.04779): a penalty, by option, on what was never tried."""

from Agents.Losses.Offline import conservative_gap


class Conservative:
    """Critics that learn from others' experience score no action high that nobody took: for agents with `alternatives`.

    conservative: weight of the penalty (alpha of the paper); 0: none.
    """

    @property
    def penalties(self):
        """Names of the losses that come beside the critic's own."""
        return ('conservative_loss',) if self.conservative else ()

    def alternatives(self, features):
        """What might have been done -> actions [B, M, A], and the log of the density with which they were drawn [B, M];
        None and None for all choices that there are."""
        raise NotImplementedError

    def conservative_loss(self, batch):
        """All actions are pushed down, by their soft maximum, and what was done is pushed up (eq. 4)."""
        critic, features = self.creator.critic, batch.obs
        actions, log_density = self.alternatives(features)
        scores, q = critic(features, actions).float(), critic(features, batch.action).float()
        return self.conservative * conservative_gap(scores, q, log_density)
