"""The state of Gymnasium's environments, of their wrappers, and of whatever they hold."""

import functools
import random
import types

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from Datasets.Suites.Gym import Gym


def act(suite, rng):
    if suite.spec.num_actions is not None:
        return rng.integers(suite.spec.num_actions, size=suite.num_envs)
    return rng.uniform(-1, 1, (suite.num_envs, *suite.spec.action_shape)).astype(np.float32)


def goes_on(make, before=40, after=200):
    """Whether a restored suite answers as the saved one does, over how many ends of episodes."""
    suite, other, rng = make(), make(), np.random.default_rng(0)
    suite.reset()
    for _ in range(before):
        suite.step(act(suite, rng))
    other.restore(suite.state())
    ends = 0
    for _ in range(after):
        action = act(suite, rng)
        ours, theirs = suite.step(action), other.step(action)
        if not all(np.array_equal(a, b) for a, b in zip(ours[:5], theirs[:5], strict=True)):
            return False, ends
        ends += (ours.terminated | ours.truncated).sum()
    return True, ends


@pytest.mark.parametrize(
    'id',
    [
        'CartPole-v1',
        'Acrobot-v1',
        'Pendulum-v1',
        'MountainCar-v0',
        'MountainCarContinuous-v0',
        'Taxi-v4',
        'FrozenLake-v1',
        'CliffWalking-v1',
        'Blackjack-v1',
        'Datasets.Suites.Examples:Reach-v0',
        'Ant-v5',
        'Humanoid-v5',
    ],
)
def test_gymnasiums_own_environments_go_on(id):
    equal, ends = goes_on(functools.partial(Gym, id, num_envs=2, seed=1, options={'max_episode_steps': 30}))
    assert equal and ends >= 10


class Walk(gymnasium.Env):
    """Everything that an environment may hold and Gymnasium's own do not."""

    def __init__(self, render_mode=None, **held):
        self.observation_space = spaces.Dict(a=spaces.Box(-9, 9, (2,)), b=spaces.Discrete(5, seed=1))
        self.action_space = spaces.Discrete(2)
        self.module, self.function = types, act
        vars(self).update(held)

    def reset(self, seed=None, options=None):
        super().reset(seed=seed)
        self.random, self.place = self.np_random, np.zeros(2, np.float32)
        self.trail = [self.place]
        return self.observe(), {}

    def step(self, action):
        self.place += self.random.normal(size=2).astype(np.float32) * action  # in the trail too
        return self.observe(), float(self.trail[0].sum()), bool(abs(self.place).max() > 3), False, {}

    def observe(self):
        return {'a': self.place, 'b': self.observation_space['b'].sample()}


class Opened(Walk):
    """One that says itself what it is made of."""

    def state(self):
        return {'place': self.place, 'dice': self.observation_space['b'].np_random} if self.ready else None

    def restore(self, state):
        self.random, self.place, self.trail = self.np_random, state['place'], [state['place']]
        self.observation_space['b']._np_random = state['dice']


@pytest.fixture
def walk():
    def make(kind=Walk, **held):
        options = {**held, 'max_episode_steps': 20}
        return Gym(f'{kind.__name__}-v0', num_envs=2, seed=1, options=options)

    for kind in (Walk, Opened):
        gymnasium.register(f'{kind.__name__}-v0', kind, disable_env_checker=True)
    yield make
    for kind in (Walk, Opened):
        gymnasium.registry.pop(f'{kind.__name__}-v0')


def test_an_environment_of_ones_own_goes_on(walk):
    equal, ends = goes_on(walk)
    assert equal and ends > 10


@pytest.mark.parametrize('held', [object(), {'a': [random.Random(1)]}, functools.partial(act), np.frombuffer(b'a' * 8)])
def test_an_environment_that_holds_something_else_has_no_state(walk, held):
    suite = walk(held=held)
    suite.reset()
    assert suite.state() is None


def test_an_environment_may_offer_its_own_state(walk):
    equal, ends = goes_on(functools.partial(walk, Opened, held=object(), ready=True))
    assert equal and ends > 10
    suite = walk(Opened, ready=False)
    suite.reset()
    assert suite.state() is None


def test_an_emulator_inside_has_no_state():
    suite = Gym('ALE/Pong-v5')
    suite.reset()
    assert suite.state() is None
