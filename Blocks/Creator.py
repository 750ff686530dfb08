"""The creator: the policy made of an actor that proposes and a critic that scores."""

import torch
from torch import nn

from Blocks.Distributions import Categorical, EpsilonGreedy, Gaussian, Prediction, SquashedGaussian


class Creator(nn.Module):
    """Observations -> features -> policy. `decide(creator, features, noise)` makes it; one of the functions below."""

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


def steer(creator, features, noise, clip=None):
    """The actor's action in [-1, 1] with truncated noise (DrQ-v2, arXiv:2107.09645); in learning cut at +-clip."""
    return Gaussian(creator.actor(features).float().tanh(), noise, -1.0, 1.0, clip)


def squash(creator, features, noise, low=-5.0, high=2.0):
    """The actor's tanh-normal, of mean and log deviation in low..high; it explores by itself (SAC)."""
    mean, log_std = creator.actor(features).float().chunk(2, -1)
    return SquashedGaussian(mean, (low + (high - low) * (log_std.tanh() + 1) / 2).exp())


def pick(creator, features, noise):
    """The actor's choice among discrete actions, or with probability `noise` any."""
    return Categorical(creator.actor(features).float(), noise)


def propose(creator, features, noise):
    """The actor's choice among discrete actions; it explores by itself."""
    return pick(creator, features, 0.0)


class Normal(nn.Module):
    """The actor's mean, and a deviation that is learned but the same in every state (TRPO, arXiv:1502.05477).

    Unbounded: environments cut actions to [-1, 1]."""

    def __init__(self, action_shape, log_std=0.0):
        super().__init__()
        self.log_std = nn.Parameter(torch.full(tuple(action_shape), float(log_std)))

    def forward(self, creator, features, noise):
        return Gaussian(creator.actor(features).float(), self.log_std.exp())


def predict(creator, features, noise):
    """The actor's logits are the prediction."""
    return Prediction(creator.actor(features).float(), noise)


def paint(creator, features, noise):
    """The actor's output is the image, in [-1, 1]."""
    return Gaussian(creator.actor(features).float(), noise, -1.0, 1.0)
