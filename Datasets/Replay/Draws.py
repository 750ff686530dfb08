"""Draws that are a function of (seed, number of the draw) alone, so that a resume needs only the number."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from Datasets.Experience import Experience


@contextmanager
def next_draw(replay: Any) -> Iterator[np.random.Generator]:
    """Gives the generator of a replay's draw number `cursor`, and counts the draw once the block ends."""
    yield np.random.default_rng((replay.seed, replay.cursor))
    replay.cursor += 1


def one_batch(replay: Any) -> Iterator[Experience]:
    """Yields the one batch that a replay draws for this update."""
    with next_draw(replay) as generator:  # its schedules do not count this batch yet
        batch = replay.sample(generator, replay.batch_size)
    yield batch
