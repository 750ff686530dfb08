"""Gradients summed over several updates before an optimizer step."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from Agents.Phase import Phase


class Accumulator:
    """Sums gradients over `count` updates, for each phase apart, since phases may share parameters."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.sums: dict[Phase, dict[nn.Parameter, torch.Tensor]] = {}
        self.calls: dict[Phase, int] = {}

    def full(self, phase: Phase, parameters: Iterable[nn.Parameter]) -> bool:
        """Takes the parameters' gradients away. At every `count`-th call it sets their mean and returns True."""
        sums = self.sums.setdefault(phase, {})
        for parameter in parameters:
            if parameter.grad is not None:
                share = parameter.grad / self.count
                sums[parameter] = sums[parameter] + share if parameter in sums else share
                parameter.grad = None
        self.calls[phase] = self.calls.get(phase, 0) + 1
        if self.calls[phase] % self.count:
            return False
        for parameter, total in self.sums.pop(phase).items():
            parameter.grad = total
        return True

    def state(self, trained: dict[Phase, dict[str, list[nn.Parameter]]]) -> list[Any]:
        """Calls and sums of each phase, in the order of `trained`."""
        return [
            [self.calls.get(phase, 0), [self.sums.get(phase, {}).get(parameter) for parameter in _flat(parts)]]
            for phase, parts in trained.items()
        ]

    def restore(self, state: list[Any], trained: dict[Phase, dict[str, list[nn.Parameter]]]) -> None:
        """Resumes from a `state()`."""
        for (calls, sums), (phase, parts) in zip(state, trained.items(), strict=True):
            pairs = zip(_flat(parts), sums, strict=True)
            self.calls[phase] = calls
            self.sums[phase] = {each: in_layout_of(each, total) for each, total in pairs if total is not None}


def in_layout_of(parameter: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """Copies a tensor of a parameter's shape to its device and memory layout.

    Fused optimizers walk through both in the order of memory and do not check that it is the same."""
    return torch.empty_like(parameter).copy_(value)


def _flat(parts: dict[str, list[nn.Parameter]]) -> list[nn.Parameter]:
    return [parameter for own in parts.values() for parameter in own]
