"""The random generators, seeded, saved and restored together."""

import random

import numpy as np
import torch

from Support.RandomState import random_state, restore_random_state, seed_everything, separate_random_state


def draw():
    return random.random(), np.random.rand(), torch.rand(1).item()  # noqa: NPY002


def test_seed_everything():
    seed_everything(3)
    first = draw()
    seed_everything(4)
    assert draw() != first
    seed_everything(3)
    assert draw() == first


def test_a_restored_state_repeats_what_was_drawn():
    seed_everything(3)
    draw()
    state = random_state()
    first = draw()
    restore_random_state(state)
    assert draw() == first


def test_a_separate_state_repeats_and_leaves_no_trace():
    seed_everything(3)
    expected = draw(), draw()
    seed_everything(3)
    first = draw()
    with separate_random_state(7):
        inside = draw()
    assert (first, draw()) == expected
    with separate_random_state(7):
        assert draw() == inside
