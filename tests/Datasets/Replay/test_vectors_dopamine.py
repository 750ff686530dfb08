"""The sum tree (arXiv:1511.05952) on the test vectors of Dopamine.

Source: github.com/google/dopamine at 5873f54 (March 2026), tests/dopamine/jax/replay_memory/sum_tree_test.py and
tests/dopamine/tf/replay_memory/sum_tree_test.py; each test names its own. Dopamine draws by a mass or by a share of it.
"""

import numpy as np
import pytest

from Datasets.Replay.SumTree import SumTree


def find(tree, *mass):
    return tree.find(np.array(mass, np.float64)).tolist()


def test_small_capacity():
    """jax: test_set_small_capacity."""
    tree = SumTree(1)
    tree[np.array([0])] = 1.5
    assert tree.total == 1.5


def test_set_and_get_values():
    """jax: test_set_and_get_value, test_set_and_get_values_vectorized."""
    tree = SumTree(100)
    tree[np.array([0])] = 1.0
    assert tree[np.array([0])].tolist() == [1.0] and tree.total == 1.0
    tree[np.array([0, 1, 2])] = np.array([0.0, 3.0, 4.0])
    assert tree[np.array([1, 2])].tolist() == [3.0, 4.0] and tree.total == 7.0


def test_set_with_duplicates():
    """jax: test_set_with_duplicates."""
    tree = SumTree(100)
    tree[np.array([1, 1, 1, 2, 2])] = np.array([3.0, 3.0, 3.0, 4.0, 4.0])
    assert tree[np.array([1, 2])].tolist() == [3.0, 4.0] and tree.total == 7.0


def test_query_value():
    """jax: test_query_value; tf: testSampleSingleton."""
    tree = SumTree(100)
    tree[np.array([5])] = 1.0
    assert find(tree, 0.0, 0.5, 0.99) == [5, 5, 5]


def test_query_and_update():
    """jax: test_query_values_vectorized, test_update_sum_values."""
    tree = SumTree(4)
    tree[np.arange(4)] = np.array([0.5, 1.0, 0.5, 0.5])
    assert tree.total == 2.5 and find(tree, 1.5, 1.0) == [2, 1]
    tree[np.array([0])] = 0.25
    assert tree.total == 2.25 and find(tree, 0.249, 0.5, 1.25) == [0, 1, 2]


@pytest.mark.parametrize('size', [8, 32, 1000])
def test_query_equal_values(size):
    """jax: test_query_values_vectorized_large_tree (8 leaves); tf: testStratifiedSampling (32 leaves)."""
    tree = SumTree(size)
    tree[np.arange(size)] = np.ones(size)
    assert tree.total == size and find(tree, *range(size)) == list(range(size))


def test_uneven_probabilities():
    """tf: testSamplePairWithUnevenProbabilitiesWithQueryValue. Priorities 1 and 3: the first quarter is the first's."""
    tree = SumTree(100)
    tree[np.array([2, 3])] = np.array([1.0, 3.0])
    assert find(tree, 0.1 * tree.total, 0.249 * tree.total, 0.25 * tree.total) == [2, 2, 3]
