"""A sum tree over priorities, as arrays: batches are set and drawn level by level (arXiv:1511.05952)."""

import numpy as np


class SumTree:
    """`size` non-negative priorities, drawn in proportion to their value. Loops run over levels, not samples."""

    def __init__(self, size):
        self.size, self.depth = size, max(1, int(size - 1).bit_length())
        self.first = 1 << self.depth  # the leaves; the root is node 1 and node 0 is unused
        self.nodes = np.zeros(2 * self.first)

    @property
    def total(self):
        return self.nodes[1]

    @property
    def leaves(self):
        """All priorities [size] float64."""
        return self.nodes[self.first : self.first + self.size]

    @leaves.setter
    def leaves(self, priorities):
        self.nodes[self.first : self.first + self.size] = priorities
        for level in range(self.depth - 1, -1, -1):  # sums as __setitem__ makes them, bit for bit
            below = self.nodes[2 << level : 4 << level]
            self.nodes[1 << level : 2 << level] = below[::2] + below[1::2]

    def __getitem__(self, index):
        """Priorities of leaves `index` [B] -> [B] float64."""
        return self.nodes[self.first + index]

    def __setitem__(self, index, priority):
        """Sets leaves `index` [B]; where an index repeats, one of its values stays."""
        node = self.first + np.asarray(index)
        self.nodes[node] = priority
        for _ in range(self.depth):
            node = node >> 1
            self.nodes[node] = self.nodes[2 * node] + self.nodes[2 * node + 1]

    def find(self, mass):
        """Leaves whose stretch of the cumulative sum holds `mass` [B] in [0, total) -> [B] int64."""
        mass, node = np.array(mass), np.ones(len(mass), np.int64)
        for _ in range(self.depth):
            left = self.nodes[2 * node]
            right = mass >= left
            mass -= left * right
            node = 2 * node + right
        return node - self.first
