"""Policies: distributions over actions, choices, labels or images, batch first."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

Score = Callable[[Tensor | None], Tensor]  # actions -> scores [B]; None -> scores of all choices [B, A]


class Policy(Protocol):
    """What every policy of this module can do."""

    def mode(self) -> Tensor:
        """Returns the greedy action."""

    def sample(self) -> Tensor:
        """Draws an action, without a gradient."""

    def rsample(self) -> Tensor:
        """Draws an action with a gradient to the policy's parameters. Raises TypeError where there is none."""

    def log_prob(self, action: Tensor) -> Tensor:
        """Returns the log-probability or log-density [B] of an action; of None, that of all choices [B, A]."""

    def entropy(self) -> Tensor:
        """Returns the entropy [B] in nats."""

    def expect(self, score: Score) -> Tensor:
        """Returns E[score(action)] [B]: exact over discrete choices, else estimated from one `rsample`."""

    def distance(self, action: Tensor) -> Tensor:
        """Returns a loss of imitation [B]: the squared error of the mode, or -log_prob of a choice."""


class Categorical:
    """Choices with probabilities softmax(logits), mixed with `epsilon` of the uniform distribution.

    Args:
        logits: [B, A].
        actions: [B, A, ...], the action of each choice; None if a choice is its index.
    """

    def __init__(self, logits: Tensor, epsilon: float = 0.0, actions: Tensor | None = None) -> None:
        self.logits, self.epsilon, self.actions = logits, epsilon, actions

    def _action(self, index: Tensor) -> Tensor:
        return index if self.actions is None else self.actions[torch.arange(len(index), device=index.device), index]

    @cached_property
    def log_probs(self) -> Tensor:
        """[B, A]"""
        log_probs = self.logits.log_softmax(-1)
        if not self.epsilon:
            return log_probs
        uniform = torch.full_like(log_probs, self.epsilon / log_probs.shape[-1]).log()
        return torch.logaddexp(log_probs + math.log1p(-min(self.epsilon, 1 - 1e-6)), uniform)

    @cached_property
    def probs(self) -> Tensor:
        """[B, A]"""
        return self.log_probs.exp()

    def mode(self) -> Tensor:
        return self._action(self.logits.argmax(-1))

    def sample(self) -> Tensor:
        return self._action(torch.multinomial(self.probs, 1).squeeze(-1))

    def rsample(self) -> Tensor:
        raise TypeError('A discrete choice has no gradient: use `expect`')

    def expect(self, score: Score) -> Tensor:
        return (self.probs * score(None)).sum(-1)

    def log_prob(self, index: Tensor | None) -> Tensor:
        """Returns the log-probability of a choice [B] int64; of None, that of all choices [B, A]."""
        return self.log_probs if index is None else self.log_probs.gather(-1, index.unsqueeze(-1)).squeeze(-1)

    def distance(self, action: Tensor) -> Tensor:
        return -self.log_prob(action)

    def entropy(self) -> Tensor:
        return -(self.probs * self.log_probs).sum(-1)


class OneHot(Categorical):
    """`Categorical` with choices as one-hot vectors [B, A], so that a choice can be part of a larger action.

    The gradient of `rsample` is that of the probabilities (straight-through, arXiv:1308.3432; DreamerV2,
    arXiv:2010.02193).
    """

    def _action(self, index: Tensor) -> Tensor:
        return F.one_hot(index, self.logits.shape[-1]).to(self.logits.dtype)

    def rsample(self) -> Tensor:
        return self.sample() + (self.probs - self.probs.detach())

    def expect(self, score: Score) -> Tensor:
        return score(self.rsample())

    def log_prob(self, action: Tensor) -> Tensor:  # type: ignore[override]  # indices are not its actions
        """[B]. Linear in the action, so that for an `rsample` the expected gradient is that of the negative entropy."""
        return (self.log_probs * action).sum(-1)


class EpsilonGreedy(Categorical):
    """The choice of the largest of scores [B, A] (`logits`), or with probability `epsilon` a uniformly random one."""

    def sample(self) -> Tensor:
        best, count = self.logits.argmax(-1), self.logits.shape[-1]
        explores = torch.rand(len(best), device=best.device) < self.epsilon
        return self._action(torch.where(explores, torch.randint_like(best, count), best))

    @cached_property
    def probs(self) -> Tensor:
        """[B, A]. Among equal scores the first is the largest."""
        count = self.logits.shape[-1]
        return self.epsilon / count + (1 - self.epsilon) * F.one_hot(self.logits.argmax(-1), count)

    @cached_property
    def log_probs(self) -> Tensor:
        """[B, A]"""
        return self.probs.log()

    def entropy(self) -> Tensor:
        return torch.special.entr(self.probs).sum(-1)


