"""Advantage actor-critic (arXiv:1602.01783, synchronous), with generalized advantages (arXiv:1506.02438)."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from Agents import Casts
from Agents.Agent import Agent
from Agents.Losses.PolicyGradient import generalized_advantage
from Agents.Losses.TemporalDifference import td_loss
from Agents.Phase import Phase
from Blocks.Architectures.MLP import Readout
from Blocks.Creator import Creator, Heads, UnboundedGaussian, categorical
from Blocks.RunningMoments import RewardScale
from Datasets.Experience import Experience, to
from Support.Classes import resolve


class A2C(Agent):
    """The actor follows the policy gradient, weighted by advantages; the critic learns values of states.

    trace: lambda of the advantages. value_coef, entropy_coef: weights of the critic's loss and of the entropy.
    normalize: advantages of a minibatch to mean 0, deviation 1. epochs: passes over each rollout.
    log_std: of continuous actions at the start; learned, the same in every state.
    normalize_obs: states by their running mean and deviation. normalize_reward: rewards by the running deviation of
        their discounted returns, over `num_envs` environments.
    memory: class of `Blocks.Memories`: LSTM, to act on the whole episode so far. Training and evaluation have hidden
        states of their own, and rollouts are learned from in their order.
    Classification and generation have no rollouts: there a critic judges what is created, as for every agent.
    """

    def __init__(self, *args: Any, trace: float, value_coef: float, entropy_coef: float, normalize: bool, epochs: int,
                 log_std: float, normalize_obs: bool, normalize_reward: bool, num_envs: int, memory: str,
                 **common: Any) -> None:  # fmt: skip
        super().__init__(*args, **common)
        self.trace, self.value_coef, self.entropy_coef = trace, value_coef, entropy_coef
        self.normalize, self.epochs, self.explore_steps = normalize, epochs, 0  # random actions would be off-policy
        self._log_std, self._memory = log_std, memory
        self._normalize_reward, self._num_envs = normalize_reward, num_envs
        self._hidden: dict[str, torch.Tensor] = {}  # hidden states [N, ...] of the memory, 'explored' and 'greedy'
        self._before: torch.Tensor | None = None  # the hidden state before the rollout
        if self.on_policy:
            self.blocks.normalize = normalize_obs
            self.blocks.config['aug'] = None  # probabilities are those of the observations that were acted on

    @property
    def on_policy(self) -> bool:
        return self.domain.name == 'reinforce'

    @property
    def recurrent(self) -> bool:
        """Whether minibatches are whole sequences."""
        return self._memory != 'Forgetful'

    def reinforce(self) -> tuple:
        encoder, spec = self.blocks.encoder(), self.spec
        memory = resolve(f'Blocks.Memories.{self._memory}')(encoder.repr_shape, self.blocks.hidden_dim)
        critic = self.blocks.critic(memory.output_shape, None)
        decide = Heads(spec, categorical, UnboundedGaussian(spec.continuous, self._log_std))
        actor = self.blocks.actor(memory.output_shape, decide.outputs).apply(undecided)
        creator = Creator(encoder, actor, critic, decide)
        creator.memory = memory
        if self._normalize_reward:
            creator.reward_scale = RewardScale(self._num_envs)
        trains = ('encoder', 'memory', 'actor', 'decide', 'critic')
        return creator, Casts.recall, (Phase((self.policy_loss, self.value_loss), trains),)

    def encode(self, creator: Creator, obs: torch.Tensor, explore: bool, first: np.ndarray | None) -> torch.Tensor:
        """Features of the episode so far, as far as the memory keeps it."""
        features = creator.encoder(obs)
        if not self.on_policy:
            return features
        begins = torch.ones(len(obs), dtype=torch.bool) if first is None else torch.as_tensor(first)
        mode = 'explored' if explore else 'greedy'
        hidden = self._hidden.get(mode)
        hidden = None if hidden is None or len(hidden) != len(obs) else hidden
        self._hidden[mode] = creator.memory(features.unsqueeze(1), hidden, begins.to(self.device).unsqueeze(1))[:, 0]
        return self._hidden[mode][:, 0]

    def state(self) -> dict[str, Any]:
        return super().state() | {'carried': self._hidden, 'before': self._before}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self._hidden = {mode: hidden.to(self.device) for mode, hidden in state['carried'].items()}
        self._before = None if state['before'] is None else state['before'].to(self.device)

    def batches(self, replay: Any) -> Iterator[Experience]:
        """Minibatches of the new rollout, in every epoch in another order; of an image task, those of the data set."""
        if not self.on_policy:
            yield from replay.batches()
            return
        rollout = self.appraise(self.receive(replay.collect()))
        for batch in replay.minibatches(rollout, self.epochs, self.recurrent):
            yield batch
            if self._finished():
                return

    def _finished(self) -> bool:
        """Whether the rollout is left before its epochs are over."""
        return False

    def receive(self, rollout: Experience) -> Experience:
        """Moves a new rollout [N, T] to the device, counts it in the running moments and scales its rewards by them."""
        if self.recurrent:
            rollout, self._before = rollout._replace(carry=self._before), self._hidden.get('explored')
        rollout = to(self.device, rollout)
        if self.blocks.normalize:
            self.creator.encoder.update(rollout.obs.flatten(0, 1))
        if self._normalize_reward:
            scaled = self.creator.reward_scale(rollout.reward, rollout.discount, rollout.last)
            rollout = rollout._replace(reward=scaled)
        return rollout

    @torch.no_grad()
    def appraise(self, rollout: Experience) -> Experience:
        """Adds advantages, returns and log-probabilities of its actions to a rollout [N, T], by the acting creator."""
        self.creator.eval()
        reward, discount, last = rollout.reward, rollout.discount, rollout.last
        with self.precision.autocast(self.device):
            features = self._features(rollout.obs.flatten(0, 1)).unflatten(0, reward.shape)
            states = self.creator.memory(features, rollout.carry, rollout.first)  # [N, T, S, ...]
            value = self.value(states[:, :, 0].flatten(0, 1)).view_as(reward)
            edge = last.clone()
            edge[:, -1] = True  # elsewhere the next observation is that of the next step
            after = self._features(rollout.next_obs[edge]).unsqueeze(1)
            after = self.creator.memory(after, states[edge], torch.zeros_like(edge[edge]).unsqueeze(1))[:, 0, 0]
            next_value = torch.cat([value[:, 1:], value[:, :1]], 1)
            next_value[edge] = self.value(after)
            advantage = generalized_advantage(reward, discount, value, next_value, last, self.trace)
            policy = self.creator.policy(states[:, :, 0].flatten(0, 1))
            log_prob = policy.log_prob(rollout.action.flatten(0, 1)).view_as(reward)
        self._train_mode()
        return rollout._replace(advantage=advantage, returns=advantage + value, log_prob=log_prob)

    def _features(self, obs: torch.Tensor) -> torch.Tensor:
        """Features of observations [B, ...], in parts that fit the caches."""
        return torch.cat([self.creator.encoder(part) for part in obs.split(256)])

    def value(self, features: torch.Tensor) -> torch.Tensor:
        """Values [B] of remembered features [B, ...]."""
        return self.creator.critic(features).float().amin(0)

    def _advantage(self, batch: Experience) -> torch.Tensor:
        if not self.normalize:
            return batch.advantage
        return (batch.advantage - batch.advantage.mean()) / (batch.advantage.std(correction=0) + 1e-8)

    def policy_loss(self, batch: Experience) -> torch.Tensor:
        """Minus the policy's objective and its entropy."""
        policy = self.creator.policy(batch.obs)
        entropy = policy.entropy().mean()
        self.logs['entropy'] = entropy.detach()
        objective = self.objective(policy.log_prob(batch.action), batch.log_prob, self._advantage(batch))
        return -objective.mean() - self.entropy_coef * entropy

    def objective(self, log_prob: torch.Tensor, old_log_prob: torch.Tensor, advantage: torch.Tensor) -> torch.Tensor:
        """The objective [B] that the policy maximizes; all arguments [B]."""
        return log_prob * advantage

    def value_loss(self, batch: Experience) -> torch.Tensor:
        """Squared error of the critic's values to the returns."""
        value = self.creator.critic(batch.obs).float()
        return self.value_coef * td_loss(value, batch.returns)[0]


def undecided(module: nn.Module) -> None:
    """For `apply`: the actor starts with nearly equal odds for all actions (arXiv:2006.05990, section 3.2)."""
    if isinstance(module, Readout):
        nn.init.orthogonal_(module.weight, 0.01)
