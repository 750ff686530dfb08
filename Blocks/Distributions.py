"""Policies. One protocol, batch first:

mode()            the greedy action               log_prob(action)   [B]; of None, where choices are discrete: [B, A]
sample()          to act                          entropy()          [B]
rsample()         with a gradient, to learn       expect(score)      [B]: E[score(action)], exact over discrete choices
                                                                     (score(None) is [B, A]), else by one rsample
distance(action)  [B], to imitate: mean squared error of the mode, or -log_prob of a choice
"""

import math
from functools import cached_property

import torch
from torch.nn import functional as F


class Categorical:
    """Choices with probability softmax(logits) [B, A], but any with probability `epsilon`; `mode` is the likeliest.

    `actions` [B, A, ...] if an index is no action.
    """

    def __init__(self, logits, epsilon=0.0, actions=None):
        self.logits, self.epsilon, self.actions = logits, epsilon, actions

    def _action(self, index):
        return index if self.actions is None else self.actions[torch.arange(len(index), device=index.device), index]

    @cached_property
    def log_probs(self):
        """[B, A]"""
        log_probs = self.logits.log_softmax(-1)
        if not self.epsilon:
            return log_probs
        uniform = torch.full_like(log_probs, self.epsilon / log_probs.shape[-1]).log()
        return torch.logaddexp(log_probs + math.log1p(-min(self.epsilon, 1 - 1e-6)), uniform)

    @cached_property
    def probs(self):
        return self.log_probs.exp()

    def mode(self):
        return self._action(self.logits.argmax(-1))

    def sample(self):
        return self._action(torch.multinomial(self.probs, 1).squeeze(-1))

    def rsample(self):
        raise TypeError('A choice has no gradient to what it was chosen by: take `expect`')

    def expect(self, score):
        return (self.probs * score(None)).sum(-1)

    def log_prob(self, index):
        """Of the choice [B] among the A; of None: of all, [B, A]."""
        return self.log_probs if index is None else self.log_probs.gather(-1, index.unsqueeze(-1)).squeeze(-1)

    def distance(self, action):
        return -self.log_prob(action)

    def entropy(self):
        return -(self.probs * self.log_probs).sum(-1)


class OneHot(Categorical):
    """The same with the choice as a vector [B, A] of zeros and a one, so that it can be a part of an action.

    In `rsample` its gradient is that of the probabilities (straight-through, arXiv:1308.3432; DreamerV2,
    arXiv:2010.02193).
    """

    def _action(self, index):
        return F.one_hot(index, self.logits.shape[-1]).to(self.logits.dtype)

    def rsample(self):
        return self.sample() + (self.probs - self.probs.detach())

    def expect(self, score):
        return score(self.rsample())

    def log_prob(self, action):
        """[B]. Linear in the action: of an `rsample` the expected gradient is that of minus the entropy."""
        return (self.log_probs * action).sum(-1)


class EpsilonGreedy(Categorical):
    """Over scores q [B, A]: the best with 1 - epsilon, else any. `actions` [B, A, ...] if an index is no action."""

    def sample(self):
        best, count = self.logits.argmax(-1), self.logits.shape[-1]
        explores = torch.rand(len(best), device=best.device) < self.epsilon
        return self._action(torch.where(explores, torch.randint_like(best, count), best))

    @cached_property
    def probs(self):
        """[B, A]; where scores tie, the first is the best."""
        count = self.logits.shape[-1]
        return self.epsilon / count + (1 - self.epsilon) * F.one_hot(self.logits.argmax(-1), count)

    @cached_property
    def log_probs(self):
        return self.probs.log()

    def entropy(self):
        return torch.special.entr(self.probs).sum(-1)


