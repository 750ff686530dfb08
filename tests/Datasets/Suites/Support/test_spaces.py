"""Dict, Tuple and MultiDiscrete spaces: what the environment gives and gets, through suite, stack and replay."""

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces

from Blocks.PackedObservations import unpack
from Datasets.Experience import Part
from Datasets.Replay.Replay import Replay
from Datasets.Suites import fit
from Datasets.Suites.Gym import Gym
from Environment import Environment
from Support.Errors import UserError

IMAGE, STATE = spaces.Box(0, 255, (6, 7, 3), np.uint8), spaces.Box(-1, 1, (2,), np.float64)
NESTED = spaces.Dict(
    state=STATE, camera=IMAGE, body=spaces.Dict(arm=spaces.Box(-9, 9, (2, 2)), mode=spaces.Discrete(3))
)
ARM = spaces.Dict(
    legs=spaces.MultiDiscrete([2, 3], start=[0, 5]), arm=spaces.Box(np.float32([0, -2]), np.float32([10, 2])),
    rest=spaces.Tuple((spaces.Discrete(4, start=-1), spaces.Box(-1, 1, (1, 1)))),
)  # fmt: skip


class Sampled(gymnasium.Env):
    """Shows samples of its observation space and remembers them and what was done; episodes of 4 steps."""

    def __init__(self, observation_space=STATE, action_space=None):
        self.observation_space, self.action_space = observation_space, action_space or spaces.Discrete(2)
        self.shown, self.done = [], []

    def reset(self, seed=None, options=None):
        super().reset(seed=seed)
        if seed is not None:
            self.observation_space.seed(seed)
        self.time = 0
        return self.show(), {}

    def step(self, action):
        self.done.append(action)
        self.time += 1
        return self.show(), 0.0, False, self.time == 4, {}

    def show(self):
        self.shown.append(self.observation_space.sample())
        return self.shown[-1]


@pytest.fixture(autouse=True)
def registered():
    gymnasium.register('Sampled-v0', Sampled, disable_env_checker=True)
    yield
    gymnasium.registry.pop('Sampled-v0')


def sampled(num_envs=1, **options):
    suite = Gym('Sampled-v0', num_envs=num_envs, seed=1, options=options)
    return suite, [env.unwrapped for env in suite._envs]


def parted(record, spec):
    return {name: value[0].numpy() for name, value in unpack(torch.from_numpy(record[None]), spec.parts).items()}


def test_a_dict_with_an_image_is_a_record_of_its_leaves_in_the_order_of_names():
    suite, (env,) = sampled(observation_space=NESTED)
    assert suite.spec.parts == (
        Part('body.arm', (4,), 'float32'), Part('body.mode', (3,), 'float32'),
        Part('camera', (3, 6, 7), 'uint8'), Part('state', (2,), 'float32'),
    )  # fmt: skip
    assert (suite.spec.obs_shape, suite.spec.obs_dtype) == ((16 + 12 + 126 + 8,), 'uint8') and suite.spec.images
    values, shown = parted(suite.reset()[0], suite.spec), env.shown[0]
    assert np.array_equal(values['camera'], shown['camera'].transpose(2, 0, 1))
    assert np.array_equal(values['state'], shown['state'].astype(np.float32))
    assert np.array_equal(values['body.arm'], shown['body']['arm'].ravel())
    assert np.array_equal(values['body.mode'], np.eye(3)[shown['body']['mode']])


@pytest.mark.parametrize('space', [spaces.Tuple((STATE, IMAGE)), spaces.Dict(only=IMAGE)])
def test_tuples_and_single_images_are_records_too(space):
    suite, (env,) = sampled(observation_space=space)
    values = parted(suite.reset()[0], suite.spec)
    image = env.shown[0]['only' if isinstance(space, spaces.Dict) else 1]
    assert np.array_equal(values['only' if isinstance(space, spaces.Dict) else '1'], image.transpose(2, 0, 1))


def test_dicts_without_an_image_stay_vectors():
    suite, _ = sampled(observation_space=spaces.Dict(a=STATE, b=spaces.Dict(c=spaces.Discrete(3))))
    assert (suite.spec.obs_shape, suite.spec.obs_dtype, suite.spec.parts) == ((5,), 'float32', ())
    assert not suite.spec.images


