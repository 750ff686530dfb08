"""The creator: encoder, actor, critic, and the function that makes a policy of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor, nn

from Blocks.Distributions import (
    Categorical,
    EpsilonGreedy,
    Gaussian,
    Joint,
    OneHot,
    Policy,
    Prediction,
    SquashedGaussian,
)


class Creator(nn.Module):
    """Observations -> features -> policy.

    Args:
        encoder: observations -> features [B, ...].
        actor, critic: None where `decide` does without.
        decide: (creator, features, noise) -> policy. `epsilon_greedy` and `boltzmann` use the critic's scores;
            `predict`, `paint` and `Heads` the actor's outputs.
    """

    encoder: Any
    actor: Any
    critic: Any
    if TYPE_CHECKING:  # agents add parts of their own

        def __getattr__(self, name: str) -> Any: ...

    def __init__(
        self,
        encoder: nn.Module,
        actor: nn.Module | None,
        critic: nn.Module | None,
        decide: Callable[[Creator, Tensor, float], Policy],
    ) -> None:
        super().__init__()
        self.encoder, self.actor, self.critic, self.decide = encoder, actor, critic, decide

    def policy(self, features: Tensor, noise: float = 0.0) -> Policy:
        """Returns the policy at these features.

        Args:
            noise: of exploration: a probability, a temperature or a deviation, depending on `decide`.
        """
        return self.decide(self, features, noise)

    def forward(self, obs: Tensor, noise: float = 0.0) -> Policy:
        return self.policy(self.encoder(obs), noise)


# Policies of a critic


def epsilon_greedy(creator: Creator, features: Tensor, noise: float) -> Policy:
    """Epsilon-greedy over discrete actions, or over the actor's proposals; `noise` is epsilon."""
    q, proposals = action_values(creator, features)
    return EpsilonGreedy(q, noise, proposals)


def boltzmann(creator: Creator, features: Tensor, noise: float) -> Policy:
    """Boltzmann exploration: probabilities proportional to exp(Q / noise); `noise` is the temperature."""
    q, proposals = action_values(creator, features)
    return Categorical(q / max(noise, 1e-8), actions=proposals)


def action_values(creator: Creator, features: Tensor) -> tuple[Tensor, Tensor | None]:
    """Returns the ensemble's minimal Q of all choices [B, A], and the actor's proposals [B, A, ...] or None."""
    proposals = None if creator.actor is None else creator.actor(features)
    return creator.critic(features, proposals).float().amin(0), proposals


# Policies of an actor


def predict(creator: Creator, features: Tensor, noise: float) -> Policy:
    """A prediction with the actor's outputs as logits; `noise` is the deviation of exploration."""
    return Prediction(creator.actor(features).float(), noise)


def paint(creator: Creator, features: Tensor, noise: float) -> Policy:
    """An image in [-1, 1] with the actor's output as mean; `noise` is the deviation of exploration."""
    return Gaussian(creator.actor(features).float(), noise, -1.0, 1.0)


class Actions(Protocol):
    """The description of actions that `Heads` needs, as `Datasets.Experience.Spec` gives it."""

    @property
    def continuous(self) -> int: ...

    @property
    def choices(self) -> Sequence[int]: ...

    @property
    def one_hots(self) -> Sequence[int]: ...


class Heads(nn.Module):
    """A policy of the actor's outputs, split among the continuous entries of an action and each of its choices.

    Args:
        spec: continuous entries, choices, and whether the choices are one-hot vectors.
        choice: (logits [B, A], noise, kind) -> policy of each choice: `epsilon_categorical` or `categorical`.
        steering: (outputs [B, width * entries], noise) -> policy of all continuous entries: `clamped_gaussian`,
            `squashed_gaussian` or an `UnboundedGaussian`.
        width: outputs for each continuous entry.

    Attributes:
        outputs: the output shape that the actor needs.
    """

    def __init__(
        self,
        spec: Actions,
        choice: Callable[..., Policy],
        steering: Callable[[Tensor, float], Policy],
        width: int = 1,
    ) -> None:
        super().__init__()
        self.choice = partial(choice, kind=OneHot if spec.one_hots else Categorical)
        self.steering = steering if spec.continuous else None  # a submodule of this name in checkpoints
        self.sizes = [size for size in (spec.continuous, *spec.choices) if size]
        self.widths = (width * spec.continuous, *spec.choices)
        self.outputs = (sum(self.widths),)

    def forward(self, creator: Creator, features: Tensor, noise: float) -> Policy:
        entries, *choices = creator.actor(features).float().split(self.widths, -1)
        policies = [self.steering(entries, noise)] if self.steering else []
        policies += [self.choice(logits, noise) for logits in choices]
        return policies[0] if len(policies) == 1 else Joint(policies, self.sizes)


def clamped_gaussian(outputs: Tensor, noise: float, clip: float | None = None) -> Policy:
    """A Gaussian around tanh(outputs), clamped to [-1, 1]; `noise` is its deviation (DrQ-v2, arXiv:2107.09645).

    Args:
        clip: where `rsample`, from which the agent learns, clips the noise.
    """
    return Gaussian(outputs.tanh(), noise, -1.0, 1.0, clip)


def squashed_gaussian(outputs: Tensor, noise: float, low: float = -5.0, high: float = 2.0) -> Policy:
    """A squashed Gaussian (SAC) with a learned deviation, so that `noise` is ignored.

    Args:
        outputs: means and log deviations [B, 2 * A]; the latter are mapped to low..high.
    """
    mean, log_std = outputs.chunk(2, -1)
    return SquashedGaussian(mean, (low + (high - low) * (log_std.tanh() + 1) / 2).exp())


class UnboundedGaussian(nn.Module):
    """A Gaussian around the outputs with a learned deviation, the same in every state (TRPO, arXiv:1502.05477).

    Ignores `noise`. Actions are unbounded; environments clip them to [-1, 1].
    """

    def __init__(self, size: int, log_std: float = 0.0) -> None:
        super().__init__()
        self.log_std = nn.Parameter(torch.full((size,), float(log_std)))

    def forward(self, outputs: Tensor, noise: float) -> Policy:
        return Gaussian(outputs, self.log_std.exp())


def epsilon_categorical(outputs: Tensor, noise: float, kind: type[Categorical] = Categorical) -> Policy:
    """A choice by softmax(outputs), or with probability `noise` a uniformly random one."""
    return kind(outputs, noise)


def categorical(outputs: Tensor, noise: float, kind: type[Categorical] = Categorical) -> Policy:
    """A choice by softmax(outputs); ignores `noise`."""
    return kind(outputs)


# The names of earlier versions, which users' own agents import
choose, weigh, scored = epsilon_greedy, boltzmann, action_values
pick, propose, steer, squash, Normal = (
    epsilon_categorical,
    categorical,
    clamped_gaussian,
    squashed_gaussian,
    UnboundedGaussian,
)
