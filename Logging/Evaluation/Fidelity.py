"""Fidelity of generated images: distances between a network's features [N, D] of real and of generated images."""

from __future__ import annotations

import numpy as np


def frechet(real: np.ndarray, created: np.ndarray) -> float:
    """Returns the Frechet distance of two normals fitted to the features, the FID (arXiv:1706.08500, eq. 6).

    Raises ValueError if there are too few features for a covariance.
    """
    if min(len(real), len(created)) < 2:
        raise ValueError(f'A covariance needs at least two features, not {len(real)} and {len(created)}')
    real, created = np.asarray(real, np.float64), np.asarray(created, np.float64)
    spread, other = np.atleast_2d(np.cov(real, rowvar=False)), np.atleast_2d(np.cov(created, rowvar=False))
    values, vectors = np.linalg.eigh(spread)
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T
    # the trace of (spread @ other)^(1/2), by a symmetric matrix of the same eigenvalues
    shared = np.sqrt(np.linalg.eigvalsh(root @ other @ root).clip(0)).sum()
    gap = np.square(real.mean(0) - created.mean(0)).sum()
    return float(max(0.0, gap + np.trace(spread) + np.trace(other) - 2 * shared))


def kernel(real: np.ndarray, created: np.ndarray) -> float:
    """Returns the KID: the squared maximum mean discrepancy with kernel (x y / D + 1)^3 (arXiv:1801.01401, eq. 4).

    The estimate is unbiased, so it may be negative.
    """
    real, created = np.asarray(real, np.float64), np.asarray(created, np.float64)

    def similarity(x, y):
        return (x @ y.T / x.shape[1] + 1) ** 3

    def among(x):
        table = similarity(x, x)
        return (table.sum() - np.trace(table)) / (len(x) * (len(x) - 1))

    return float(among(real) + among(created) - 2 * similarity(real, created).mean())


def precision_recall(real: np.ndarray, created: np.ndarray, neighbors: int = 3) -> tuple[float, float]:
    """Returns precision, the share of generated images on the manifold of real ones, and recall, the reverse
    (arXiv:1904.06991, eq. 2). A manifold is all that is closer to one of its images than its third neighbor is."""
    real, created = np.asarray(real, np.float64), np.asarray(created, np.float64)
    apart = distances(real, created)
    reach = [np.partition(distances(x, x), neighbors, axis=1)[:, neighbors] for x in (real, created)]
    return float((apart <= reach[0][:, None]).any(0).mean()), float((apart <= reach[1]).any(1).mean())


def nearest(real: np.ndarray, created: np.ndarray) -> np.ndarray:
    """Returns the index of the real feature nearest to each generated one, int64 [N]."""
    return distances(np.asarray(created, np.float64), np.asarray(real, np.float64)).argmin(1)


def distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Returns Euclidean distances [N, M]."""
    squares = np.square(x).sum(1)[:, None] + np.square(y).sum(1) - 2 * x @ y.T
    return np.sqrt(squares.clip(0))


def compare(real: np.ndarray, created: np.ndarray) -> dict[str, float]:
    """Returns fid, kid, precision and recall. All but fid compare all pairs, so they use evenly spaced real features
    where there are far more real than generated ones."""
    few = real[:: max(1, len(real) // len(created))]
    precision, recall = precision_recall(few, created)
    return {
        'fid': frechet(real, created),
        'kid': kernel(few, created),
        'precision': precision,
        'recall': recall,
    }
