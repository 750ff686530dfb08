"""The sum tree by hand and against a search in cumulative sums."""

import numpy as np
import pytest

from Datasets.Replay.SumTree import SumTree


def test_sum_tree_by_hand():
    tree = SumTree(5)
    tree[np.array([0, 1, 4])] = np.array([1.0, 2.0, 3.0])
    assert tree.total == 6
    assert tree.find(np.array([0.0, 0.99, 1.0, 2.99, 3.0, 5.99])).tolist() == [0, 0, 1, 1, 4, 4]


@pytest.mark.parametrize('size', [3, 16, 17, 300, 5000])
def test_sum_tree_finds_what_a_search_in_the_cumulative_sums_does(size):
    random = np.random.default_rng(size)
    tree, priorities = SumTree(size), np.zeros(size)
    for _ in range(20):
        index, priority = random.choice(size, min(size, 40), replace=False), random.integers(4, size=min(size, 40))
        tree[index] = priorities[index] = priority  # whole numbers: sums are exact in any order
    assert tree.total == priorities.sum() and (tree[np.arange(size)] == priorities).all()
    mass = np.append(random.random(500) * tree.total, np.nextafter(tree.total, 0))
    assert (tree.find(mass) == np.searchsorted(priorities.cumsum(), mass, side='right')).all()


def test_sum_tree_set_at_once_is_the_one_that_was_set_bit_by_bit():
    random = np.random.default_rng(0)
    one, other = SumTree(3000), SumTree(3000)
    for _ in range(300):
        one[random.integers(3000, size=32)] = random.random(32)
    other.leaves = one.leaves.copy()
    assert one.total == other.total
    assert all((a == b).all() for a, b in zip(one.levels, other.levels, strict=True))
