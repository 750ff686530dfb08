"""What an update consists of."""

from typing import NamedTuple


class Phase(NamedTuple):
    """One step of the optimiser within an update: these losses, summed, train these parts of the creator."""

    losses: tuple
    trains: tuple
    period: int = 1  # updates between two of these steps
