"""Chooses the OpenGL that draws DeepMind Control, before dm_control is imported, since the import fixes it.

The environment variable MUJOCO_GL names it: egl (a GPU without display, or Mesa's software), osmesa (software) or glfw
(a display). A wrong one fails the import of dm_control or the whole process, so each is tried in a separate process.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import subprocess
import sys
from typing import NamedTuple

from Support.Errors import UserError

BACKENDS = {'egl': 'libegl1 libgl1', 'osmesa': 'libosmesa6', 'glfw': 'libgl1'}  # in this order; their Debian packages
NONE = 'disabled'  # the value of MUJOCO_GL with which dm_control and mujoco load without OpenGL
SOFTWARE = ('llvmpipe', 'softpipe', 'swrast', 'swiftshader')
PROBE = """
from dm_control._render import Renderer
renderer = Renderer(64, 64)
with renderer.make_current() as context:
    from OpenGL import GL
    print('device:', context.call(GL.glGetString, GL.GL_RENDERER).decode())
renderer.free()
"""


class Renderer(NamedTuple):
    """The renderer of this machine: `backend` is a value of MUJOCO_GL, `device` OpenGL's name of the hardware."""

    backend: str | None  # None: nothing draws here, and `problem` says so in a sentence
    device: str = ''
    problem: str = ''


@functools.cache
def choose() -> Renderer:
    """Sets MUJOCO_GL to a backend that works and returns its Renderer; one that the user set is only tried.

    Where none works, MUJOCO_GL=disabled lets dm_control load all the same: states need no pictures.
    """
    loaded = sys.modules.get('dm_control._render')
    if loaded:  # by other code: too late to choose
        return Renderer(loaded.BACKEND) if loaded.USING_GPU or loaded.BACKEND == 'osmesa' else nothing_draws({})
    wanted = os.environ.get('MUJOCO_GL')
    problems: dict[str, str] = {}
    for backend in [wanted] if wanted else BACKENDS:
        device, problems[backend] = probe(backend)
        if device:
            os.environ['MUJOCO_GL'] = backend
            load_triton()
            return Renderer(backend, device)
    os.environ['MUJOCO_GL'] = NONE
    return nothing_draws(problems, wanted)


def load_triton() -> None:
    """Loads triton before Mesa's LLVM, since torch's first optimizer loads it later and the process would crash.

    Seen with triton 3.9.0 and Mesa 22.3.6: a segmentation fault in `import torch._dynamo`. Takes 0.3 s, once.
    """
    if importlib.util.find_spec('triton'):
        with contextlib.suppress(ImportError):  # then torch cannot load it either
            importlib.import_module('triton._C.libtriton')


def probe(backend: str) -> tuple[str, str]:
    """Draws with a backend in another process. Returns OpenGL's name of the device, or '', and the error, or ''."""
    environment = os.environ | {'MUJOCO_GL': backend}
    try:
        command = [sys.executable, '-c', PROBE]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, errors='replace', timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        return '', f'{type(error).__name__}'
    lines = done.stdout.splitlines()
    device = next((line.removeprefix('device:').strip() for line in lines if line.startswith('device:')), '')
    return device, '' if device else (done.stderr.strip().splitlines() or [f'exit status {done.returncode}'])[-1]


def nothing_draws(problems: dict[str, str], wanted: str | None = None) -> Renderer:
    """Returns the Renderer of a machine without one, with the sentence for its user."""
    if wanted in BACKENDS:
        return Renderer(None, problem=(
            f'MUJOCO_GL={wanted} does not draw here ({problems[wanted]}): apt-get install {BACKENDS[wanted]}, or unset '
            'MUJOCO_GL to try the others.'
        ))  # fmt: skip
    if wanted:
        return Renderer(None, problem=f'MUJOCO_GL={wanted} draws nothing: unset it, or give {", ".join(BACKENDS)}.')
    return Renderer(None, problem=(
        'No OpenGL draws here, neither egl, osmesa nor glfw: apt-get install libosmesa6, or libegl1 libgl1 with the '
        'driver of a GPU; task=dmc_state/... needs none.'
    ))  # fmt: skip


@functools.cache
def require() -> Renderer:
    """Returns the Renderer of this machine; warns once if it is the CPU. Raises UserError if nothing draws."""
    renderer = choose()
    if renderer.backend is None:
        raise UserError(renderer.problem)
    if renderer.backend == 'osmesa' or any(name in renderer.device.lower() for name in SOFTWARE):
        print(
            f'DeepMind Control is drawn by the CPU ({renderer.backend}, {renderer.device.split(" (")[0]}): 10-40 ms a '
            'frame, where a GPU takes 1; suite.shadow_size=512 makes it 1.5 times as fast.',
            file=sys.stderr,
        )
    return renderer
