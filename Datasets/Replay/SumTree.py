"""A sum tree over priorities in arrays: whole batches are set and drawn level by level (arXiv:1511.05952)."""

from __future__ import annotations

import numpy as np

WIDTH = 16  # children of a node: a quarter of the levels of a binary tree, and additions are cheap


class SumTree:
    """`size` non-negative priorities, drawn in proportion to their value. Loops run over levels, not samples."""

    def __init__(self, size: int) -> None:
        self.size, self.total = size, 0.0
        self.levels = [np.zeros((-(-size // WIDTH), WIDTH))]  # the leaves come last; a row has one node above it
        while len(self.levels[0]) > 1:
            self.levels.insert(0, np.zeros((-(-len(self.levels[0]) // WIDTH), WIDTH)))

    @property
    def leaves(self) -> np.ndarray:
        """All priorities [size] float64."""
        return self.levels[-1].reshape(-1)[: self.size]

    @leaves.setter
    def leaves(self, priorities: np.ndarray) -> None:
        self.leaves[:] = priorities
        for above, below in zip(self.levels[-2::-1], self.levels[:0:-1], strict=True):
            above.reshape(-1)[: len(below)] = below.sum(1)
        self.total = float(self.levels[0].sum())

    def __getitem__(self, index: np.ndarray) -> np.ndarray:
        """Returns the priorities of leaves `index` [B], float64 [B]."""
        return self.leaves[index]

    def __setitem__(self, index: np.ndarray, priority: np.ndarray | float) -> None:
        """Sets leaves `index` [B]; where an index repeats, one of its values stays."""
        node = np.asarray(index)
        self.leaves[node] = priority
        for above, below in zip(self.levels[-2::-1], self.levels[:0:-1], strict=True):
            node = node // WIDTH
            above.reshape(-1)[node] = below.take(node, 0).sum(1)
        self.total = float(self.levels[0].sum())

    def find(self, mass: np.ndarray) -> np.ndarray:
        """Returns the leaves int64 [B] whose intervals of the cumulative sum hold `mass` [B], in [0, total)."""
        node, rows = np.zeros(len(mass), np.int64), np.arange(0, len(mass) * WIDTH, WIDTH)
        for level in self.levels:
            ends = level.take(node, 0).cumsum(1)  # [B, WIDTH]
            ends[:, -1] = np.inf  # summed in another order, it may be slightly below the node's own sum
            child = (ends > mass[:, None]).argmax(1)
            mass = mass - np.where(child > 0, ends.reshape(-1).take(rows + child - 1), 0.0)
            node = node * WIDTH + child
        return node
