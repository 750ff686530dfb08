"""The creator: the policy made of an actor that proposes and a critic that scores."""

from functools import partial

import torch
from torch import nn

from Blocks.Distributions import Categorical, EpsilonGreedy, Gaussian, Joint, OneHot, Prediction, SquashedGaussian


class Creator(nn.Module):
    """Observations -> features -> policy. `decide(creator, features, noise)` makes it: `choose` or `weigh` of what the
    critic scores, `predict`, `paint` or `Heads` of what the actor gives."""

    def __init__(self, encoder, actor, critic, decide):
        super().__init__()
        self.encoder, self.actor, self.critic, self.decide = encoder, actor, critic, decide

    def policy(self, features, noise=0.0):
        """`noise`: probability or deviation of exploration, as the policy has it."""
        return self.decide(self, features, noise)

    def forward(self, obs, noise=0.0):
        return self.policy(self.encoder(obs), noise)


def choose(creator, features, noise):
    """The critic's best of the discrete actions, or of those that the actor proposes; with probability `noise` any."""
    q, proposals = scored(creator, features)
    return EpsilonGreedy(q, noise, proposals)


def weigh(creator, features, noise):
    """As `choose`, but in proportion to exp(q / noise) (Boltzmann exploration)."""
    q, proposals = scored(creator, features)
    return Categorical(q / max(noise, 1e-8), actions=proposals)


def scored(creator, features):
    """What the least of the critics gives all choices [B, A], and the choices [B, A, ...] if indices are none."""
    proposals = None if creator.actor is None else creator.actor(features)
    return creator.critic(features, proposals).float().amin(0), proposals


def predict(creator, features, noise):
    """The actor's logits are the prediction."""
    return Prediction(creator.actor(features).float(), noise)


def paint(creator, features, noise):
    """The actor's output is the image, in [-1, 1]."""
    return Gaussian(creator.actor(features).float(), noise, -1.0, 1.0)


class Heads(nn.Module):
    """The actor's outputs decide, each head of an action over its share of them: `(outputs [B, ..], noise) -> policy`.

    `steering` (`steer`, `squash`, `Normal`) decides over all continuous entries at once, which take `width` outputs
    each; `choice` (`pick`, `propose`) over every choice. `outputs` is the shape that the actor is to have.
    """

    def __init__(self, spec, choice, steering, width=1):
        super().__init__()
        self.choice = partial(choice, kind=OneHot if spec.one_hots else Categorical)
        self.steering = steering if spec.continuous else None
        self.sizes = [size for size in (spec.continuous, *spec.choices) if size]
        self.widths = (width * spec.continuous, *spec.choices)
        self.outputs = (sum(self.widths),)

    def forward(self, creator, features, noise):
        steered, *choices = creator.actor(features).float().split(self.widths, -1)
        policies = [self.steering(steered, noise)] if self.steering else []
        policies += [self.choice(logits, noise) for logits in choices]
        return policies[0] if len(policies) == 1 else Joint(policies, self.sizes)


def steer(outputs, noise, clip=None):
    """An action in [-1, 1] with truncated noise (DrQ-v2, arXiv:2107.09645); in learning cut at +-clip."""
    return Gaussian(outputs.tanh(), noise, -1.0, 1.0, clip)


def squash(outputs, noise, low=-5.0, high=2.0):
    """A tanh-normal, of mean and log deviation in low..high, two outputs each; it explores by itself (SAC)."""
    mean, log_std = outputs.chunk(2, -1)
    return SquashedGaussian(mean, (low + (high - low) * (log_std.tanh() + 1) / 2).exp())


class Normal(nn.Module):
    """The mean, and a deviation that is learned but the same in every state (TRPO, arXiv:1502.05477).

    Unbounded: environments cut actions to [-1, 1]."""

    def __init__(self, size, log_std=0.0):
        super().__init__()
        self.log_std = nn.Parameter(torch.full((size,), float(log_std)))

    def forward(self, outputs, noise):
        return Gaussian(outputs, self.log_std.exp())


def pick(outputs, noise, kind=Categorical):
    """The likeliest of discrete actions, or with probability `noise` any."""
    return kind(outputs, noise)


def propose(outputs, noise, kind=Categorical):
    """Discrete actions by their odds, which explore by themselves."""
    return kind(outputs)
