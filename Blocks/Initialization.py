"""Initialization of weights, for `nn.Module.apply`. Each function sets biases to 0."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import Tensor, nn


def initialize(module: nn.Module, draw: Callable[[Tensor], object]) -> None:
    """Draws the weights of a linear or convolutional layer in place and sets its biases to 0."""
    if type(module) is nn.Linear or type(module) is nn.Conv2d:  # subclasses initialize themselves
        draw(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def orthogonal(module: nn.Module, gain: float = 2**0.5) -> None:
    """Draws linear and convolutional weights as orthogonal matrices (arXiv:1312.6120; DrQ, arXiv:2004.13649).

    With the default gain, signals and gradients keep their scale through rectifiers. With PyTorch's defaults they
    halve in each layer, and the small errors of Q-learning vanish beside Adam's eps.
    """
    initialize(module, partial(nn.init.orthogonal_, gain=gain))


def lecun(module: nn.Module) -> None:
    """Draws linear and convolutional weights from N(0, 1 / fan_in) (LeCun et al. 1998, section 4.6).

    Outputs then have the scale of inputs. The N(0, 0.02) of large transformers is the same for a fan-in of 2,500.
    """
    initialize(module, lambda weight: nn.init.normal_(weight, 0, weight[0].numel() ** -0.5))


def truncated_normal(module: nn.Module) -> None:
    """Draws linear and convolutional weights from N(0, 0.02), truncated at two deviations (ConvNeXt)."""
    initialize(module, lambda weight: nn.init.trunc_normal_(weight, 0, 0.02, -0.04, 0.04))
