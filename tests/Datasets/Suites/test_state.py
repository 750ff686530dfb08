"""States as plain data: values taken apart and put together, and Gymnasium's environments with whatever they hold."""

import functools
import json
import random
import types

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from Datasets.Suites.Gym import Gym
from Datasets.Suites.Support.PlainData import Opaque, Packer, Unpacker


def packed_and_back(value):
    return Unpacker()(Packer()(value))


@pytest.mark.parametrize(
    'value',
    [
        None,
        True,
        2**200,
        -0.1,
        float('inf'),
        'text',
        (1, (2.5, [None]), []),
        {(0, 1): [1, 'a'], 3: {'b': ()}},
    ],
)
def test_values_come_back_as_they_were(value):
    code = json.loads(json.dumps(Packer()(value)))
    assert Unpacker()(code) == value and type(Unpacker()(code)) is type(value)


@pytest.mark.parametrize(
    'array',
    [
        np.arange(6, dtype=np.float32).reshape(2, 3)[:, ::-1],
        np.array(7, np.uint64),
        np.zeros((0, 2)),
        np.array([[b'S', b'FH']]),
        np.array(['é', 'abc']),
        np.float32(0.1),
        np.bool_(True),
    ],
)
def test_arrays_come_back_as_they_were(array):
    back = packed_and_back(array)
    assert type(back) is type(array) and back.dtype == array.dtype and np.array_equal(back, array)


@pytest.mark.parametrize(
    'generator',
    [
        np.random.default_rng(1),
        np.random.Generator(np.random.MT19937(1)),
        np.random.Generator(np.random.Philox(1)),
        np.random.RandomState(1),
    ],
)
def test_random_generators_go_on(generator):
    generator.normal(size=3)
    back = packed_and_back(generator)
    assert np.array_equal(back.normal(size=5), generator.normal(size=5))


def test_what_was_one_is_one_again():
    array, generator = np.zeros(2), np.random.default_rng(1)
    circle = [array]
    circle.append(circle)
    packer, unpacker = Packer(), Unpacker()
    first, second, third, ring = (unpacker(packer(v)) for v in ((array, generator), {'a': array}, generator, circle))
    assert first[0] is second['a'] is ring[0] and first[1] is third and ring[1] is ring


def test_what_cannot_be_taken_apart_is_named():
    array = np.zeros(4)
    for value, named in (
        (random.Random(1), 'random.Random'),
        ({1, 2}, 'set'),
        (array.astype(object), 'object'),
        (np.frombuffer(bytearray(8), np.uint8), 'memory'),
        ((array, array[1:]), 'memory'),  # to write into one is to write into the other
    ):
        with pytest.raises(Opaque, match=named):
            Packer()(value)
    Packer()((array[:2], array[2:]))  # parts that do not overlap


# Gymnasium's environments


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


def test_what_was_changed_in_mujocos_model_is_saved():
    import mujoco

    from Datasets.Suites.Support.MuJoCoState import Physics

    def build():
        model = mujoco.MjModel.from_xml_string(
            '<mujoco><worldbody><geom type="plane" size="1 1 1"/><body pos="0 0 .5"><freejoint/>'
            '<geom size=".1 .2 .3" type="box"/></body></worldbody></mujoco>'
        )
        return Physics(model, mujoco.MjData(model))

    one, other = build(), build()
    one.model.geom_size[1] = 0.15
    one.model.opt.gravity[2] = -20
    one.data.qvel[3:] = 1, 2, 3
    mujoco.mj_step(one.model, one.data, 150)  # it lies on the plane
    state = one.state()
    assert list(state['model']) == ['geom_size'] and one.data.ncon > 0
    other.restore(state)
    for physics in (one, other):
        mujoco.mj_step(physics.model, physics.data, 100)
    assert np.array_equal(one.state()['integration'], other.state()['integration'])
