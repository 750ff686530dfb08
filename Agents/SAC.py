"""Soft actor-critic (arXiv:1801.01290), temperature learned (arXiv:1812.05905); discrete actions (arXiv:1910.07207)."""

import math

import torch
from torch import nn

from Agents import Casts
from Agents.Agent import Agent, Phase
from Agents.Conservative import Conservative
from Blocks.Actors import Proposals
from Blocks.Creator import Creator, Heads, propose, squash
from Support.Errors import UserError


class Temperature(nn.Module):
    """What a nat of entropy is worth, in units of reward; positive."""

    def __init__(self, initial):
        super().__init__()
        if not isinstance(initial, (int, float)) or initial <= 0:
            raise UserError(f"SAC learns its temperature from a number above 0, not '{initial}': agent.temperature=0.1")
        self.log = nn.Parameter(torch.tensor(math.log(initial)))

    def forward(self):
        return self.log.exp()


class SAC(Conservative, Agent):
    """Critics learn r + discount * (min Q'(s', a') - temperature * log pi(a'|s')); the actor climbs the same.

    temperature: at the start. target_entropy: in nats; None: -A for A continuous actions (section 5 of the second
    paper), and 0.5 log A for a choice among A (that paper's 0.98 log A leaves hardly anything to choose).
    Predictions and images are no matter of entropy: classification and generation go without temperature.
    conservative: weight of the penalty on what was never tried (`Agents.Conservative`), for offline learning. It sees
    all choices; of vectors `num_proposals` at random and as many of the actor's.
    """

    def __init__(self, *args, num_critics=2, temperature=1.0, target_entropy=None, conservative=0.0, num_proposals=10,
                 **common):  # fmt: skip
        self.temperature, self.target_entropy = temperature, target_entropy
        self.conservative, self.num_proposals = conservative, num_proposals
        super().__init__(*args, num_critics=num_critics, **common)

    def reinforce(self):
        encoder, spec = self.build_encoder(), self.spec
        critic = self.build_critic(encoder.repr_shape, spec.action_shape, spec.num_actions)
        decide = Heads(spec, propose, squash, width=2)
        creator = Creator(encoder, self.build_actor(encoder.repr_shape, decide.outputs), critic, decide)
        creator.temperature = Temperature(self.temperature)
        if self.target_entropy is None:
            self.target_entropy = 0.5 * sum(map(math.log, spec.choices)) - spec.continuous
        phases = (
            Phase(('critic_loss', *self.penalties), ('encoder', 'critic')),
            Phase(('soft_actor_loss',), ('actor',)),
            Phase(('temperature_loss',), ('temperature',)),
        )
        return creator, Casts.observe, phases

    @torch.no_grad()
    def alternatives(self, features):
        if self.spec.num_actions:
            return None, None
        random = Proposals(self.num_proposals, self.spec.action_shape, self.spec.one_hots)
        policy = self.creator.policy(features.repeat_interleave(self.num_proposals, 0))
        own = policy.rsample()  # [B * M, A]
        log_prob = policy.log_prob(own).view(len(features), -1)  # [B, M]
        actions = torch.cat([random(features), own.view(*log_prob.shape, -1)], 1)  # [B, 2M, A]
        return actions, torch.cat([torch.full_like(log_prob, random.log_density), log_prob], 1)

    def soft_worth(self, critic, features, policy):
        """[B]: E[min Q - temperature * log pi]; with the actor's own sample both come at once."""
        price = self.creator.temperature().detach()
        return policy.expect(lambda action: critic(features, action).float().amin(0) - price * policy.log_prob(action))

    @torch.no_grad()
    def next_value(self, batch):
        """min Q'(s', a') - temperature * log pi(a'|s') [B] (eq. 3)."""
        features = self.creator.encoder(batch.next_obs)
        return self.soft_worth(self.slow.critic, features, self.creator.policy(features))

    def soft_actor_loss(self, batch):
        """Eq. 7."""
        features = batch.obs.detach()
        policy = self.creator.policy(features)
        worth = self.soft_worth(self.creator.critic, features, policy)
        self.logs['entropy'] = policy.entropy().detach().mean()
        return -worth.mean()

    def temperature_loss(self, batch):
        """The temperature rises while the entropy is below its target (eq. 18, over log temperature)."""
        temperature = self.creator.temperature()
        self.logs['temperature'] = temperature.detach()
        return self.creator.temperature.log * (self.logs['entropy'] - self.target_entropy)