class Gaussian:
    """Independent normals around `mean` [B, ...] with `std` (a number, or a tensor that broadcasts).

    Samples are kept in [low, high] (None: unbounded); the clamp passes the gradient straight through. For learning,
    `rsample` cuts the noise at +-clip; `sample`, which acts, does not (DrQ-v2, arXiv:2107.09645).
    """

    def __init__(self, mean, std=0.0, low=None, high=None, clip=None):
        self.mean, self.low, self.high, self.clip = mean, low, high, clip
        self.std = std if isinstance(std, torch.Tensor) else torch.tensor(float(std), device=mean.device)

    def _around(self, noise):
        x = self.mean + noise
        return x if self.low is None else x + (x.clamp(self.low, self.high) - x).detach()

    def mode(self):
        return self.mean

    def sample(self):
        return self._around(self.std * torch.randn_like(self.mean)).detach()

    def rsample(self):
        noise = self.std * torch.randn_like(self.mean)
        return self._around(noise if self.clip is None else noise.clamp(-self.clip, self.clip))

    def expect(self, score):
        return score(self.rsample())

    def log_prob(self, x):
        """Density before the clamp, summed over all but the batch -> [B]."""
        z = (x - self.mean) / self.std
        return (-0.5 * z**2 - self.std.log() - 0.5 * math.log(2 * math.pi)).flatten(1).sum(1)

    def distance(self, action):
        return ((self.mode() - action) ** 2).flatten(1).mean(1)

    def entropy(self):
        return (0.5 + 0.5 * math.log(2 * math.pi) + self.std.log()).expand_as(self.mean).flatten(1).sum(1)


class SquashedGaussian(Gaussian):
    """tanh of a normal: actions in (-1, 1) (SAC, arXiv:1801.01290, appendix C). `mean` and `std` are those before."""

    def mode(self):
        return self.mean.tanh()

    def sample(self):
        return self.rsample().detach()

    def rsample(self):
        self.before, self.density = super().rsample(), None
        self.after = self.before.tanh()
        return self.after

    def log_prob(self, action):
        """[B]. Of its own last sample exactly; tanh cannot be inverted near -1 and 1, so others are taken within."""
        if action is not getattr(self, 'after', None):
            return self.log_density(action.clamp(-1 + 1e-6, 1 - 1e-6).atanh())
        if self.density is None:
            self.density = self.log_density(self.before)
        return self.density

    def log_density(self, before):
        """[B], of what is `before` the tanh."""
        slope = 2 * (math.log(2) - before - F.softplus(-2 * before))  # log(1 - tanh(before)^2), stable
        return super().log_prob(before) - slope.flatten(1).sum(1)

    def entropy(self):
        """[B], estimated by its last sample, or a new one: there is no closed form."""
        return -self.log_prob(self.after if hasattr(self, 'after') else self.rsample())


class Prediction(Gaussian):
    """A prediction: unbounded logits [B, K], explored with Gaussian noise; log_prob: of a label [B], or of all."""

    def log_prob(self, label):
        log_probs = self.mean.log_softmax(-1)
        return log_probs if label is None else log_probs.gather(-1, label.unsqueeze(-1)).squeeze(-1)

    def entropy(self):
        return torch.special.entr(self.mean.softmax(-1)).sum(-1)


class Joint:
    """Independent policies, each of its own `sizes` entries of an action [B, A]."""

    def __init__(self, policies, sizes):
        self.policies, self.sizes = policies, sizes

    def mode(self):
        return torch.cat([policy.mode() for policy in self.policies], -1)

    def sample(self):
        return torch.cat([policy.sample() for policy in self.policies], -1)

    def rsample(self):
        self.own = [policy.rsample() for policy in self.policies]
        self.whole = torch.cat(self.own, -1)
        return self.whole

    def expect(self, score):
        return score(self.rsample())

    def log_prob(self, action):
        """[B]. Of its own last sample as exactly as the policies know theirs."""
        entries = self.own if action is getattr(self, 'whole', None) else action.split(self.sizes, -1)
        return sum(policy.log_prob(part) for policy, part in zip(self.policies, entries, strict=True))

    def distance(self, action):
        entries = action.split(self.sizes, -1)
        return sum(policy.distance(part) for policy, part in zip(self.policies, entries, strict=True))

    def entropy(self):
        return sum(policy.entropy() for policy in self.policies)
