"""DMC: parity with dm_control, limits against ends, action repeat, processes, renderers, errors."""

import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from Datasets.Suites import DMC as module
from Datasets.Suites import env_seeds
from Datasets.Suites.DMC import DMC
from Datasets.Suites.Support import Renderer
from Datasets.Suites.Support.Vector import answer
from Hyperparams.Options import FOLDER, options
from Support.Errors import UserError


@pytest.fixture
def draws():
    """Skips where no OpenGL works; a machine without it trains from states."""
    if Renderer.choose().backend is None:
        pytest.skip(Renderer.choose().problem)


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


class Counter:
    """A dm_control environment that counts its steps, rewards 1.5 each and ends as told."""

    physics = SimpleNamespace(model=SimpleNamespace(vis=SimpleNamespace(global_=SimpleNamespace()), ptr=None),
                              data=SimpleNamespace(ptr=None))  # fmt: skip

    def __init__(self, length=5, discount=0.0, unstable=None):
        self.length, self.discount, self.unstable, self.actions = length, discount, unstable, []
        self.task = SimpleNamespace(random=np.random.RandomState(0))

    def action_spec(self):
        return SimpleNamespace(shape=(2,), minimum=np.array([-2.0, 0.0]), maximum=np.array([2.0, 10.0]))

    def observation_spec(self):
        return {'count': np.zeros(1), 'square': np.zeros((2, 1))}

    def reset(self):
        self.count = 0
        return self._timestep(None, 1.0)

    def step(self, action):
        from dm_control.rl.control import PhysicsError

        self.count += 1
        self.actions.append(action)
        if self.count == self.unstable:
            raise PhysicsError('mjWARN_BADQACC')
        return self._timestep(1.5, self.discount if self.count == self.length else 1.0)

    def _timestep(self, reward, discount):
        count = float(self.count)
        return SimpleNamespace(reward=reward, discount=discount, last=lambda: count == self.length,
                               observation={'count': count, 'square': np.full((2, 1), count**2)})  # fmt: skip


@pytest.fixture
def counter(monkeypatch):
    from Datasets.Suites.Support import DMCSimulation

    def make(action_repeat=1, **arguments):
        monkeypatch.setattr(DMCSimulation, 'load_task', lambda *_, **__: Counter(**arguments))
        suite = state('counter', action_repeat=action_repeat)
        suite.reset()
        return suite

    Renderer.choose()
    return make


@pytest.mark.parametrize('discount', [0.0, 1.0])
def test_discount_zero_is_a_terminal_and_rewards_stop_at_the_end(counter, discount):
    suite = counter(action_repeat=3, discount=discount)
    first, second, third = (suite.step(np.zeros((1, 2))) for _ in range(3))
    assert (first.reward[0], first.obs[0].tolist(), first.terminated[0]) == (4.5, [3, 9, 9], False)
    assert (second.reward[0], second.final_obs[0].tolist(), second.obs[0].tolist()) == (3.0, [5, 25, 25], [0, 0, 0])
    assert (second.terminated[0], second.truncated[0]) == (discount == 0, discount == 1)
    assert (third.reward[0], third.obs[0, 0]) == (4.5, 3)


def test_actions_are_rescaled_to_the_bounds(counter):
    suite = counter()
    for action in ([-1, -1], [1, 0], [-9, 9]):
        suite.step(np.array([action], np.float32))
    assert np.allclose(suite.vector.envs[0].env.actions, [[-2, 0], [2, 5], [-2, 10]])


def test_an_unstable_simulation_is_a_truncation(counter, capsys):
    suite = counter(unstable=2)
    steps = [suite.step(np.zeros((1, 2))) for _ in range(3)]
    assert [bool(step.truncated[0]) for step in steps] == [False, True, False]
    assert not steps[1].terminated[0] and steps[1].reward[0] == 0
    assert (steps[1].final_obs[0, 0], steps[1].obs[0, 0]) == (1, 0)  # the last one before; the next episode's first
    assert 'mjWARN_BADQACC' in capsys.readouterr().err


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


def test_processes_do_what_this_process_does(draws):
    both = [DMC('pendulum_swingup', num_envs=3, seed=1, pixels=16, max_frames=6, shadow_size=16, video=24, processes=p)
            for p in (False, 2)]  # fmt: skip
    assert np.array_equal(*(suite.reset() for suite in both))
    for action in np.random.default_rng(0).uniform(-1, 1, (5, 3, 1)):
        ours, theirs = (suite.step(action) for suite in both)
        assert all(np.array_equal(a, b) for a, b in zip(ours[:5], theirs[:5], strict=True))
    assert ours.obs.flags.writeable and not np.shares_memory(theirs.obs, both[1].step(action).obs)
    both[0].step(action)
    for envs in (None, [2], [2, 0]):
        assert np.array_equal(*(suite.render(envs) for suite in both))
    vector, processes = both[1].vector, both[1].vector._processes
    with pytest.raises(RuntimeError, match='In a process of the environments: IndexError'):
        vector._pipes[0].send(('render', [9]))
        answer(vector._pipes[0])
    processes[0].kill()
    with pytest.raises(RuntimeError, match='has ended'):
        both[1].step(action)
    both[1].close()
    assert not any(process.is_alive() for process in processes)


