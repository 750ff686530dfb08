"""The processes that train one agent together, as one of them sees them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class World:
    """The rank of this process among `size` processes; a process that trains alone has rank 0 of 1.

    A run asks its world wherever processes differ: the first one logs, evaluates and saves for all of them.
    """

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this process logs, evaluates and saves."""
        return self.rank == 0
