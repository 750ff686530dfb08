"""DMC: parity with dm_control, limits against ends, action repeat, processes, exact resume, errors."""

import json
import subprocess
import sys

import numpy as np
import pytest

from Datasets.Suites import DMC as module
from Datasets.Suites import env_seeds
from Datasets.Suites.DMC import DMC
from Datasets.Suites.Support import Renderer
from Hyperparams.Options import FOLDER, options
from Support.Errors import UserError


def state(name, **options):
    return DMC(name, **{'pixels': None, 'action_repeat': 1, **options})


def original(name, seed):
    """dm_control's own environment, without anything of ours. Import it after a suite chose the renderer."""
    from dm_control import suite

    return suite.load(*name, task_kwargs={'random': seed})


# The same as dm_control


def test_states_and_summed_rewards_are_those_of_dm_control():
    suite = state('walker_walk', num_envs=2, seed=3, action_repeat=2)
    obs = suite.reset()
    env = original(('walker', 'walk'), env_seeds(3, True, 2)[1])
    first = env.reset()
    assert np.array_equal(obs[1], np.concatenate([np.ravel(x) for x in first.observation.values()]).astype('f4'))
    for action in np.random.default_rng(0).uniform(-1, 1, (20, 2, 6)).astype(np.float32):
        step = suite.step(action)
        steps = [env.step(action[1]) for _ in range(2)]
        assert step.reward[1] == np.float32(steps[0].reward + steps[1].reward)
        expected = np.concatenate([np.ravel(x) for x in steps[1].observation.values()]).astype('f4')
        assert np.array_equal(step.obs[1], expected)
    assert suite.frames_per_step == 2


@pytest.mark.parametrize(('name', 'camera'), [('cheetah_run', 0), ('quadruped_walk', 2)])
def test_pictures_are_those_of_dm_control(draws, name, camera):
    suite = DMC(name, seed=3, video=720)
    assert suite.spec.obs_shape == (3, 84, 84) and suite.spec.obs_dtype == 'uint8'
    env = original(name.split('_'), env_seeds(3, True, 1)[0])
    obs = suite.reset()
    env.reset()
    action = np.full((1, *suite.spec.action_shape), 0.5, np.float32)
    for _ in range(2):
        assert np.array_equal(obs[0], env.physics.render(84, 84, camera_id=camera).transpose(2, 0, 1))
        obs = suite.step(action).obs
        for _ in range(2):
            env.step(suite.spec.low + 0.75 * (suite.spec.high - suite.spec.low).astype(np.float64))
    assert suite.render()[0].shape == (720, 720, 3)


def test_a_small_shadow_map_changes_next_to_nothing(draws):
    pictures = [DMC('walker_walk', seed=1, shadow_size=size).reset().astype(float) for size in (None, 512)]
    difference = np.abs(pictures[0] - pictures[1])
    assert difference.max() > 0 and difference.mean() < 0.5


def test_manipulation(draws):
    suite = DMC('manipulation_reach_site', seed=1, shadow_size=64)
    assert suite.reset().shape == (1, 3, 84, 84) and suite.spec.action_shape == (9,)
    env = suite.vector.envs[0].env
    assert 'front_close' not in env.observation_spec()  # it is drawn once per agent step, by us
    first = suite.step(np.ones((1, 9), np.float32)).obs
    suite.reset()
    assert np.array_equal(first, suite.step(np.ones((1, 9), np.float32)).obs)
    assert np.allclose(suite.spec.high[:3], 0.628, atol=1e-3)


# Limits, ends, repeats


def test_the_time_limit_is_a_truncation():
    suite = state('pendulum_swingup', seed=1, max_frames=None)
    suite.reset()
    steps = [suite.step(np.zeros((1, 1))) for _ in range(1001)]
    assert [t + 1 for t, step in enumerate(steps) if step.truncated[0]] == [1000]
    assert not any(step.terminated[0] for step in steps)


def test_max_frames_ends_what_has_no_limit():
    suite = state('lqr_lqr_2_1', seed=1, max_frames=5, action_repeat=2)
    suite.reset()
    assert [bool(suite.step(np.ones((1, 1))).truncated[0]) for _ in range(6)] == [False, False, True] * 2
    assert suite.spec.low == -1 and suite.spec.high == 1  # actuators without limits


def test_every_task_file_names_a_task_and_every_task_has_a_file():
    from dm_control import manipulation

    from Datasets.Suites.Support.DMCSimulation import tasks

    names = {suite: {task.split('/')[1] for task in options('task') if task.startswith(f'{suite}/')}
             for suite in ('dmc', 'dmc_state')}  # fmt: skip
    vision = {f'manipulation_{name.removesuffix("_vision")}' for name in manipulation.get_environments_by_tag('vision')}
    assert len(tasks()) == 51
    assert names['dmc_state'] == set(tasks()) and names['dmc'] == set(tasks()) | vision


