"""TD3+BC, a minimalist approach to offline reinforcement learning (arXiv:2106.06860)."""

from Agents import Casts
from Agents.TD3 import TD3


class TD3BC(TD3):
    """TD3 whose actor also imitates what was done, so that it leaves it only for what its critics know to be better.

    alpha: weight of the critics' judgement, which is taken in units of its own size. normalize_obs: states by the mean
    and deviation of the data, as far as the batches have shown them (section 5).
    """

    def __init__(self, *args, alpha=2.5, normalize_obs=True, **common):
        self.alpha, self.normalize_obs = alpha, normalize_obs
        super().__init__(*args, **common)

    def build_encoder(self):
        return super().build_encoder(normalize=self.normalize_obs)

    def reinforce(self):
        creator, _, (critic, actor) = super().reinforce()
        return creator, Casts.observe_counted, (critic, actor._replace(losses=('faithful_actor_loss',)))

    def faithful_actor_loss(self, batch):
        """-alpha Q(s, pi(s)) / mean |Q| + (pi(s) - a)^2 (section 5; of choices -log pi(a|s), not the square)."""
        features = batch.obs.detach()
        policy = self.creator.policy(features, self.noise)
        q = self.worth(self.creator.critic, features, policy)
        distance = policy.distance(batch.action).mean()
        self.logs['distance'] = distance.detach()
        return distance - self.alpha * q.mean() / q.detach().abs().mean()
