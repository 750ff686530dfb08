"""Emulators against ale-py's vector class, pixel by pixel."""

import numpy as np
import pytest

from Datasets.Experience import Step
from Datasets.Suites.Atari import Atari
from Datasets.Suites.Support.Emulators import below, mersenne_twister, shrink
from Hyperparams.Options import options
from Support.Errors import UserError


def assert_same_games(one, other, steps, seed=0):
    """Both answer the same to the same actions -> how many games ended."""
    rng = np.random.default_rng(seed)
    ends = 0
    for _ in range(steps):
        action = rng.integers(one.spec.num_actions, size=one.num_envs)
        ours, theirs = one.step(action), other.step(action)
        for field, value in zip(Step._fields, ours, strict=True):
            assert np.array_equal(value, getattr(theirs, field)), (one.game, field)
        ends += (ours.terminated | ours.truncated).sum()
    return ends


@pytest.mark.parametrize(
    ('game', 'options'),
    [
        ('breakout', {}),
        ('qbert', {'repeat_action_probability': 0.25, 'max_frames': 301}),
        ('breakout', {'use_fire_reset': True, 'full_action_space': True, 'frame_skip': 3, 'max_frames': 100}),
        ('space_invaders', {'noop_max': 0, 'frame_skip': 1, 'max_frames': 90}),
        ('air_raid', {'frame_skip': 2, 'max_frames': 201}),  # 250 lines on the screen, others have 210
    ],
)
def test_the_games_of_exact_are_those_of_ale_py_pixel_by_pixel(game, options):
    native, exact = (Atari(game, num_envs=2, seed=1, exact=exact, **options) for exact in (False, True))
    assert np.array_equal(native.reset(), exact.reset())
    assert assert_same_games(native, exact, 300) >= 2
    assert np.array_equal(native.render(), exact.render())


@pytest.mark.parametrize('game', ['qbert', 'tennis'])  # from `cloneState` the one, from a reset the other goes astray
def test_a_game_goes_on_where_it_was_saved(game):
    options = dict(num_envs=2, seed=1, exact=True, repeat_action_probability=0.25, max_frames=300)
    one, other = Atari(game, **options), Atari(game, **options)
    one.reset()
    for action in np.random.default_rng(1).integers(6, size=(90, 2)):
        one.step(action)
    other.restore(one.state())
    assert assert_same_games(one, other, 200) > 2


@pytest.mark.slow
@pytest.mark.parametrize('game', [task.split('/')[1] for task in options('task') if task.startswith('atari/')])
def test_each_game_of_exact_is_that_of_ale_py_and_goes_on_where_it_was_saved(game):
    protocol = dict(seed=1, max_frames=400, repeat_action_probability=0.25)
    native, exact, other = (Atari(game, **protocol, exact=exact) for exact in (False, True, True))
    assert np.array_equal(native.reset(), exact.reset())
    assert_same_games(native, exact, 250)
    other.restore(exact.state())
    assert_same_games(exact, other, 150)


def test_what_exact_saved_is_resumed_by_exact_alone():
    exact = Atari('pong', exact=True)
    exact.reset()
    with pytest.raises(UserError, match='exact=true alone'):
        Atari('pong').restore(exact.state())
    with pytest.raises(UserError, match='frame_skip=4, this one has frame_skip=2'):
        Atari('pong', exact=True, frame_skip=2).restore(exact.state())
    assert Atari('pong', exact=True, train=False).state() is None  # evaluation begins anew


def test_random_numbers_are_those_of_c_plus_plus():
    bits = mersenne_twister(5489)  # std::mt19937's own seed, of which its standard tells the 10,000th number
    assert [bits.random_raw() for _ in range(10000)][-1] == 4123659995
    bits = mersenne_twister(5489)  # 3499211612 * 30 / 2^32 = 24.4
    assert below(bits, 30) == 24


def test_frames_are_shrunk_by_area():
    rows = np.repeat(np.arange(210, dtype=np.uint8)[:, None], 160, 1)
    # A new row covers 2.5 old ones: 0.4 * 0 + 0.4 * 1 + 0.2 * 2 = 0.8, and 0.2 * 2 + 0.4 * 3 + 0.4 * 4 = 3.2
    assert (shrink(rows)[:2] == [[1], [3]]).all() and shrink(rows).shape == (84, 84)
    columns = np.repeat((np.arange(160) % 2 * 210).astype(np.uint8)[None], 210, 0)
    # A new column covers 40 / 21 old ones, 0.525 and 0.475, then 0.05, 0.525 and 0.425: 0.475 * 210 = 99.75 twice
    assert (shrink(columns)[:, :2] == [100, 100]).all()
