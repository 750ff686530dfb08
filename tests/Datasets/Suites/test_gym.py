"""Gym: limits against ends, action repeat, spaces, errors."""

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from Datasets.Suites.Gym import Gym
from Support.Errors import UserError


class Counter(gymnasium.Env):
    """Counts its steps in one array that it reuses; ends after `length` of them."""

    def __init__(self, observation_space=None, action_space=None, length=5, render_mode=None):
        self.observation_space = observation_space or spaces.Box(-100, 100, (1,), np.float64)
        self.action_space = action_space or spaces.Discrete(2)
        self.length, self.render_mode = length, render_mode
        self.obs = np.zeros(1)
        self.actions = []

    def reset(self, seed=None, options=None):
        super().reset(seed=seed)
        self.obs[:] = 0
        return self._observe(), {}

    def step(self, action):
        self.actions.append(action)
        self.obs += 1
        return self._observe(), 1.5, bool(self.obs[0] >= self.length), False, {}

    def _observe(self):
        return self.obs if self.observation_space.shape == (1,) else self.observation_space.sample()


@pytest.fixture(autouse=True)
def registered():
    gymnasium.register('Counter-v0', Counter, disable_env_checker=True)
    yield
    gymnasium.registry.pop('Counter-v0')


def counter(**options):
    return Gym('Counter-v0', num_envs=2, options=options)


def test_mountain_car_is_truncated_at_200_and_cartpole_at_500():
    suite = Gym('MountainCar-v0', num_envs=2, seed=1)
    suite.reset()
    steps = [suite.step(np.ones(2, int)) for _ in range(400)]
    assert [t + 1 for t, s in enumerate(steps) if s.truncated.any()] == [200, 400]
    assert not any(s.terminated.any() for s in steps)

    suite = Gym('CartPole-v1', num_envs=1, seed=1)
    obs = suite.reset()
    for t in range(500):  # a hand-made controller that holds the pole
        step = suite.step((obs @ np.array([0.1, 0.5, 1.0, 1.0]) > 0).astype(int))
        obs = step.obs
        assert not step.terminated.any()
        assert step.truncated.any() == (t == 499)


def test_a_failing_pole_terminates_with_its_last_observation():
    suite = Gym('CartPole-v1', num_envs=1, seed=1)
    suite.reset()
    total = 0
    for _ in range(50):
        step = suite.step(np.zeros(1, int))
        total += step.reward[0]
        if step.terminated[0]:
            break
    assert step.terminated[0] and not step.truncated[0] and 5 < total < 15
    assert abs(step.final_obs[0, 2]) > 0.2 > abs(step.obs[0, 2])  # the pole leans over; it stands again


def test_final_obs_of_an_environment_that_reuses_its_array():
    suite = counter()
    suite.reset()
    steps = [suite.step(np.zeros(2, int)) for _ in range(6)]
    assert [s.final_obs[0, 0] for s in steps] == [1, 2, 3, 4, 5, 1]
    assert [s.obs[0, 0] for s in steps] == [1, 2, 3, 4, 0, 1]


def test_action_repeat_sums_rewards_and_stops_at_the_end():
    suite = Gym('Counter-v0', num_envs=1, action_repeat=3)
    suite.reset()
    first, second, third = (suite.step(np.zeros(1, int)) for _ in range(3))
    assert (first.reward[0], first.obs[0, 0], first.terminated[0]) == (4.5, 3, False)
    assert (second.reward[0], second.final_obs[0, 0], second.obs[0, 0], second.terminated[0]) == (3.0, 5, 0, True)
    assert (third.reward[0], third.obs[0, 0]) == (4.5, 3)
    assert suite.frames_per_step == 3


def test_actions_are_rescaled_to_the_bounds():
    low, high = np.array([-2, 0], np.float32), np.array([2, 10], np.float32)
    suite = counter(action_space=spaces.Box(low, high))
    assert suite.spec.action_shape == (2,) and suite.spec.num_actions is None
    assert np.array_equal(suite.spec.low, low) and np.array_equal(suite.spec.high, high)
    suite.reset()
    suite.step(np.array([[-1, -1], [1, 0]], np.float32))
    suite.step(np.array([[-9, 9], [0, 0.5]], np.float32))  # beyond the range: clipped
    first, second = (env.unwrapped.actions for env in suite._envs)
    assert np.allclose(first, [[-2, 0], [-2, 10]]) and np.allclose(second, [[2, 5], [0, 7.5]])


def test_discrete_actions_may_start_anywhere():
    suite = counter(action_space=spaces.Discrete(3, start=-1))
    suite.reset()
    suite.step(np.array([0, 2]))
    assert [env.unwrapped.actions for env in suite._envs] == [[-1], [1]]