def test_lengths_are_those_of_the_published_curves():
    from omegaconf import OmegaConf

    from Logging.Plots.Results import reference

    curves = reference('curves')
    drqv2 = curves[(curves['suite'] == 'dmc') & (curves['method'] == 'DrQ-v2')].groupby('task')['frame'].max()
    assert len(drqv2) == 24
    for task, frames in drqv2.items():
        files = [OmegaConf.load(FOLDER / 'task' / 'dmc' / f'{name}.yaml') for name in ('default', task)]
        steps = OmegaConf.merge(*({'train_steps': file.get('train_steps')} for file in files if 'train_steps' in file))
        assert frames <= 2 * steps.train_steps <= 1.05 * frames, task


@pytest.mark.slow
@pytest.mark.parametrize('task', [task for task in options('task') if task.startswith('dmc')])
def test_every_task_runs(task):
    kind, name = task.split('/')
    if kind == 'dmc' and Renderer.choose().backend is None:
        pytest.skip(Renderer.choose().problem)
    suite = DMC(name, shadow_size=512, **({} if kind == 'dmc' else {'pixels': None, 'action_repeat': 1}))
    obs = suite.reset()
    step = suite.step(np.zeros((1, *suite.spec.action_shape)))
    assert obs.shape == step.obs.shape and np.isfinite(step.obs).all() and np.isfinite(step.reward).all()


# Exact resume


def assert_goes_on(before, after, name, steps=40):
    """A suite that `after` builds answers as that of `before` does, from whose state it begins."""
    options = dict(num_envs=3, seed=1, max_frames=25)
    suite, other = state(name, **options, **before), state(name, **options, **after)
    rng = np.random.default_rng(0)
    suite.reset()
    for step in range(30 + steps):
        if step == 30:
            other.restore(suite.state())
        action = rng.uniform(-1, 1, (3, *suite.spec.action_shape)).astype(np.float32)
        ours = suite.step(action)
        if step >= 30:
            theirs = other.step(action)
            assert all(np.array_equal(a, b) for a, b in zip(ours[:5], theirs[:5], strict=True)), (name, step)
    assert tolist(suite.state()) == tolist(other.state())
    suite.close(), other.close()


def tolist(state):
    return json.dumps(state, default=np.ndarray.tolist)


@pytest.mark.parametrize('name', ['cheetah_run', 'humanoid_walk', 'reacher_hard', 'point_mass_hard', 'lqr_lqr_2_1'])
def test_a_simulation_goes_on_where_it_was_saved(name):
    assert_goes_on({}, {}, name)


def test_processes_go_on_where_this_process_was():
    assert_goes_on({}, {'processes': 2}, 'pendulum_swingup')


@pytest.mark.slow
@pytest.mark.parametrize('name', [task.split('/')[1] for task in options('task') if task.startswith('dmc_state/')])
def test_every_task_goes_on_where_it_was_saved(name):
    if name == 'quadruped_escape' and Renderer.choose().backend is None:
        pytest.skip(Renderer.choose().problem)  # its terrain is drawn at each reset
    assert_goes_on({}, {}, name)


def test_manipulation_has_no_state(draws):
    suite = DMC('manipulation_reach_site', pixels=16, shadow_size=16)
    suite.reset()
    assert suite.state() is None


# Processes


def test_number_of_processes(monkeypatch):
    monkeypatch.setattr(module, 'usable_cores', lambda: 4)
    assert [module.number_of(p, 8) for p in (False, 0, True, 2, 99)] == [0, 0, 4, 2, 8]
    for wrong in ('many', -1, 1.5):
        with pytest.raises(UserError, match='true, false or a number'):
            module.number_of(wrong, 8)


def test_nothing_heavy_is_imported_for_other_tasks():
    code = 'import sys, Datasets.Suites.DMC; print([m for m in ("dm_control", "mujoco", "torch") if m in sys.modules])'
    done = subprocess.run([sys.executable, '-c', code], cwd=FOLDER.parent, capture_output=True, text=True)
    assert done.stdout == '[]\n', done.stderr


# Mistakes


@pytest.mark.parametrize(
    ('name', 'near'),
    [('cheetah_rum', 'cheetah_run'), ('Walker_walk', 'walker_walk'), ('manipulation_reach_dupl', 'manipulation_reach')],
)
def test_an_unknown_task_names_the_nearest(name, near):
    with pytest.raises(UserError, match=f"No DeepMind Control task '{name}'. Nearest: {near}") as error:
        state(name)
    assert '\n' not in str(error.value)


def test_without_dm_control_the_command_is_named(monkeypatch):
    Renderer.choose()
    monkeypatch.setitem(sys.modules, 'dm_control', None)
    monkeypatch.delitem(sys.modules, 'dm_control.suite', raising=False)
    from Datasets.Suites.Support import DMCSimulation

    DMCSimulation.tasks.cache_clear()
    with pytest.raises(UserError, match='pip install dm_control==1'):
        state('cheetah_run')
