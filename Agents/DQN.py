"""Deep Q-learning (doi:10.1038/nature14236) and, by option, the parts of Rainbow (arXiv:1710.02298)."""

import torch

from Agents import Casts
from Agents.Agent import Agent, Phase
from Agents.Conservative import Conservative
from Agents.Losses.Distributional import cross_entropy, project
from Blocks.Actors import Proposals
from Blocks.Architectures.Noisy import NoisyLinear
from Blocks.Creator import Creator, choose, scored, weigh


class DQN(Conservative, Agent):
    """A critic that learns r + discount * Q'(s', argmax Q(s', .)); to act is to choose what it scores best.

    Vectors, of continuous actions or of several choices: the best of `num_proposals` random ones, for acting and in the
    target alike (as QT-Opt, arXiv:1806.10293, without its refinement).

    epsilon: probability of a random action, a schedule over agent steps. temperature: instead, choose in proportion to
    exp(Q / temperature), a schedule too. double: the online critic chooses the next action, the target critic scores it
    (arXiv:1509.06461). dueling: arXiv:1511.06581. atoms, support: learn the distribution of Q (arXiv:1707.06887).
    Errors are clipped at 1 (huber), as in the paper. Noisy networks are heads: recipes.critic.q_head=Noisy.
    conservative: weight of the penalty on what was never tried (`Agents.Conservative`), for offline learning.
    """

    def __init__(self, *args, epsilon=0.05, temperature=None, double=True, dueling=False, atoms=None,
                 support=(-10.0, 10.0), num_proposals=64, huber=True, conservative=0.0, **common):  # fmt: skip
        self.epsilon, self.temperature, self.double, self.num_proposals = epsilon, temperature, double, num_proposals
        self.dueling, self.atoms, self.support, self.conservative = dueling, atoms, support, conservative
        super().__init__(*args, huber=huber, **common)
        self.noisy = [layer for layer in self.modules() if isinstance(layer, NoisyLinear)]

    def reinforce(self):
        self.exploration = self.epsilon if self.temperature is None else self.temperature
        encoder, spec = self.build_encoder(), self.spec
        critic = self.build_critic(encoder.repr_shape, spec.action_shape, spec.num_actions,
                                   dueling=self.dueling, atoms=self.atoms, support=self.support)  # fmt: skip
        actor = None if spec.num_actions else Proposals(self.num_proposals, spec.action_shape, spec.one_hots)
        creator = Creator(encoder, actor, critic, choose if self.temperature is None else weigh)
        loss = 'distribution_loss' if self.atoms else 'critic_loss'
        return creator, Casts.observe, (Phase((loss, *self.penalties), ('encoder', 'critic')),)

    def alternatives(self, features):
        actor = self.creator.actor
        return (None, None) if actor is None else (actor(features), actor.log_density)

    def act(self, obs, explore=True, first=None):
        for layer in self.noisy:
            layer.explores = explore
        return super().act(obs, explore, first)

    def follow_up(self, batch):
        """Features of s' by the slow encoder, and the action that is best there."""
        features = self.slow.encoder(batch.next_obs)
        separate = self.double and self.target is not None
        return features, (self.creator(batch.next_obs) if separate else self.slow.policy(features)).mode()

    @torch.no_grad()
    def next_value(self, batch):
        """Q'(s', argmax_a Q(s', a)) [B]; unless double, Q = Q' and this is the largest that it scores."""
        if self.double and self.target is not None:
            return self.slow.critic(*self.follow_up(batch)).float().amin(0)
        return scored(self.slow, self.slow.encoder(batch.next_obs))[0].amax(1)

    def distribution_loss(self, batch):
        """The critic learns the distribution of r + discount * Q'(s', argmax Q) (arXiv:1707.06887, algorithm 1)."""
        critic = self.creator.critic
        with torch.no_grad():
            probs = self.slow.critic.scores(*self.follow_up(batch)).float().softmax(-1)  # [E, B, Z]
            moved = batch.reward.unsqueeze(1) + batch.discount.unsqueeze(1) * critic.values  # [B, Z]
            target = project(probs, moved, critic.values)
        logits = critic.scores(batch.obs, batch.action).float()
        self.logs['q'] = (logits.detach().softmax(-1) * critic.values).sum(-1).mean()
        loss, self.logs['td_error'] = cross_entropy(logits, target, batch.weight)
        return loss
