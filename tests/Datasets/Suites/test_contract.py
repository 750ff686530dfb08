"""Every suite keeps one contract (Datasets/Suites/Support/Contract.py)."""

import functools
import io
import json

import numpy as np
import pytest

from Datasets.Experience import Spec, Step
from Datasets.Suites.Atari import Atari
from Datasets.Suites.Classify import Classify, Digits
from Datasets.Suites.Discrete import Discrete
from Datasets.Suites.DMC import DMC
from Datasets.Suites.Gym import Gym
from Datasets.Suites.Support import Renderer
from Datasets.Suites.Support.Contract import CONTRACT, Suite
from Support.Errors import UserError

SUITES = {
    'atari': functools.partial(Atari, 'breakout', max_frames=200),
    'atari_exact': functools.partial(Atari, 'breakout', max_frames=200, exact=True),
    'gym_discrete': functools.partial(Gym, 'CartPole-v1'),
    'gym_continuous': functools.partial(Gym, 'Pendulum-v1', options={'max_episode_steps': 20}),
    'gym_repeat': functools.partial(Gym, 'CartPole-v1', action_repeat=3),
    'gym_dict': functools.partial(Gym, 'Datasets.Suites.Examples:Reach-v0'),
    'dmc': functools.partial(DMC, 'pendulum_swingup', pixels=16, max_frames=40, shadow_size=16, video=16),
    'dmc_state': functools.partial(DMC, 'walker_walk', pixels=None, action_repeat=1, max_frames=20),
    'discrete_dict': lambda **arguments: Discrete(Gym('Datasets.Suites.Examples:Reach-v0', **arguments), bins=2),
    'discrete': lambda **arguments: Discrete(Gym('Pendulum-v1', options={'max_episode_steps': 20}, **arguments)),
    'classify': functools.partial(Classify, Digits),
}


@pytest.fixture(params=SUITES)
def make(request):
    if request.param == 'dmc' and Renderer.choose().backend is None:
        pytest.skip(Renderer.choose().problem)
    return SUITES[request.param]


def random_action(spec, num_envs, rng):
    if spec.num_actions is not None:
        return rng.integers(0, spec.num_actions, num_envs)
    return rng.uniform(-1, 1, (num_envs, *spec.action_shape)).astype(np.float32)


def play(suite, steps, seed=0):
    """Observations [T + 1, N, ...] and steps [T] under random actions."""
    rng = np.random.default_rng(seed)
    obs = [suite.reset()]
    taken = []
    for _ in range(steps):
        taken.append(suite.step(random_action(suite.spec, suite.num_envs, rng)))
        obs.append(taken[-1].obs)
    return np.stack(obs), taken


@pytest.mark.parametrize('train', [True, False])
def test_shapes_and_dtypes(make, train):
    suite = make(num_envs=3, seed=1, train=train)
    spec = suite.spec
    assert isinstance(spec, Spec) and suite.num_envs == 3 and suite.frames_per_step >= 1
    assert spec.kind == ('classify' if isinstance(suite, Classify) else 'reinforce')
    assert (suite.episodes is None) == (train or spec.kind == 'reinforce')
    obs, steps = play(suite, 40)
    assert obs.dtype == spec.obs_dtype and obs.shape == (41, 3, *spec.obs_shape)
    for step in steps:
        assert isinstance(step, Step)
        assert step.obs.shape == step.final_obs.shape == (3, *spec.obs_shape)
        assert step.obs.dtype == step.final_obs.dtype == spec.obs_dtype
        assert step.reward.dtype == np.float32 and step.reward.shape == (3,)
        assert step.terminated.dtype == step.truncated.dtype == bool
        assert step.terminated.shape == step.truncated.shape == (3,)
        assert not (step.terminated & step.truncated).any()
        assert (step.label is not None) == (spec.kind == 'classify')
    suite.close()


def test_same_step_reset_keeps_the_last_observation_apart(make):
    suite = make(num_envs=3, seed=1, train=True)
    _, steps = play(suite, 120)
    ends = 0
    for step in steps:
        ended = step.terminated | step.truncated
        ends += ended.sum()
        assert np.array_equal(step.final_obs[~ended], step.obs[~ended])
        for i in np.flatnonzero(ended):
            assert not np.array_equal(step.final_obs[i], step.obs[i])
    assert ends >= 3


def test_what_was_returned_is_not_written_again(make):
    suite = make(num_envs=2, seed=1, train=True)
    kept = [suite.reset()]
    copies = [kept[0].copy()]
    rng = np.random.default_rng(0)
    for _ in range(60):
        step = suite.step(random_action(suite.spec, 2, rng))
        kept += [step.obs, step.final_obs]
        copies += [step.obs.copy(), step.final_obs.copy()]
    assert all(np.array_equal(a, b) for a, b in zip(kept, copies, strict=True))


