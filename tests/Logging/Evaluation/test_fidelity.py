"""Distances between features against closed forms and by properties."""

import numpy as np
import pytest

from Logging.Evaluation.Fidelity import compare, frechet, kernel, nearest, precision_recall

SQUARE = np.array([[0.0, 0.0], [0.0, 2.0], [2.0, 0.0], [2.0, 2.0]])  # mean (1, 1), covariance 4/3 times the identity


@pytest.fixture
def generator():
    return np.random.default_rng(0)


def test_frechet_by_hand():
    assert frechet(SQUARE, SQUARE) == pytest.approx(0, abs=1e-9)
    assert frechet(SQUARE, SQUARE + np.array([3.0, 4.0])) == pytest.approx(25)  # only the mean differs
    # standard deviations differ by a factor of two in both dimensions: (s - 2 s)^2 each; the mean moves by (1, 1)
    assert frechet(SQUARE, 2 * SQUARE) == pytest.approx(2 + 2 * 4 / 3)


def test_frechet_of_correlated_normals(generator):
    """Against scipy's square root of the product of the covariances."""
    from scipy.linalg import sqrtm

    mix = generator.normal(size=(2, 5, 5))
    real, created = generator.normal(size=(200, 5)) @ mix[0], generator.normal(size=(300, 5)) @ mix[1] + 1
    spread, other = np.cov(real, rowvar=False), np.cov(created, rowvar=False)
    wanted = np.square(real.mean(0) - created.mean(0)).sum() + np.trace(spread + other - 2 * sqrtm(spread @ other).real)
    assert frechet(real, created) == pytest.approx(wanted, rel=1e-6)
    assert frechet(created, real) == pytest.approx(wanted, rel=1e-6)


def test_too_few_features_for_a_covariance():
    with pytest.raises(ValueError, match='two features'):
        frechet(SQUARE[:1], SQUARE)


def test_kernel_by_hand():
    real, created = np.array([[1.0], [2.0]]), np.array([[0.0], [1.0]])
    within, created_within, between = (1 * 2 + 1) ** 3, 1.0, (1 + 8 + 1 + 27) / 4  # (x y + 1)^3
    assert kernel(real, created) == pytest.approx(within + created_within - 2 * between)


def test_kernel_is_zero_on_average_for_one_distribution(generator):
    distances = [kernel(*generator.normal(size=(2, 50, 3))) for _ in range(200)]
    assert abs(np.mean(distances)) < 3 * np.std(distances) / np.sqrt(200)
    assert kernel(generator.normal(size=(50, 3)), generator.normal(2, 1, (50, 3))) > 10 * np.std(distances)


def test_precision_and_recall():
    line = np.arange(10.0)[:, None]  # each reaches 3 to its third neighbor at the ends, 2 in the middle
    assert precision_recall(line, line) == (1.0, 1.0)
    assert precision_recall(line, line + 100) == (0.0, 0.0)
    few = np.full((10, 1), 5.0)  # all alike: right, but not all there is; each reaches no further than itself
    assert precision_recall(line, few) == (1.0, 0.1)


def test_nearest():
    assert nearest(SQUARE, np.array([[1.9, 0.2], [0.1, 0.1]])).tolist() == [2, 0]


def test_compare_gives_every_column():
    assert set(compare(SQUARE, SQUARE + 1)) == {'fid', 'kid', 'precision', 'recall'}