def test_number_of_processes(monkeypatch):
    monkeypatch.setattr(module, 'usable_cores', lambda: 4)
    assert [module.number_of(p, 8) for p in (False, 0, True, 2, 99)] == [0, 0, 4, 2, 8]
    for wrong in ('many', -1, 1.5):
        with pytest.raises(UserError, match='true, false or a number'):
            module.number_of(wrong, 8)


# Renderers


@pytest.fixture
def machine(monkeypatch):
    """machine({'egl': 'llvmpipe'}) -> choose() of a machine where only these draw; `machine.tried`: its probes."""
    monkeypatch.delitem(sys.modules, 'dm_control._render', raising=False)
    monkeypatch.setenv('MUJOCO_GL', '')
    monkeypatch.setattr(Renderer, 'choose', Renderer.choose.__wrapped__)
    monkeypatch.setattr(Renderer, 'require', Renderer.require.__wrapped__)

    def make(devices):
        make.tried = []

        def probe(backend):
            make.tried.append(backend)
            return devices.get(backend, ''), '' if backend in devices else 'no such library'

        monkeypatch.setattr(Renderer, 'probe', probe)
        return Renderer.choose()

    return make


def test_the_first_renderer_that_works_is_taken(machine):
    import os

    assert machine({'osmesa': 'llvmpipe', 'glfw': 'GeForce'}).backend == 'osmesa'
    assert machine.tried == ['egl', 'osmesa'] and os.environ['MUJOCO_GL'] == 'osmesa'


def test_the_users_renderer_is_kept(machine, monkeypatch):
    monkeypatch.setenv('MUJOCO_GL', 'glfw')
    assert machine({'egl': 'H200', 'glfw': 'GeForce'}) == Renderer.Renderer('glfw', 'GeForce')
    assert machine.tried == ['glfw']
    assert 'MUJOCO_GL=glfw does not draw here (no such library)' in machine({'egl': 'H200'}).problem
    monkeypatch.setenv('MUJOCO_GL', 'off')
    assert 'egl, osmesa, glfw' in machine({'egl': 'H200'}).problem


def test_without_renderer_states_remain(machine, capsys):
    import os

    machine({})
    assert os.environ['MUJOCO_GL'] == 'disabled'
    os.environ['MUJOCO_GL'] = ''
    with pytest.raises(UserError, match='apt-get install libosmesa6') as error:
        DMC('pendulum_swingup')
    assert '\n' not in str(error.value) and 'task=dmc_state/' in str(error.value)
    os.environ['MUJOCO_GL'] = ''
    suite = state('pendulum_swingup', train=False)
    assert suite.reset().shape == (1, 3)
    assert suite.render() is None and suite.render() is None
    assert capsys.readouterr().err.count('No videos of pendulum_swingup') == 1


@pytest.mark.parametrize(('device', 'lines'), [('llvmpipe (LLVM 15)', 1), ('NVIDIA H200/PCIe', 0)])
def test_a_renderer_of_the_cpu_is_told(machine, capsys, device, lines):
    machine({'egl': device})
    Renderer.require()
    assert len(capsys.readouterr().err.splitlines()) == lines


@pytest.mark.parametrize('code', ['import os; os.kill(os.getpid(), 11)', 'raise ImportError("libEGL")', 'print(1)'])
def test_a_probe_that_dies_is_an_answer(monkeypatch, code):
    monkeypatch.setattr(Renderer, 'PROBE', code)
    device, problem = Renderer.probe('egl')
    assert device == '' and problem in ('exit status -11', 'ImportError: libEGL', 'exit status 0')


def test_nothing_heavy_is_imported_for_other_tasks():
    code = 'import sys, Datasets.Suites.DMC; print([m for m in ("dm_control", "mujoco", "torch") if m in sys.modules])'
    done = subprocess.run([sys.executable, '-c', code], cwd=FOLDER.parent, capture_output=True, text=True)
    assert done.stdout == '[]\n', done.stderr


def test_torch_learns_after_something_was_drawn(draws):
    code = """if True:
        from Datasets.Suites.DMC import DMC
        import torch
        DMC('pendulum_swingup', pixels=16, shadow_size=16).reset()
        torch.optim.AdamW([torch.zeros(1)])  # imports triton, which does not bear Mesa's LLVM before it
        print('fine')"""
    done = subprocess.run([sys.executable, '-c', code], cwd=FOLDER.parent, capture_output=True, text=True)
    assert done.stdout == 'fine\n', done.stderr


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