class Gaussian:
    """Independent normal distributions.

    Args:
        mean: [B, ...].
        std: a number, or a tensor that broadcasts to `mean`.
        low, high: samples are clamped to [low, high] with a straight-through gradient; None for unbounded ones.
        clip: `rsample` clips the noise at +-clip, `sample` does not (DrQ-v2, arXiv:2107.09645).
    """

    def __init__(
        self,
        mean: Tensor,
        std: float | Tensor = 0.0,
        low: float | None = None,
        high: float | None = None,
        clip: float | None = None,
    ) -> None:
        self.mean, self.low, self.high, self.clip = mean, low, high, clip
        self.std = std if isinstance(std, torch.Tensor) else torch.full((), float(std), device=mean.device)

    def _around(self, noise: Tensor) -> Tensor:
        x = self.mean + noise
        return x if self.low is None else x + (x.clamp(self.low, self.high) - x).detach()

    def mode(self) -> Tensor:
        return self.mean

    def sample(self) -> Tensor:
        return self._around(self.std * torch.randn_like(self.mean)).detach()

    def rsample(self) -> Tensor:
        noise = self.std * torch.randn_like(self.mean)
        return self._around(noise if self.clip is None else noise.clamp(-self.clip, self.clip))

    def expect(self, score: Score) -> Tensor:
        return score(self.rsample())

    def log_prob(self, action: Tensor) -> Tensor:
        """Returns the log-density before the clamp, summed over all but the batch dimension: [B]."""
        z = (action - self.mean) / self.std
        return (-0.5 * z**2 - self.std.log() - 0.5 * math.log(2 * math.pi)).flatten(1).sum(1)

    def distance(self, action: Tensor) -> Tensor:
        return ((self.mode() - action) ** 2).flatten(1).mean(1)

    def entropy(self) -> Tensor:
        return (0.5 + 0.5 * math.log(2 * math.pi) + self.std.log()).expand_as(self.mean).flatten(1).sum(1)


class SquashedGaussian(Gaussian):
    """The tanh of a normal variable: actions in (-1, 1) (SAC, arXiv:1801.01290, appendix C).

    `mean` and `std` are those before the tanh.
    """

    after: Tensor  # the last sample
    before: Tensor  # the same before the tanh
    density: Tensor | None  # its log-density, once it was asked for

    def mode(self) -> Tensor:
        return self.mean.tanh()

    def sample(self) -> Tensor:
        return self.rsample().detach()

    def rsample(self) -> Tensor:
        self.before, self.density = super().rsample(), None
        self.after = self.before.tanh()
        return self.after

    def log_prob(self, action: Tensor) -> Tensor:
        """[B]. Exact for the policy's last sample; other actions are clamped, as tanh has no inverse at -1 and 1."""
        if action is not getattr(self, 'after', None):
            return self.log_density(action.clamp(-1 + 1e-6, 1 - 1e-6).atanh())
        if self.density is None:
            self.density = self.log_density(self.before)
        return self.density

    def log_density(self, before: Tensor) -> Tensor:
        """Returns the log-density [B] of tanh(before)."""
        slope = 2 * (math.log(2) - before - F.softplus(-2 * before))  # log(1 - tanh(before)^2), numerically stable
        return super().log_prob(before) - slope.flatten(1).sum(1)

    def entropy(self) -> Tensor:
        """[B], estimated from the last sample or a new one, as there is no closed form."""
        return -self.log_prob(self.after if hasattr(self, 'after') else self.rsample())


class Prediction(Gaussian):
    """Logits of classes [B, K], explored by Gaussian noise on the logits. `mode` and samples are logits."""

    def log_prob(self, label: Tensor | None) -> Tensor:
        """Returns the log-probability of a label [B] int64; of None, that of all classes [B, K]."""
        log_probs = self.mean.log_softmax(-1)
        return log_probs if label is None else log_probs.gather(-1, label.unsqueeze(-1)).squeeze(-1)

    def entropy(self) -> Tensor:
        """Returns the entropy [B] of the classes."""
        return torch.special.entr(self.mean.softmax(-1)).sum(-1)


class Joint:
    """Independent policies over consecutive entries of an action [B, A].

    Args:
        sizes: number of entries of each policy.
    """

    own: list[Tensor]  # the last sample, policy by policy
    whole: Tensor  # the same, concatenated

    def __init__(self, policies: Sequence[Policy], sizes: Sequence[int]) -> None:
        self.policies, self.sizes = policies, sizes

    def mode(self) -> Tensor:
        return torch.cat([policy.mode() for policy in self.policies], -1)

    def sample(self) -> Tensor:
        return torch.cat([policy.sample() for policy in self.policies], -1)

    def rsample(self) -> Tensor:
        self.own = [policy.rsample() for policy in self.policies]
        self.whole = torch.cat(self.own, -1)
        return self.whole

    def expect(self, score: Score) -> Tensor:
        return score(self.rsample())

    def log_prob(self, action: Tensor) -> Tensor:
        """[B]. For the last sample, each policy gets its own last sample, whose density it may know exactly."""
        entries = self.own if action is getattr(self, 'whole', None) else action.split(self.sizes, -1)
        return sum(policy.log_prob(part) for policy, part in zip(self.policies, entries, strict=True))  # type: ignore[return-value]

    def distance(self, action: Tensor) -> Tensor:
        entries = action.split(self.sizes, -1)
        return sum(policy.distance(part) for policy, part in zip(self.policies, entries, strict=True))  # type: ignore[return-value]

    def entropy(self) -> Tensor:
        return sum(policy.entropy() for policy in self.policies)  # type: ignore[return-value]