@pytest.mark.parametrize(
    ('space', 'shape', 'dtype'),
    [
        (spaces.Box(0, 255, (20, 30, 3), np.uint8), (3, 20, 30), 'uint8'),
        (spaces.Box(0, 255, (3, 20, 30), np.uint8), (3, 20, 30), 'uint8'),
        (spaces.Box(0, 255, (20, 30), np.uint8), (1, 20, 30), 'uint8'),
        (spaces.Box(0, 255, (128,), np.uint8), (128,), 'float32'),
        (spaces.Box(-1, 1, (2, 3)), (6,), 'float32'),
        (spaces.Discrete(7), (7,), 'float32'),
        (spaces.Dict(a=spaces.Box(-1, 1, (2,)), b=spaces.Discrete(3)), (5,), 'float32'),
        (spaces.Tuple((spaces.Discrete(2), spaces.Discrete(3))), (5,), 'float32'),
    ],
)
def test_observation_spaces(space, shape, dtype):
    suite = counter(observation_space=space)
    assert (suite.spec.obs_shape, suite.spec.obs_dtype) == (shape, dtype)
    assert suite.reset().shape == (2, *shape)
    assert suite.step(np.zeros(2, int)).obs.dtype == dtype


def test_image_channels_come_first():
    image = np.arange(20 * 30 * 3, dtype=np.uint8).reshape(20, 30, 3)
    suite = counter(observation_space=spaces.Box(0, 255, (20, 30, 3), np.uint8))
    suite._envs[0].unwrapped._observe = lambda: image
    assert np.array_equal(suite.reset()[0], image.transpose(2, 0, 1))


@pytest.mark.parametrize(
    ('kind', 'space', 'named'),
    [
        ('observation_space', spaces.Text(5), 'Text'),
        ('observation_space', spaces.Sequence(spaces.Discrete(2)), 'Sequence'),
        ('observation_space', spaces.Dict(a=spaces.Text(5), b=spaces.Box(0, 255, (8, 8), np.uint8)), 'Text'),
        ('action_space', spaces.MultiBinary(3), 'MultiBinary'),
        ('action_space', spaces.Box(-np.inf, np.inf, (2,)), 'Box'),
        ('action_space', spaces.Dict(a=spaces.Discrete(2), b=spaces.MultiBinary(3)), 'MultiBinary'),
        ('action_space', spaces.Tuple((spaces.Discrete(2), spaces.Box(0, np.inf, (2,)))), 'Box'),
    ],
)
def test_unsupported_spaces_are_named(kind, space, named):
    with pytest.raises(UserError, match=f'not supported: {named}'):
        counter(**{kind: space})


@pytest.mark.parametrize(
    ('id', 'options', 'message'),
    [
        ('CartPol-v1', {}, 'Nearest: CartPole-v1'),
        ('CartPole-v7', {}, 'Nearest: CartPole'),
        ('no_such_package:Env-v0', {}, "No module named 'no_such_package'"),
        ('CartPole-v1', {'gravity_': 1}, 'gravity_'),
        ('nonsense id', {}, 'nonsense id'),
    ],
)
def test_errors_are_one_sentence(id, options, message):
    with pytest.raises(UserError, match=message) as error:
        Gym(id, options=options)
    assert '\n' not in str(error.value)


def test_a_missing_library_names_the_pip_command(monkeypatch):
    def missing(**_):
        raise gymnasium.error.DependencyNotInstalled('Box2D is not installed, run `pip install "gymnasium[box2d]"`')

    gymnasium.register('Missing-v0', missing)
    try:
        with pytest.raises(UserError, match=r'pip install "gymnasium\[box2d\]"'):
            Gym('Missing-v0')
    finally:
        gymnasium.registry.pop('Missing-v0')


def test_an_environment_of_a_module(tmp_path, monkeypatch):
    (tmp_path / 'my_suite_pkg.py').write_text(
        'import gymnasium\nfrom gymnasium.envs.classic_control import CartPoleEnv\n'
        "gymnasium.register('MyEnv-v0', CartPoleEnv, max_episode_steps=7)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    suite = Gym('my_suite_pkg:MyEnv-v0', seed=1)
    assert suite.spec.obs_shape == (4,)
    gymnasium.registry.pop('MyEnv-v0')


def test_an_environment_that_lacks_a_method_is_told_which(monkeypatch):
    monkeypatch.delattr(Counter, 'step')
    with pytest.raises(UserError, match='Counter has no step of its own'):
        Gym('Counter-v0')
    monkeypatch.delattr(Counter, 'reset')
    with pytest.raises(UserError, match='Counter has no reset and no step of its own'):
        Gym('Counter-v0')


def test_atari_by_its_gymnasium_id():
    suite = Gym('ALE/Pong-v5', options={'obs_type': 'grayscale'})
    assert suite.spec.obs_shape == (1, 210, 160) and suite.reset().dtype == np.uint8


def test_a_picture_that_fails_is_told_once_and_stops_nothing(monkeypatch, capsys):
    monkeypatch.setattr(Counter, 'metadata', {'render_modes': ['rgb_array']})
    suite = Gym('Counter-v0', train=False)
    suite.reset()
    assert suite.render() is None and suite.render() is None  # Counter cannot draw
    assert capsys.readouterr().err.count('No videos of Counter-v0') == 1
    assert Gym('Counter-v0', train=True)._envs[0].render_mode is None
