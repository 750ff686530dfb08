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


def lecun(module):
    """For `apply`: linear and convolutional layers of N(0, 1 / inputs), without bias: outputs are as large as
    inputs (LeCun et al. 1998, section 4.6). The N(0, 0.02) of large transformers is that for 2,500 inputs."""
    if type(module) in (nn.Linear, nn.Conv2d):
        nn.init.normal_(module.weight, 0, module.weight[0].numel() ** -0.5)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def truncated(module):
    """For `apply`: linear and convolutional layers of N(0, 0.02) cut at two deviations, as ConvNeXt has them."""
    if type(module) in (nn.Linear, nn.Conv2d):
        nn.init.trunc_normal_(module.weight, 0, 0.02, -0.04, 0.04)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
