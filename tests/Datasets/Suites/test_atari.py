"""Atari: raw scores of whole games, lives, limits, errors."""

import numpy as np
import pytest

from Datasets.Experience import Step
from Datasets.Suites.Atari import Atari, threads_of
from Datasets.Suites.Support.Emulators import below, mersenne_twister, shrink
from Hyperparams.Options import options
from Support.Errors import UserError


def test_pong_terminates_at_21_with_the_raw_score():
    suite = Atari('pong', num_envs=2, seed=1)
    suite.reset()
    score = np.zeros(2)
    for _ in range(2000):
        step = suite.step(np.zeros(2, int))  # who never moves loses 21 points
        score += step.reward
        assert not step.truncated.any()
        if step.terminated.any():
            break
    assert (score[step.terminated] == -21).all() and step.terminated.any()


def test_score_is_not_clipped():
    suite = Atari('space_invaders', num_envs=4, seed=1)
    suite.reset()
    rng = np.random.default_rng(0)
    rewards = np.stack([suite.step(rng.integers(0, 6, 4)).reward for _ in range(150)])
    assert rewards.max() >= 5  # the lowest row of invaders is worth 5 points


def test_a_lost_life_is_reported_and_ends_nothing():
    suite = Atari('breakout', num_envs=2, seed=1)
    suite.reset()
    rng = np.random.default_rng(0)
    lost, ended = np.zeros(2, int), np.zeros(2, int)
    first = None
    for _ in range(1000):
        step = suite.step(rng.integers(0, 4, 2))
        lost += step.life_lost & (ended == 0)
        ended += step.terminated
        assert not (step.life_lost & step.terminated).any()
        if ended.all():
            first = lost.copy()
            break
    assert first is not None and (first == 4).all()  # five lives: four losses, and the end


def test_max_frames_truncates():
    suite = Atari('breakout', num_envs=2, seed=1, max_frames=80)  # 20 steps; nobody serves, so no life is lost
    suite.reset()
    steps = [suite.step(np.zeros(2, int)) for _ in range(40)]
    assert [t + 1 for t, s in enumerate(steps) if s.truncated.any()] == [20, 40]
    assert all(s.truncated.all() for s in steps[19::20]) and not any(s.terminated.any() for s in steps)


def test_final_obs_of_a_game_goes_on_from_the_frame_before():
    """Between one observation and the next little changes; at a reset to another game much does."""
    suite = Atari('space_invaders', num_envs=2, seed=1, max_frames=400)
    obs = suite.reset()
    rng = np.random.default_rng(0)
    for _ in range(100):
        step = suite.step(rng.integers(0, 6, 2))
        for i in np.flatnonzero(step.truncated | step.terminated):
            near = np.abs(step.final_obs[i].astype(int) - obs[i]).mean()
            far = np.abs(step.final_obs[i].astype(int) - step.obs[i]).mean()
            assert near < far
        obs = step.obs


def test_sticky_actions_are_off_unless_asked_for():
    def run(seed, probability):
        suite = Atari('pong', num_envs=1, seed=seed, noop_max=1, repeat_action_probability=probability)
        return np.stack([suite.reset(), *(suite.step(np.array([2 + t % 2])).obs for t in range(40))])

    assert np.array_equal(run(1, 0.0), run(2, 0.0))  # without no-ops and stickiness nothing is random
    assert not np.array_equal(run(1, 0.25), run(2, 0.25))


def test_send_and_recv_are_a_step():
    one, two = Atari('pong', num_envs=2, seed=1), Atari('pong', num_envs=2, seed=1)
    one.reset(), two.reset()
    for _ in range(10):
        two.send(np.array([2, 3]))
        assert np.array_equal(one.step(np.array([2, 3])).obs, two.recv().obs)


@pytest.mark.parametrize('action', [np.array([0, 6]), np.array([-1, 0]), np.array([0])])
def test_an_impossible_action_raises_instead_of_waiting_forever(action):
    suite = Atari('pong', num_envs=2, seed=1)
    suite.reset()
    with pytest.raises(ValueError, match=r'0\.\.5'):
        suite.step(action)


def test_full_action_space():
    assert Atari('pong').spec.num_actions == 6
    assert Atari('pong', full_action_space=True).spec.num_actions == 18


@pytest.mark.parametrize(('game', 'near'), [('pongg', 'pong'), ('Breakout', 'breakout'), ('MsPacman', 'pacman')])
def test_unknown_game_names_the_nearest(game, near):
    with pytest.raises(UserError, match=f'Nearest: .*{near}'):
        Atari(game)


@pytest.mark.parametrize('game', ['combat', 'joust', 'maze_craze', 'warlords'])
def test_games_for_two_are_refused_before_the_emulator_ends_the_process(game):
    with pytest.raises(UserError, match='two players'):
        Atari(game)


def test_missing_rom_says_where_to_put_it(tmp_path, monkeypatch):
    monkeypatch.setenv('ALE_ROMS_DIR', str(tmp_path))
    with pytest.raises(UserError, match=r'put pong\.bin'):
        Atari('pong')


@pytest.mark.parametrize(
    'options', [{}, {'repeat_action_probability': 0.25}, {'use_fire_reset': True, 'max_frames': 210}]
)
def test_videos_show_in_colour_what_the_agent_sees(options, capsys):
    suite = Atari('breakout', num_envs=2, seed=1, train=False, **options)
    suite.reset()
    rng = np.random.default_rng(0)
    for t in range(250):
        obs = suite.step(rng.integers(0, 4, 2)).obs
        if t > 200:  # the mirror catches up with what was played before, over several games
            for frame, seen in zip(suite.render(), obs, strict=True):
                assert frame.shape == (210, 160, 3) and frame.dtype == np.uint8
                gray = frame @ np.array([0.299, 0.587, 0.114])
                rows = np.add.reduceat(gray.mean(1), np.arange(0, 210, 5)) / 5  # both pictures as profiles of 42 rows
                assert np.abs(rows - seen[0].reshape(42, 2, 84).mean((1, 2))).max() < 8
    assert capsys.readouterr().err == ''
    first, second = suite.render()
    assert np.ptp(first, axis=2).max() > 50 and not np.array_equal(first, second)


# exact=true: emulators of our own


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


def test_threads_of_the_emulator(monkeypatch):
    monkeypatch.setattr('Datasets.Suites.Atari.usable_cores', lambda: 6)
    assert [threads_of(None, count) for count in (1, 7, 8, 100)] == [1, 1, 3, 3]
    assert [threads_of('all', count) for count in (2, 8)] == [2, 6] and threads_of(4, 8) == 4
    for wrong in ('every', 0, True, 1.5):
        with pytest.raises(UserError, match=r'suite\.num_threads is a number of threads, all, or null'):
            threads_of(wrong, 8)
