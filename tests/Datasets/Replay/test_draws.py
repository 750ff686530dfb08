"""Draws by (seed, cursor)."""

from types import SimpleNamespace

import numpy as np
import pytest

from Datasets.Replay.Draws import next_draw, one_batch


def test_a_draw_is_a_function_of_seed_and_cursor_and_counts_when_it_is_over():
    replay = SimpleNamespace(seed=3, cursor=5)
    with next_draw(replay) as generator:
        number = generator.random()
        assert replay.cursor == 5
    assert replay.cursor == 6 and number == np.random.default_rng((3, 5)).random()
    with pytest.raises(KeyError), next_draw(replay):
        raise KeyError
    assert replay.cursor == 6  # it did not happen


def test_one_batch_is_drawn_when_it_is_asked_for():
    replay = SimpleNamespace(
        seed=0, cursor=0, batch_size=4, sample=lambda generator, size: generator.integers(9, size=size)
    )
    batches = one_batch(replay)
    assert replay.cursor == 0
    (batch,) = batches
    assert replay.cursor == 1 and batch.tolist() == np.random.default_rng((0, 0)).integers(9, size=4).tolist()
