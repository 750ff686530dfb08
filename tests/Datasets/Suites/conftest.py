"""Fixtures of suites."""

import pytest

from Datasets.Suites.Support import Renderer


@pytest.fixture
def draws():
    """Skips where no OpenGL works; a machine without it trains from states."""
    if Renderer.choose().backend is None:
        pytest.skip(Renderer.choose().problem)
