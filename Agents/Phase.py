"""The steps of an update."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn

from Datasets.Experience import Experience
from Support.Errors import UserError, hint


class Phase(NamedTuple):
    """One optimizer step within an update: the sum of some losses trains some parts of the creator.

    losses: methods, `(batch: Experience) -> scalar`; each is logged under its name.
    trains: names of the creator's parts, for example ('encoder', 'critic').
    period: updates between two of these steps.
    """

    losses: tuple[Callable[[Experience], torch.Tensor], ...]
    trains: tuple[str, ...]
    period: int = 1


def check_phases(phases: tuple[Phase, ...], creator: nn.Module, owner: str) -> tuple[Phase, ...]:
    """Returns the phases. Raises UserError if a loss is not callable, or the creator has no part of that name."""
    parts = [name for name, _ in creator.named_children()]
    for phase in phases:
        for loss in phase.losses:
            if not callable(loss):
                raise UserError(f"A Phase of {owner} takes methods as losses: self.{loss}, not '{loss}'.")
        for part in phase.trains:
            if part not in parts:
                known = ', '.join(parts)
                raise UserError(f"{owner} has no part '{part}' to train in a Phase.{hint(part, parts)} All: {known}.")
    return phases
