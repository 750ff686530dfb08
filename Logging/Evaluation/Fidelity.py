"""How near created images come to the data's: distances between features [N, D] of both, as a network sees them."""

import numpy as np


def frechet(real, created):
    """Frechet distance of the normals that fit the features, the FID with this network (arXiv:1706.08500, eq. 6).

    Raises ValueError if there are too few features for a covariance."""
    if min(len(real), len(created)) < 2:
        raise ValueError(f'A covariance takes two features at least, not {len(real)} and {len(created)}')
    real, created = np.asarray(real, np.float64), np.asarray(created, np.float64)
    spread, other = np.atleast_2d(np.cov(real, rowvar=False)), np.atleast_2d(np.cov(created, rowvar=False))
    values, vectors = np.linalg.eigh(spread)
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T
    # the trace of (spread @ other)^(1/2), by a symmetric matrix of the same eigenvalues
    shared = np.sqrt(np.linalg.eigvalsh(root @ other @ root).clip(0)).sum()
    gap = np.square(real.mean(0) - created.mean(0)).sum()
    return float(max(0.0, gap + np.trace(spread) + np.trace(other) - 2 * shared))


def kernel(real, created):
    """Kernel distance: the squared maximum mean discrepancy for (x y / D + 1)^3, unbiased, so it may fall below 0
    (KID, arXiv:1801.01401, eq. 4)."""
    real, created = np.asarray(real, np.float64), np.asarray(created, np.float64)

    def similarity(x, y):
        return (x @ y.T / x.shape[1] + 1) ** 3

    def among(x):
        table = similarity(x, x)
        return (table.sum() - np.trace(table)) / (len(x) * (len(x) - 1))

    return float(among(real) + among(created) - 2 * similarity(real, created).mean())


def precision_recall(real, created, neighbours=3):
    """Share of created images within the reach of the data, and of the data's within that of the created ones
    (arXiv:1904.06991, eq. 2): nearer to one of theirs than that is to its third neighbour."""
    real, created = np.asarray(real, np.float64), np.asarray(created, np.float64)
    apart = distances(real, created)
    reach = [np.partition(distances(x, x), neighbours, axis=1)[:, neighbours] for x in (real, created)]
    return float((apart <= reach[0][:, None]).any(0).mean()), float((apart <= reach[1]).any(1).mean())


def nearest(real, created):
    """Index of the nearest of the data's features to each created one [N]."""
    return distances(np.asarray(created, np.float64), np.asarray(real, np.float64)).argmin(1)


def distances(x, y):
    """Euclidean, [N, M]."""
    squares = np.square(x).sum(1)[:, None] + np.square(y).sum(1) - 2 * x @ y.T
    return np.sqrt(squares.clip(0))


def compare(real, created):
    """All of them, as columns of a log. Those that compare all pairs take of far more real features an evenly spaced
    part."""
    few = real[:: max(1, len(real) // len(created))]
    precision, recall = precision_recall(few, created)
    return {
        'fid': frechet(real, created),
        'kid': kernel(few, created),
        'precision': precision,
        'recall': recall,
    }
