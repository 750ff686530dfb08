"""Copies of a module that follow it: target networks and moving averages of weights."""

from copy import deepcopy
from typing import Any

import torch
from torch import nn

Tensors = list[torch.Tensor]


def frozen_copy(module: Any) -> Any:
    """A deep copy whose parameters take no gradient."""
    return deepcopy(module).requires_grad_(False)


class Follower:
    """Moves a copy towards the module that it copies.

    rate: share of the difference that each step covers (tau of a target network, 1 - decay of a moving average); 1
        copies. period: updates between two steps.
    """

    def __init__(self, copy: nn.Module, module: nn.Module, rate: float, period: int = 1) -> None:
        self.copy, self.module, self.rate, self.period = copy, module, rate, period
        self._pairs: tuple[tuple[Tensors, Tensors], tuple[Tensors, Tensors]] | None = None

    def update(self, updates: int) -> None:
        """Moves the copy if the number of updates is a multiple of the period."""
        if updates % self.period == 0:
            if self._pairs is None:  # looking for the tensors takes as long as moving them
                self._pairs = pair(self.copy, self.module)
            move(*self._pairs, self.rate)


def pair(copy: nn.Module, module: nn.Module) -> tuple[tuple[Tensors, Tensors], tuple[Tensors, Tensors]]:
    """(parameters, parameters) and (buffers, buffers) of two modules of one structure."""
    return (
        (list(copy.parameters()), list(module.parameters())),
        (list(copy.buffers()), list(module.buffers())),
    )


@torch.no_grad()
def move(parameters: tuple[Tensors, Tensors], buffers: tuple[Tensors, Tensors], rate: float) -> None:
    """Moves the first parameters by `rate` towards the second; copies the second buffers into the first."""
    if parameters[0]:
        torch._foreach_lerp_(*parameters, rate)
    for mine, theirs in zip(*buffers, strict=True):
        mine.copy_(theirs)
