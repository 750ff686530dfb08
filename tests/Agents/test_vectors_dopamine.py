"""C51's projection (arXiv:1707.06887, eq. 7) on the test vectors of Dopamine.

Source: github.com/google/dopamine at 5873f54 (March 2026), tests/dopamine/tf/agents/rainbow/rainbow_agent_test.py,
ProjectDistributionTest; each case has the name of its test. In fp32: under autocast the projection is a product of
matrices in bf16, so that the second case gives 0.703125 and 0.30078125.
"""

import pytest
import torch

from Agents.Losses.Distributional import project


@pytest.mark.parametrize(
    ('moved', 'probs', 'values', 'expected'),
    [
        ([[0, 1, 2, 3, 4]], [[0.1, 0.2, 0.1, 0.3, 0.3]], [0, 1, 2, 3, 4], [[0.1, 0.2, 0.1, 0.3, 0.3]]),
        ([[0, 1, 2, 3, 4]], [[0.1, 0.2, 0.1, 0.3, 0.3]], [3, 4, 5, 6, 7], [[0.7, 0.3, 0.0, 0.0, 0.0]]),
        ([[4, 3, 2, 1, 0]], [[0.1, 0.2, 0.1, 0.3, 0.3]], [3, 4, 5, 6, 7], [[0.9, 0.1, 0.0, 0.0, 0.0]]),
        (
            [[0, 2, 4, 6, 8], [1, 3, 4, 5, 6]],
            [[0.1, 0.6, 0.1, 0.1, 0.1], [0.1, 0.2, 0.5, 0.1, 0.1]],
            [4, 5, 6, 7, 8],
            [[0.8, 0.0, 0.1, 0.0, 0.1], [0.8, 0.1, 0.1, 0.0, 0.0]],
        ),
        (
            [[0, 2, 4, 6, 8], [0, 1, 2, 3, 4], [3, 4, 5, 6, 7]],
            [[0.1, 0.2, 0.3, 0.2, 0.2], [0.1, 0.2, 0.1, 0.3, 0.3], [0.1, 0.2, 0.3, 0.2, 0.2]],
            [3, 4, 5, 6, 7],
            [[0.3, 0.3, 0.0, 0.2, 0.2], [0.7, 0.3, 0.0, 0.0, 0.0], [0.1, 0.2, 0.3, 0.2, 0.2]],
        ),
        (
            [[0, 2, 4, 6, 8], [8, 9, 10, 12, 14]],
            [[0.1, 0.2, 0.2, 0.2, 0.3], [0.1, 0.2, 0.4, 0.1, 0.2]],
            [0, 4, 8, 12, 16],
            [[0.2, 0.4, 0.4, 0.0, 0.0], [0.0, 0.0, 0.45, 0.45, 0.1]],
        ),
    ],
    ids=[
        'SingleIdenticalDistribution',
        'SingleDifferentDistribution',
        'FromNonMonotonicSupport',
        'ExampleFromCodeComments',
        'BatchOfDifferentDistributions',
        'BatchOfDifferentDistributionsWithLargerDelta',
    ],
)
def test_projection(moved, probs, values, expected):
    moved, probs, values = (torch.tensor(each, dtype=torch.float32) for each in (moved, probs, values))
    torch.testing.assert_close(project(probs, moved, values), torch.tensor(expected), rtol=0, atol=1e-6)
    ensemble = project(torch.stack([probs, probs.flip(0)]), moved, values)  # one target for each of several critics
    torch.testing.assert_close(ensemble[0], torch.tensor(expected), rtol=0, atol=1e-6)
