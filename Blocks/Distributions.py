"""Policies. One protocol: sample, rsample (with a gradient to the parameters), mode, log_prob, entropy; batch first."""

import math

import torch
from torch.nn import functional as F


class EpsilonGreedy:
    """Over scores q [B, A]: the best with 1 - epsilon, else any. `actions` [B, A, ...] if an index is no action."""

    def __init__(self, q, epsilon=0.0, actions=None):
        self.q, self.epsilon, self.actions = q, epsilon, actions

    def _action(self, index):
        return index if self.actions is None else self.actions[torch.arange(len(index), device=index.device), index]

    def mode(self):
        return self._action(self.q.argmax(-1))

    def sample(self):
        best, count = self.q.argmax(-1), self.q.shape[-1]
        explores = torch.rand(len(best), device=best.device) < self.epsilon
        return self._action(torch.where(explores, torch.randint_like(best, count), best))

    def rsample(self):
        raise TypeError(
            'The best of several actions has no gradient to the scores: train an agent with an actor instead'
        )

    @property
    def probs(self):
        """[B, A]; where scores tie, the first is the best."""
        count = self.q.shape[-1]
        return self.epsilon / count + (1 - self.epsilon) * F.one_hot(self.q.argmax(-1), count)

    def log_prob(self, index):
        """Of the choice [B] among the A."""
        return self.probs.gather(-1, index.unsqueeze(-1)).squeeze(-1).log()

    def entropy(self):
        return torch.special.entr(self.probs).sum(-1)


class Gaussian:
    """Independent normals around `mean` [B, ...]; what is sampled is kept in [low, high] (None: unbounded).

    The clamp passes the gradient straight through (DrQ-v2's truncated normal, arXiv:2107.09645).
    """

    def __init__(self, mean, std=0.0, low=None, high=None):
        self.mean, self.std, self.low, self.high = mean, std, low, high

    def mode(self):
        return self.mean

    def sample(self):
        return self.rsample().detach()

    def rsample(self):
        x = self.mean + self.std * torch.randn_like(self.mean)
        return x if self.low is None else x + (x.clamp(self.low, self.high) - x).detach()

    def log_prob(self, x):
        """Density before the clamp, summed over all but the batch -> [B]."""
        z = (x - self.mean) / self.std
        return (-0.5 * z**2 - math.log(self.std) - 0.5 * math.log(2 * math.pi)).flatten(1).sum(1)

    def entropy(self):
        size = self.mean[0].numel()
        return torch.full((len(self.mean),), size * (0.5 + 0.5 * math.log(2 * math.pi) + math.log(self.std)))


class Prediction(Gaussian):
    """A prediction: unbounded logits [B, K], explored with Gaussian noise; log_prob is that of a label [B]."""

    def log_prob(self, label):
        return self.mean.log_softmax(-1).gather(-1, label.unsqueeze(-1)).squeeze(-1)

    def entropy(self):
        return torch.special.entr(self.mean.softmax(-1)).sum(-1)