def test_what_the_replay_gives_is_what_the_environment_showed(tmp_path):
    """Bit for bit, through the frame stack; an episode's first frame is repeated."""
    suite, (env,) = sampled(observation_space=NESTED)
    environment, replay = Environment(suite, frame_stack=3), Replay(suite.spec, tmp_path / 'replay', frame_stack=3)

    class Idle:
        def act(self, obs, first):
            seen.append(torch.from_numpy(obs[0].copy()))
            return np.zeros(1, np.int64)

    seen = []
    for _ in range(9):
        environment.rollout(Idle(), replay)
    slots = np.array([0, 1, 2, 3, 5, 6, 7, 8])  # 4 holds the first episode's last observation
    age = replay._at('age', np.zeros(8, int), slots)
    stacks = replay._stacks(np.zeros(8, int), slots[:, None], age[:, None])[:, 0]
    assert torch.equal(stacks, torch.stack(seen[:8]))
    episodes = [env.shown[:5], env.shown[5:10]]
    for stack, (episode, step) in zip(stacks, [(e, t) for e in (0, 1) for t in range(4)], strict=True):
        frames = [episodes[episode][max(0, step - back)] for back in (2, 1, 0)]
        values = parted(stack.numpy(), suite.spec)
        assert np.array_equal(
            values['camera'], np.concatenate([frame['camera'].transpose(2, 0, 1) for frame in frames])
        )
        assert np.array_equal(values['state'], np.concatenate([frame['state'] for frame in frames]).astype(np.float32))


def test_heads_of_an_action_by_hand():
    """First the boxes, in the order of their names (arm, rest), then the choices (legs, rest), each as a one-hot."""
    suite, envs = sampled(num_envs=2, action_space=ARM)
    spec = suite.spec
    assert (spec.action_shape, spec.num_actions, spec.one_hots) == ((3 + 2 + 3 + 4,), None, (2, 3, 4))
    assert spec.continuous == 3 and spec.choices == (2, 3, 4) and spec.low is None
    suite.reset()
    action = np.float32(
        [[-1, 0, 0.5, *(0, 1), *(0, 0, 1), *(1, 0, 0, 0)], [9, -9, 0, *(1, 0), *(1, 0, 0), *(0, 0, 0, 1)]]
    )
    suite.step(action)
    first, second = (env.done[0] for env in envs)
    assert ARM.contains(first) and ARM.contains(second)
    assert first['arm'].tolist() == [0, 0] and second['arm'].tolist() == [10, -2]
    assert first['legs'].tolist() == [1, 7] and second['legs'].tolist() == [0, 5]
    assert first['rest'][0] == -1 and first['rest'][1].tolist() == [[0.5]] and second['rest'][0] == 2


def test_a_multi_discrete_action_is_a_row_of_one_hots():
    suite, (env,) = sampled(action_space=spaces.MultiDiscrete([[2, 3], [4, 2]]))
    assert suite.spec.one_hots == (2, 3, 4, 2) and suite.spec.continuous == 0
    suite.reset()
    suite.step(np.float32([[0, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1]]))
    assert env.done[0].tolist() == [[1, 2], [0, 1]] and env.action_space.contains(env.done[0])


def test_choices_and_bins_as_one_joint_choice():
    """discrete=true: all combinations, each an action that the environment takes."""
    suite = fit(sampled(action_space=spaces.Dict(a=spaces.Discrete(2), b=spaces.Box(-1, 1, (1,))))[0], bins=3)
    assert suite.table.tolist() == [[x, *one] for x in (-1, 0, 1) for one in ([1, 0], [0, 1])]
    assert suite.spec.num_actions == 6 and suite.spec.choices == (6,) and suite.spec.action_shape == ()
    suite, (env,) = sampled(action_space=spaces.MultiDiscrete([2, 3]))
    chosen = fit(suite, bins=3)
    chosen.reset()
    for index in range(6):
        chosen.step(np.array([index]))
    assert [action.tolist() for action in env.done] == [[a, b] for a in range(2) for b in range(3)]


@pytest.mark.parametrize(
    ('space', 'message'),
    [
        (spaces.MultiDiscrete([70, 70]), 'makes 70 x 70 choices .*: leave discrete=true out'),
        (
            spaces.Dict(a=spaces.Box(-1, 1, (6,)), b=spaces.Discrete(9)),
            r'makes 3\^6 x 9 choices .*: bins=2 is the most',
        ),
    ],
)
def test_too_many_joint_choices(space, message):
    with pytest.raises(UserError, match=message):
        fit(sampled(action_space=space)[0], bins=3)
