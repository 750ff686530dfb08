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
