"""The processes that train one agent together, as one of them sees them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import torch

Item = TypeVar('Item')


@dataclass(frozen=True)
class World:
    """The rank of this process among `size` processes. A process that trains alone has rank 0 of 1.

    A run asks its world wherever processes differ: the first one logs, evaluates and saves; each learns from its share
    of the data; gradients are averaged. Training with several processes is not implemented yet.
    """

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this process logs, evaluates and saves for all of them."""
        return self.rank == 0

    def mean(self, tensors: Iterable[torch.Tensor]) -> None:
        """Averages each tensor over all processes, in place."""
        if self.size > 1:
            raise NotImplementedError(f'averaging over {self.size} processes')

    def share(self, items: Sequence[Item]) -> Sequence[Item]:
        """Returns every `size`-th item, beginning with the `rank`-th: the shares of all processes are disjoint."""
        return items if self.size == 1 else items[self.rank :: self.size]
