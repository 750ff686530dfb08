"""The choice of an OpenGL before dm_control is imported."""

import importlib
import subprocess
import sys

import pytest

from Datasets.Suites.DMC import DMC
from Datasets.Suites.Support import Renderer
from Hyperparams.Options import FOLDER
from Support.Errors import UserError


def state(name, **options):
    return DMC(name, **{'pixels': None, 'action_repeat': 1, **options})


@pytest.fixture
def machine(monkeypatch):
    """machine({'egl': 'llvmpipe'}) -> choose() of a machine where only these draw; `machine.tried`: its probes."""
    Renderer.choose()
    importlib.import_module('dm_control.suite')  # with what draws here, so that later tests can draw
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


def test_torch_learns_after_something_was_drawn(draws):
    code = """if True:
        from Datasets.Suites.DMC import DMC
        import torch
        DMC('pendulum_swingup', pixels=16, shadow_size=16).reset()
        torch.optim.AdamW([torch.zeros(1)])  # imports triton, which does not bear Mesa's LLVM before it
        print('fine')"""
    done = subprocess.run([sys.executable, '-c', code], cwd=FOLDER.parent, capture_output=True, text=True)
    assert done.stdout == 'fine\n', done.stderr
