"""Loops written for one algorithm each, over the networks of this program's agents: the upper bound of its speed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from Agents.Agent import Agent
    from Agents.SAC import SAC
    from Datasets.Experience import Experience

Update = Callable[[], None]


def adam(modules: Iterable[nn.Module], args: DictConfig) -> tuple[torch.optim.Optimizer, list[nn.Parameter]]:
    """Returns a fused AdamW with the config's settings, and its parameters."""
    parameters = [parameter for module in modules for parameter in module.parameters()]
    eps = args.agent.optimizer.get('eps', 1e-8)
    return torch.optim.AdamW(parameters, args.lr, eps=eps, weight_decay=0.0, fused=True), parameters


def step(
    loss: torch.Tensor, optimizer: torch.optim.Optimizer, parameters: list[nn.Parameter], clip: float | None = None
) -> None:
    """Computes gradients, clips them and makes an optimizer step."""
    loss.backward(inputs=parameters)
    if clip:
        nn.utils.clip_grad_norm_(parameters, clip)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def follow(target: nn.Module, online: nn.Module, rate: float) -> None:
    """Moves the weights of `target` towards those of `online`."""
    with torch.no_grad():
        torch._foreach_lerp_(list(target.parameters()), list(online.parameters()), rate)


def dqn(agent: Agent, args: DictConfig, batch: Experience) -> Update:
    """DQN (arXiv:1312.5602) with a fixed target network."""
    online, target = agent.creator, agent.target_creator
    optimizer, parameters = adam([online.encoder, online.critic], args)

    def update() -> None:
        with agent.precision.autocast(agent.device):
            with torch.no_grad():
                value = target.critic(target.encoder(batch.next_obs)).float().amin(0).amax(1)  # [B]
                goal = batch.reward + batch.discount * value
            q = online.critic(online.encoder(batch.obs), batch.action).float()
            loss = F.smooth_l1_loss(q, goal.expand_as(q))
        step(loss, optimizer, parameters, args.agent.clip_grad_norm)

    return update


def ppo(agent: Agent, args: DictConfig, batch: Experience) -> Update:
    """PPO (arXiv:1707.06347) with clipped values and a shared network."""
    creator, settings = agent.creator, args.agent
    optimizer, parameters = adam([creator.encoder, creator.actor, creator.critic], args)
    batch = type(batch)(*(None if field is None else field.squeeze(1) for field in batch))

    def update() -> None:
        with agent.precision.autocast(agent.device):
            features = creator.encoder(batch.obs)
            log_probs = creator.actor(features).float().log_softmax(-1)  # [B, A]
            value = creator.critic(features).float()[0]
            ratio = (log_probs.gather(1, batch.action.unsqueeze(1)).squeeze(1) - batch.log_prob).exp()
            advantage = (batch.advantage - batch.advantage.mean()) / (batch.advantage.std(correction=0) + 1e-8)
            gain = torch.minimum(ratio * advantage, ratio.clamp(1 - settings.clip, 1 + settings.clip) * advantage)
            entropy = -(log_probs.exp() * log_probs).sum(1).mean()
            old = batch.returns - batch.advantage
            clipped = old + (value - old).clamp(-settings.clip_value, settings.clip_value)
            error = ((value - batch.returns) ** 2).maximum((clipped - batch.returns) ** 2).mean()
            loss = settings.value_coef * error - gain.mean() - settings.entropy_coef * entropy
        step(loss, optimizer, parameters, settings.clip_grad_norm)

    return update


def squashed(outputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns a sample of a tanh-normal and its log-probability [B]. Bounds of the deviation are this program's."""
    mean, log_std = outputs.chunk(2, -1)
    log_std = 3.5 * log_std.tanh() - 1.5
    noise = torch.randn_like(mean)
    before = mean + noise * log_std.exp()
    density = -(noise**2) / 2 - log_std - math.log(2 * math.pi) / 2
    return before.tanh(), (density - 2 * (math.log(2) - before - F.softplus(-2 * before))).sum(1)


def sac(agent: SAC, args: DictConfig, batch: Experience) -> Update:
    """SAC (arXiv:1812.05905)."""
    creator, target = agent.creator, agent.target_creator.critic
    critic, actor, log_temperature = creator.critic, creator.actor, creator.temperature.log
    learners = [adam([module], args) for module in (critic, actor, creator.temperature)]

    def update() -> None:
        temperature = log_temperature.detach().exp()
        with torch.no_grad():
            action, log_prob = squashed(actor(batch.next_obs))
            value = target(batch.next_obs, action).amin(0) - temperature * log_prob
            goal = batch.reward + batch.discount * value
        q = critic(batch.obs, batch.action)
        step(F.mse_loss(q, goal.expand_as(q)), *learners[0])
        action, log_prob = squashed(actor(batch.obs))
        step((temperature * log_prob - critic(batch.obs, action).amin(0)).mean(), *learners[1])
        step(log_temperature * (-log_prob.detach().mean() - agent.target_entropy), *learners[2])
        follow(target, critic, args.agent.target_tau)

    return update


def drqv2(agent: Agent, args: DictConfig, batch: Experience) -> Update:
    """DrQ-v2 (arXiv:2107.09645)."""
    encoder, actor, critic = agent.creator.encoder, agent.creator.actor, agent.creator.critic
    target = agent.target_creator.critic
    judges, actors = adam([encoder, critic], args), adam([actor], args)

    def act(features: torch.Tensor) -> torch.Tensor:
        mean = actor(features).float().tanh()
        noise = torch.randn_like(mean).clamp(-0.3, 0.3)  # the deviation is 1 at first
        return mean + ((mean + noise).clamp(-1 + 1e-6, 1 - 1e-6) - mean).detach()

    def update() -> None:
        with agent.precision.autocast(agent.device):
            with torch.no_grad():
                after = encoder(agent.aug(batch.next_obs))
                goal = batch.reward + batch.discount * target(after, act(after)).float().amin(0)
            features = encoder(agent.aug(batch.obs))
            q = critic(features, batch.action).float()
            loss = F.mse_loss(q, goal.expand_as(q))
        step(loss, *judges)
        with agent.precision.autocast(agent.device):
            features = features.detach()
            loss = -critic(features, act(features)).float().amin(0).mean()
        step(loss, *actors)
        follow(target, critic, args.agent.target_tau)

    return update
