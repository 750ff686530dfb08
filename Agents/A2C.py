"""Advantage actor-critic (arXiv:1602.01783, synchronous), with generalised advantages (arXiv:1506.02438)."""

import torch
from torch import nn

from Agents import Casts
from Agents.Agent import Agent, Phase
from Agents.Losses.PolicyGradient import generalized_advantage
from Agents.Losses.TemporalDifference import td_loss
from Blocks.Architectures import Null
from Blocks.Architectures.MLP import Readout
from Blocks.Creator import Creator, Heads, Normal, propose
from Blocks.RunningMoments import RewardScale
from Datasets.Experience import to
from Support.Classes import resolve


class A2C(Agent):
    """The actor makes likelier what came out better than its critic expected; the critic scores states.

    trace: lambda of the advantages. value_coef, entropy_coef: weights of the critic's loss and of the entropy.
    normalize: advantages of a minibatch to mean 0, deviation 1. epochs: how often each rollout is learned from.
    log_std: of continuous actions at the start; learned, the same in every state.
    normalize_obs: states by their running mean and deviation. normalize_reward: rewards by the running deviation of
    their returns, of `num_envs` environments. memory: of `Blocks.Memories`: LSTM, to act on the whole episode so far.
    Its state is kept apart for training and evaluation, and rollouts are then learned from in their order.
    Classification and generation have no rollouts, so critics there judge what is created, as every agent's do.
    """

    def __init__(self, *args, trace=1.0, value_coef=0.5, entropy_coef=0.01, normalize=False, epochs=1, log_std=0.0,
                 normalize_obs=False, normalize_reward=False, num_envs=1, memory='Forgetful', **common):  # fmt: skip
        self.trace, self.value_coef, self.entropy_coef = trace, value_coef, entropy_coef
        self.normalize, self.epochs, self.log_std, self.enough = normalize, epochs, log_std, False
        self.normalize_obs, self.normalize_reward, self.num_envs = normalize_obs, normalize_reward, num_envs
        self.memory, self.recurrent = memory, memory != 'Forgetful'
        self.carried, self.before = {}, None  # what is remembered, 'explored' or 'greedy'; what was before the rollout
        super().__init__(*args, **common)
        self.explore_steps = 0  # a random action would not be its own

    def reinforce(self):
        self.on_policy = True
        self.aug = Null()  # a rollout is learned from as it was seen: else no probability is the one that was acted on
        encoder, spec = self.build_encoder(normalize=self.normalize_obs), self.spec
        memory = resolve(f'Blocks.Memories.{self.memory}')(encoder.repr_shape, self.hidden_dim)
        critic = self.build_critic(memory.output_shape, None)
        decide = Heads(spec, propose, Normal(spec.continuous, self.log_std))
        actor = self.build_actor(memory.output_shape, decide.outputs).apply(undecided)
        creator = Creator(encoder, actor, critic, decide)
        creator.memory = memory
        if self.normalize_reward:
            creator.reward_scale = RewardScale(self.num_envs)
        trains = ('encoder', 'memory', 'actor', 'decide', 'critic')
        return creator, Casts.recall, (Phase(('policy_loss', 'value_loss'), trains),)

    def see(self, creator, obs, explore, first):
        """Features of the whole episode so far, as far as it is remembered."""
        features = creator.encoder(obs)
        if self.domain != 'reinforce':
            return features
        first = torch.ones(len(obs), dtype=bool) if first is None else torch.as_tensor(first)
        mode = 'explored' if explore else 'greedy'
        carry = self.carried.get(mode)
        carry = None if carry is None or len(carry) != len(obs) else carry
        self.carried[mode] = creator.memory(features.unsqueeze(1), carry, first.to(self.device).unsqueeze(1))[:, 0]
        return self.carried[mode][:, 0]

    def state(self):
        return super().state() | {'carried': self.carried, 'before': self.before}

    def restore(self, state):
        super().restore(state)
        self.carried = {mode: carry.to(self.device) for mode, carry in state['carried'].items()}
        self.before = None if state['before'] is None else state['before'].to(self.device)

    def receive(self, rollout):
        """A new rollout [N, T] on the device: counted in the running moments, its rewards scaled by them."""
        if self.recurrent:
            rollout, self.before = rollout._replace(carry=self.before), self.carried.get('explored')
        rollout = to(self.device, rollout)
        if self.normalize_obs:
            self.creator.encoder.update(rollout.obs.flatten(0, 1))
        if self.normalize_reward:
            scaled = self.creator.reward_scale(rollout.reward, rollout.discount, rollout.last)
            rollout = rollout._replace(reward=scaled)
        return rollout

    @torch.no_grad()
    def appraise(self, rollout):
        """The rollout [N, T] with advantages, returns, and the log-probabilities of its actions, by the creator that
        acted."""
        self.creator.eval()
        reward, discount, last = rollout.reward, rollout.discount, rollout.last
        with self.autocast():
            features = self.encode(rollout.obs.flatten(0, 1)).unflatten(0, reward.shape)
            states = self.creator.memory(features, rollout.carry, rollout.first)  # [N, T, S, ...]
            value = self.value(states[:, :, 0].flatten(0, 1)).view_as(reward)
            edge = last.clone()
            edge[:, -1] = True  # elsewhere what follows is the next step's own
            after = self.encode(rollout.next_obs[edge]).unsqueeze(1)
            after = self.creator.memory(after, states[edge], torch.zeros_like(edge[edge]).unsqueeze(1))[:, 0, 0]
            next_value = torch.cat([value[:, 1:], value[:, :1]], 1)
            next_value[edge] = self.value(after)
            advantage = generalized_advantage(reward, discount, value, next_value, last, self.trace)
            policy = self.creator.policy(states[:, :, 0].flatten(0, 1))
            log_prob = policy.log_prob(rollout.action.flatten(0, 1)).view_as(reward)
        self.prepare()
        return rollout._replace(advantage=advantage, returns=advantage + value, log_prob=log_prob)

    def encode(self, obs):
        """Features of observations [B, ...], in parts that fit the caches."""
        return torch.cat([self.creator.encoder(part) for part in obs.split(256)])

    def value(self, features):
        """[B], of what is remembered."""
        return self.creator.critic(features).float().amin(0)

    def advantage(self, batch):
        """[B]"""
        if not self.normalize:
            return batch.advantage
        return (batch.advantage - batch.advantage.mean()) / (batch.advantage.std(correction=0) + 1e-8)

    def policy_loss(self, batch):
        """The policy gradient, and a little entropy."""
        policy = self.creator.policy(batch.obs)
        entropy = policy.entropy().mean()
        self.logs['entropy'] = entropy.detach()
        objective = self.objective(policy.log_prob(batch.action), batch.log_prob, self.advantage(batch))
        return -objective.mean() - self.entropy_coef * entropy

    def objective(self, log_prob, old_log_prob, advantage):
        """[B], to be maximised."""
        return log_prob * advantage

    def value_loss(self, batch):
        """The critic learns the returns."""
        value = self.creator.critic(batch.obs).float()
        return self.value_coef * td_loss(value, batch.returns)[0]


def undecided(module):
    """For `apply`: the actor begins with nearly equal odds for all actions (arXiv:2006.05990, section 3.2)."""
    if isinstance(module, Readout):
        nn.init.orthogonal_(module.weight, 0.01)
