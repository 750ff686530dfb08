"""Weights at the start."""

from torch import nn


def orthogonal(module, gain=2**0.5):
    """For `apply`: linear and convolutional layers begin orthogonal, without bias (arXiv:1312.6120, DrQ: 2004.13649).

    Signals and gradients then keep their size through rectifiers. With PyTorch's own weights they shrink by half a
    layer, and the small errors of Q-learning drown in the eps of Adam.
    """
    if type(module) in (nn.Linear, nn.Conv2d):  # layers of another kind have weights of their own kind
        nn.init.orthogonal_(module.weight, gain)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def xavier(module):
    """For `apply`: linear layers of deviation (2 / (inputs + outputs))**0.5, as ViT's own code has them, without bias.

    The N(0, 0.02) of others is the same for 5,000 inputs and outputs; here layers are narrow, and signals would fade.
    """
    if type(module) is nn.Linear:
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def truncated(module):
    """For `apply`: linear and convolutional layers of N(0, 0.02) cut at two deviations, as ConvNeXt has them."""
    if type(module) in (nn.Linear, nn.Conv2d):
        nn.init.trunc_normal_(module.weight, 0, 0.02, -0.04, 0.04)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
