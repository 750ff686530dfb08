"""The creator: the policy made of an actor that proposes and a critic that scores."""

from torch import nn

from Blocks.Distributions import EpsilonGreedy, Gaussian, Prediction


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
    """The critic chooses: among all discrete actions, or among the continuous ones that the actor proposes."""
    proposals = None if creator.actor is None else creator.actor(features)  # [B, M, A]
    q = creator.critic(features, proposals).float().amin(0)  # [E, B, A] -> [B, A]
    return EpsilonGreedy(q, noise, proposals)


def predict(creator, features, noise):
    """The actor's logits are the prediction."""
    return Prediction(creator.actor(features).float(), noise)


def paint(creator, features, noise):
    """The actor's output is the image, in [-1, 1]."""
    return Gaussian(creator.actor(features).float(), noise, -1.0, 1.0)
