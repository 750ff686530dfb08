"""Deep Q-learning (doi:10.1038/nature14236), double (arXiv:1509.06461) and dueling (arXiv:1511.06581) by option."""

import torch

from Agents import Casts
from Agents.Agent import Agent, Phase
from Blocks.Actors import Proposals
from Blocks.Creator import Creator, choose


class DQN(Agent):
    """A critic that learns r + discount * Q'(s', argmax Q(s', .)); to act is to choose what it scores best.

    Continuous actions: the best of `num_proposals` random ones, for acting and in the target alike (as QT-Opt,
    arXiv:1806.10293, without its refinement).

    epsilon: probability of a random action, a schedule over agent steps. double: the online critic chooses the next
    action, the target critic scores it. Errors are clipped at 1 (huber), as in the paper.
    """

    def __init__(self, *args, epsilon=0.05, double=True, dueling=False, num_proposals=64, huber=True, **common):
        self.epsilon, self.double, self.dueling, self.num_proposals = epsilon, double, dueling, num_proposals
        super().__init__(*args, huber=huber, **common)

    def reinforce(self):
        self.exploration = self.epsilon
        encoder, spec = self.build_encoder(), self.spec
        critic = self.build_critic(encoder.repr_shape, spec.action_shape, spec.num_actions, dueling=self.dueling)
        actor = None if spec.num_actions else Proposals(self.num_proposals, spec.action_shape)
        return Creator(encoder, actor, critic, choose), Casts.observe, (Phase(('critic_loss',), ('encoder', 'critic')),)

    @torch.no_grad()
    def next_value(self, batch):
        """Q'(s', argmax_a Q(s', a)) [B], with Q = Q' unless double."""
        features = self.slow.encoder(batch.next_obs)
        if self.double and self.target is not None:
            return self.slow.critic(features, self.creator(batch.next_obs).mode()).float().amin(0)
        return self.slow.policy(features).logits.amax(-1)
