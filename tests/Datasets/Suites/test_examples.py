"""The examples of our own environments."""

import gymnasium
import numpy as np
from gymnasium.utils.env_checker import check_env

from Agents import RandomAgent
from Datasets.Suites.Examples import GRASP, SIDE, spot
from Datasets.Suites.Gym import Gym
from Environment import Environment
from tests.make import make

ID = 'Datasets.Suites.Examples:Reach-v0'


def test_reach_is_an_environment_by_gymnasiums_own_rules():
    check_env(gymnasium.make('Reach-v0').unwrapped, skip_render_check=True)


def test_the_picture_shows_where_the_target_lies():
    assert np.unravel_index(spot((1, -1)).argmax(), (SIDE, SIDE)) == (0, SIDE - 1)  # right, and y = -1 is the first row
    picture, far = spot((0.3, 0.7)), spot((-0.5, 0.7))
    assert picture.max() > 200 and (picture != far).any() and (picture > 0).sum() < SIDE**2 / 4


def test_rewards_by_hand():
    env = gymnasium.make('Reach-v0').unwrapped
    env.reset(seed=1)
    env.hand, env.target = np.float32([0, 0]), np.float32([0.5, 0])
    rewards = [env.step({'move': np.float32([1, 0]), 'grip': grip})[1] for grip in (0, 1)]
    assert np.allclose(rewards, [-0.025, 1.0])  # a quarter is left of the way; there
    assert np.isclose(env.step({'move': np.float32([1, 0]), 'grip': 1})[1], 1 - 0.025) and GRASP > 0.25
    assert np.isclose(env.step({'move': np.float32([1, 0]), 'grip': 1})[1], -0.1 - 0.05)  # gone too far


def test_who_sees_and_feels_solves_it_and_chance_does_not():
    environment = Environment(Gym(ID, num_envs=20, seed=1))
    chance = environment.evaluate(make(RandomAgent, environment.suite.spec), 200)['reward']

    class Cheat:
        """Knows both places."""

        def act(self, obs, explore, first):
            envs = [env.unwrapped for env in environment.suite._envs]
            way = np.stack([(env.target - env.hand) / 0.25 for env in envs])  # [N, 2] in full moves
            left = way - way.clip(-1, 1)
            grips = np.eye(2)[(0.25 * np.linalg.norm(left, axis=1) < GRASP).astype(int)]
            return np.concatenate([way, grips], 1).astype(np.float32)

    best = environment.evaluate(Cheat(), 200)['reward']
    assert -3 < chance < -1.5 and 17 < best < 19
