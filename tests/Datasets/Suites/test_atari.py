"""Atari: raw scores of whole games, lives, limits, errors."""

import numpy as np
import pytest

from Datasets.Suites.Atari import Atari, threads_of
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


def test_threads_of_the_emulator(monkeypatch):
    monkeypatch.setattr('Datasets.Suites.Atari.usable_cores', lambda: 6)
    assert [threads_of(None, count) for count in (1, 7, 8, 100)] == [1, 1, 3, 3]
    assert [threads_of('all', count) for count in (2, 8)] == [2, 6] and threads_of(4, 8) == 4
    for wrong in ('every', 0, True, 1.5):
        with pytest.raises(UserError, match=r'suite\.num_threads is a number of threads, all, or null'):
            threads_of(wrong, 8)
