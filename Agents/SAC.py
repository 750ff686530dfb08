"""Soft actor-critic (arXiv:1801.01290), temperature learned (arXiv:1812.05905); discrete actions (arXiv:1910.07207)."""

import math
from typing import Any

import torch
from torch import nn

from Agents import Casts
from Agents.Agent import Agent
from Agents.Conservative import Conservative
from Agents.Phase import Phase
from Blocks.Actors import Proposals
from Blocks.Creator import Creator, Heads, categorical, squashed_gaussian
from Datasets.Experience import Experience
from Support.Errors import UserError


class Temperature(nn.Module):
    """A positive learned number: units of reward per nat of entropy."""

    def __init__(self, initial: float) -> None:
        super().__init__()
        if not isinstance(initial, (int, float)) or initial <= 0:
            raise UserError(f"SAC learns its temperature from a number above 0, not '{initial}': agent.temperature=0.1")
        self.log = nn.Parameter(torch.tensor(math.log(initial)))

    def forward(self) -> torch.Tensor:
        return self.log.exp()


class SAC(Conservative, Agent):
    """Critics learn r + discount * (min Q'(s', a') - temperature * log pi(a'|s')); the actor climbs the same.

    temperature: at the start. target_entropy: in nats; None: -A for A continuous actions (section 5 of the second
        paper), and 0.5 log A for A discrete ones (the third paper's 0.98 log A leaves hardly anything to choose).
    conservative: weight of the penalty of `Agents.Conservative`, for offline learning. Of vector actions it takes
        `num_proposals` random ones and as many of the actor's.
    Classification and generation go without temperature.
    """

    def __init__(self, *args: Any, temperature: float, target_entropy: float | None, conservative: float,
                 num_proposals: int, **common: Any) -> None:  # fmt: skip
        super().__init__(*args, **common)
        if target_entropy is None:
            target_entropy = 0.5 * sum(map(math.log, self.spec.choices)) - self.spec.continuous
        self.temperature, self.target_entropy = temperature, target_entropy
        self.conservative, self.num_proposals = conservative, num_proposals

    def reinforce(self) -> tuple:
        encoder, spec = self.blocks.encoder(), self.spec
        critic = self.blocks.critic(encoder.repr_shape, spec.action_shape, spec.num_actions)
        decide = Heads(spec, categorical, squashed_gaussian, width=2)
        creator = Creator(encoder, self.blocks.actor(encoder.repr_shape, decide.outputs), critic, decide)
        creator.temperature = Temperature(self.temperature)
        phases = (
            Phase((self.critic_loss, *self._penalties), ('encoder', 'critic')),
            Phase((self.soft_actor_loss,), ('actor',)),
            Phase((self.temperature_loss,), ('temperature',)),
        )
        return creator, Casts.observe, phases

    @torch.no_grad()
    def alternatives(self, features: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        if self.spec.num_actions:
            return None, None
        random = Proposals(self.num_proposals, self.spec.action_shape, self.spec.one_hots)
        policy = self.creator.policy(features.repeat_interleave(self.num_proposals, 0))
        own = policy.rsample()  # [B * M, A]
        log_prob = policy.log_prob(own).view(len(features), -1)  # [B, M]
        actions = torch.cat([random(features), own.view(*log_prob.shape, -1)], 1)  # [B, 2M, A]
        return actions, torch.cat([torch.full_like(log_prob, random.log_density), log_prob], 1)

    def soft_value(self, critic: nn.Module, features: torch.Tensor, policy: Any) -> torch.Tensor:
        """E[min Q - temperature * log pi] [B]. One sample of the actor serves both terms."""
        price = self.creator.temperature().detach()
        return policy.expect(lambda action: critic(features, action).float().amin(0) - price * policy.log_prob(action))

    @torch.no_grad()
    def next_value(self, batch: Experience) -> torch.Tensor:
        """min Q'(s', a') - temperature * log pi(a'|s') [B] (eq. 3)."""
        features = self.creator.encoder(batch.next_obs)
        return self.soft_value(self.target_creator.critic, features, self.creator.policy(features))

    def soft_actor_loss(self, batch: Experience) -> torch.Tensor:
        """Minus the soft value of the policy (eq. 7)."""
        features = batch.obs.detach()
        policy = self.creator.policy(features)
        value = self.soft_value(self.creator.critic, features, policy)
        self.entropy = self.logs['entropy'] = policy.entropy().detach().mean()
        return -value.mean()

    def temperature_loss(self, batch: Experience) -> torch.Tensor:
        """The temperature rises while the actor's entropy is below its target (eq. 18, over log temperature)."""
        temperature = self.creator.temperature()
        self.logs['temperature'] = temperature.detach()
        return self.creator.temperature.log * (self.entropy - self.target_entropy)
