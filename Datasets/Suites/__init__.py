"""Suites: vectors of environments, and data sets as environments of one step (contract: Support/Contract.py)."""

from __future__ import annotations

from Datasets.Suites.Discrete import Discrete as DiscreteSuite
from Datasets.Suites.Support.Contract import CONTRACT, Suite, check_suite, env_seeds, matching

__all__ = ['CONTRACT', 'Suite', 'check_suite', 'env_seeds', 'fit', 'matching']


def fit(suite: Suite, bins: int | None = None) -> Suite:
    """Returns the suite, checked against the contract. With `bins`, continuous actions become discrete (`Discrete`).

    Raises UserError that names what is missing.
    """
    check_suite(suite)
    return DiscreteSuite(suite, bins) if bins and suite.spec.num_actions is None else suite