def test_same_seed_same_episodes(make):
    def run(seed, train=True):
        obs, steps = play(make(num_envs=2, seed=seed, train=train), 60)
        return obs, np.array([[s.reward, s.terminated, s.truncated] for s in steps])

    obs, rest = run(seed=1)
    again, rest_again = run(seed=1)
    assert np.array_equal(obs, again) and np.array_equal(rest, rest_again)
    assert not np.array_equal(obs, run(seed=2)[0])
    assert not np.array_equal(obs, run(seed=1, train=False)[0])


def test_reset_begins_again(make):
    suite = make(num_envs=2, seed=1, train=True)
    obs, _ = play(suite, 10)
    assert np.array_equal(obs, play(suite, 10)[0])


def test_render_gives_images_or_nothing(make, capsys):
    for train in (True, False):
        suite = make(num_envs=2, seed=1, train=train)
        suite.reset()
        frames = suite.render()
        if frames is not None:
            assert len(suite.render([1])) == 1 and np.array_equal(suite.render([1])[0], frames[1])
            assert len(frames) == 2 and all(f.dtype == np.uint8 and f.ndim == 3 and f.shape[2] == 3 for f in frames)


# Exact resume: `state` and `restore`


def through_files(node):
    """A state as it comes back from JSON and .npy files, if it is what these can hold."""
    if isinstance(node, dict):
        assert all(type(key) is str for key in node)
        return {key: through_files(value) for key, value in node.items()}
    if isinstance(node, list):
        return [through_files(value) for value in node]
    if isinstance(node, np.ndarray):
        assert node.dtype.kind in 'biuf' and node.base is None  # a copy
        file = io.BytesIO()
        np.save(file, node, allow_pickle=False)
        file.seek(0)
        return np.load(file)
    assert node is None or type(node) in (bool, int, float, str), type(node)
    return json.loads(json.dumps(node))


def assert_same_future(one, other, steps, seed=3):
    """Both answer the same to the same actions, over the ends of episodes; and they draw the same."""
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        action = random_action(one.spec, one.num_envs, rng)
        ours, theirs = one.step(action), other.step(action)
        for field, value in zip(Step._fields, ours, strict=True):
            assert np.array_equal(value, getattr(theirs, field)), field
    assert np.array_equal(one.render() or [], other.render() or [])


@pytest.mark.parametrize('steps', [0, 33])
@pytest.mark.parametrize('name', SUITES)
def test_a_restored_suite_goes_on_bit_for_bit(name, steps):
    if name == 'dmc' and Renderer.choose().backend is None:
        pytest.skip(Renderer.choose().problem)
    suite = SUITES[name](num_envs=2, seed=1, train=True)
    play(suite, steps)
    state = suite.state()
    assert (state is None) == (name == 'atari')  # ale-py's class keeps its games to itself
    if state is None:
        return
    state = through_files(state)
    other = SUITES[name](num_envs=2, seed=1, train=True)
    other.restore(state)
    assert np.array_equal(suite.render() or [], other.render() or [])
    again = through_files(other.state())
    assert json.dumps(again, default=np.ndarray.tolist) == json.dumps(state, default=np.ndarray.tolist)
    assert_same_future(suite, other, 60 if name == 'dmc' else 200)
    assert np.array_equal(suite.reset(), other.reset())
    assert_same_future(suite, other, 20)


def test_a_state_of_another_suite_is_refused(make):
    suite = make(num_envs=2, seed=1, train=True)
    suite.reset()
    state = suite.state()
    if state is None:
        return
    for changed, named in (({'num_envs': 3}, 'num_envs=2'), ({'seed': 2}, 'seed=1')):
        with pytest.raises(UserError, match=named) as error:
            make(**{'num_envs': 2, 'seed': 1, 'train': True, **changed}).restore(state)
        assert '\n' not in str(error.value)
    with pytest.raises(UserError, match='suite=Somewhere'):
        make(num_envs=2, seed=1, train=True).restore({**state, 'suite': 'Somewhere'})


def test_evaluation_may_be_asked_for_a_state(make):
    suite = make(num_envs=2, seed=1, train=False)
    suite.reset()
    suite.render()
    through_files(suite.state())


def test_the_protocol_names_what_is_checked():
    members = {name for name in (*vars(Suite), *Suite.__annotations__) if not name.startswith('_')}
    assert members == set(CONTRACT)
