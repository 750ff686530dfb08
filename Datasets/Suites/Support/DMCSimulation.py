"""One environment of dm_control (arXiv:2006.12983). Import this after `Renderer` has chosen an OpenGL."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from Datasets.Experience import Spec
from Datasets.Suites.Support.PlainData import Packer, Unpacker
from Support.Errors import UserError, hint, one_line

if TYPE_CHECKING:
    from Datasets.Suites.Support.MuJoCoState import Physics

MANIPULATION = 'manipulation_'
CAMERAS = {'quadruped': 2}  # DrQ-v2's (arXiv:2107.09645); elsewhere camera 0, the only one of manipulation
COUNTERS = ('_step_count', '_reset_next_step')  # of dm_control's environment: steps of the episode; whether it ended
UNLIMITED = 1e6  # the bounds of an actuator without limits are +-1e10


class Simulation:
    """A task from pixels, or from its state.

    `env` is dm_control's own environment, with its `physics` and its `task` (and the task's random state); `frames` are
    the control steps since the episode started. Nothing else changes from step to step, so `state` consists of these.

    Arguments:
        name: 'cheetah_run', 'ball_in_cup_catch', 'manipulation_reach_duplo'
        seed: of initial states and of all that the task draws
        pixels: observe frames of so many pixels a side, uint8 [3, H, W]; None: the state, float32 [D]
        action_repeat: control steps per agent step; their rewards are summed, and it stops where an episode ends
        max_frames: control steps after which an episode is truncated, if it was not before
        camera: number or name; None: the usual one for this task
        shadow_size: texels a side of the shadow map; None: the model's own (2048, manipulation 4096)
        video: pixels a side of the pictures of `render`
    """

    def __init__(self, name: str, seed: int, *, pixels: int | None = None, action_repeat: int = 1,
                 max_frames: int | None = None, camera: int | str | None = None, shadow_size: int | None = None,
                 video: int = 240) -> None:  # fmt: skip
        self.env = load_task(name, seed, vision=pixels is not None)
        self.name, self.seed, self.pixels, self.video = name, seed, pixels, video
        self.action_repeat, self.max_frames, self.frames = action_repeat, max_frames or float('inf'), 0
        self.camera = CAMERAS.get(name.split('_')[0], 0) if camera is None else camera
        prepare_drawing(self.env, max(pixels or 0, video), shadow_size)
        self._cameras: dict[int, tuple[Any, Any]] = {}  # by pixels a side: the model, and its camera
        self._physics: Any = None if compiles(self.env) else physics_of(self.env)
        action = self.env.action_spec()
        low, high = (np.broadcast_to(bound, action.shape) for bound in (action.minimum, action.maximum))
        unlimited = np.maximum(abs(low), abs(high)) > UNLIMITED
        self._low, self._high = np.where(unlimited, -1, low), np.where(unlimited, 1, high)
        bounds = dict(low=self._low.astype(np.float32), high=self._high.astype(np.float32))
        obs = ((3, pixels, pixels), 'uint8') if pixels else ((count_numbers(self.env.observation_spec()),), 'float32')
        self.spec = Spec(*obs, action.shape, None, **bounds)

    def reset(self) -> np.ndarray:
        """Starts the first episode of the seed. Returns its first observation."""
        random_of(self.env).seed(self.seed)
        return self.begin()

    def begin(self) -> np.ndarray:
        """Starts the next episode. Returns its first observation."""
        self.frames = 0
        self._obs = self._observe(self.env.reset())
        return self._obs

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, np.ndarray]:
        """Acts with float [A] in [-1, 1]. Returns obs, reward, terminated, truncated and final_obs.

        Where an episode ends, the next one starts: `obs` is its first observation, `final_obs` the last of the old one.
        dm_control's episodes end with discount 0, which is a terminal, or at a time limit with discount 1.
        """
        control = self._low + (np.clip(action, -1, 1).astype(np.float64) + 1) / 2 * (self._high - self._low)
        reward, terminated, truncated = 0.0, False, False
        for _ in range(self.action_repeat):
            timestep = self._advance(control)
            if timestep is None:
                truncated = True
                break
            reward += timestep.reward
            terminated = timestep.last() and timestep.discount == 0
            truncated = not terminated and (timestep.last() or self.frames >= self.max_frames)
            if terminated or truncated:
                break
        final_obs = self._obs = self._obs if timestep is None else self._observe(timestep)
        return self.begin() if terminated or truncated else final_obs, reward, terminated, truncated, final_obs

    def render(self) -> np.ndarray:
        """Returns a picture uint8 [video, video, 3] from the camera of the observations."""
        return self._draw(self.video)

    def state(self) -> dict[str, Any] | None:
        """Returns what `restore` takes, as plain data; None where each episode has another model."""
        if self._physics is None:
            return None
        packer = Packer()
        return {
            'physics': self._physics.state(),
            'task': packer.attributes(self.env.task),
            'counters': {name: vars(self.env)[name] for name in COUNTERS},
            'frames': self.frames,
            'obs': self._obs.copy(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continues where `state` was taken, in a simulation that has not been stepped yet."""
        unpacker = Unpacker()
        self._physics.restore(state['physics'])
        vars(self.env.task).update({name: unpacker(value) for name, value in state['task'].items()})
        vars(self.env).update({name: state['counters'][name] for name in COUNTERS})
        self.frames, self._obs = state['frames'], state['obs'].copy()

    def _advance(self, control: np.ndarray) -> Any:
        """One control step -> TimeStep; None if the simulation became unstable, which is no terminal of the task."""
        from dm_control.rl.control import PhysicsError

        self.frames += 1
        try:
            return self.env.step(control)
        except PhysicsError as error:
            say_unstable(self.name, one_line(error))
            return None

    def _observe(self, timestep: Any) -> np.ndarray:
        if self.pixels:
            return self._draw(self.pixels).transpose(2, 0, 1)  # [H, W, 3] -> [3, H, W]
        return np.concatenate([np.ravel(part) for part in timestep.observation.values()]).astype(np.float32)  # [D]

    def _draw(self, side: int) -> np.ndarray:
        """A frame [side, side, 3]. Cameras are kept: to make one takes 2 ms, longer than a GPU draws."""
        from dm_control.mujoco.engine import Camera

        model, camera = self._cameras.get(side, (None, None))
        if model is not self.env.physics.model:  # manipulation compiles another one for each episode
            model, camera = self.env.physics.model, Camera(self.env.physics, side, side, self.camera)
            self._cameras[side] = model, camera
        return camera.render().copy()  # the camera draws into the same array every time


@functools.cache
def tasks() -> dict[str, tuple[str, str]]:
    """Returns the domain and task of each name: {'cheetah_run': ('cheetah', 'run'), ...}."""
    from dm_control import suite

    return {'_'.join(pair): pair for pair in suite.ALL_TASKS}


def load_task(name: str, seed: int, vision: bool) -> Any:
    """Returns dm_control's environment of a task. Raises UserError for unknown names."""
    quieten()
    if name.startswith(MANIPULATION):
        return load_manipulation(name, seed, vision)
    from dm_control import suite

    if name not in tasks():
        raise UserError(f"No DeepMind Control task '{name}'.{hint(name, tasks())} All: python Run.py --help")
    return suite.load(*tasks()[name], task_kwargs={'random': seed})


def quieten() -> None:
    """Silences absl, through which dm_control warns for every environment that its model uses something deprecated.

    Its stream is set to Python's own stderr: absl closes any other one when Hydra sets up logging for the next job of a
    sweep.
    """
    from absl import logging

    logging.set_verbosity(logging.ERROR)
    logging.get_absl_handler().python_handler.stream = sys.__stderr__


def load_manipulation(name: str, seed: int, vision: bool) -> Any:
    """Returns a task of dm_control.manipulation, its own camera off: that would draw every frame, not every step."""
    from dm_control import manipulation

    kind = '_vision' if vision else '_features'
    known = {MANIPULATION + key.removesuffix(kind): key for key in manipulation.ALL if key.endswith(kind)}
    if name not in known:
        raise UserError(f"No DeepMind Control task '{name}'.{hint(name, known)} All: python Run.py --help")
    env = manipulation.load(known[name], seed)
    if vision:
        env.task.observables['front_close'].enabled = False
    return env


def random_of(env: Any) -> np.random.RandomState:
    """Returns the generator that the task draws from."""
    return env.random_state if hasattr(env, 'random_state') else env.task.random


def compiles(env: Any) -> bool:
    """Returns whether the task, one of manipulation, compiles another model for each episode."""
    return hasattr(env.task, 'root_entity')


def physics_of(env: Any) -> Physics:
    """Returns the environment's Physics."""
    from Datasets.Suites.Support.MuJoCoState import Physics

    return Physics(env.physics.model.ptr, env.physics.data.ptr)


def prepare_drawing(env: Any, side: int, shadow_size: int | None = None) -> None:
    """Sets the size of the frame buffer and of the shadow map, both by pixels a side, before the first frame."""
    if compiles(env):
        options = env.task.root_entity.mjcf_model.visual
        buffer = getattr(options, 'global')
    else:
        options = env.physics.model.vis
        buffer = options.global_
    buffer.offwidth = buffer.offheight = side
    if shadow_size:
        options.quality.shadowsize = shadow_size


def count_numbers(observation_spec: dict[str, Any]) -> int:
    """Returns how many numbers an observation holds."""
    return sum(int(np.prod(part.shape)) for part in observation_spec.values())


@functools.cache
def say_unstable(name: str, message: str) -> None:
    """Prints a warning, once per task and message."""
    print(f'{name}: an unstable simulation ended its episode as a time limit would ({message}).', file=sys.stderr)
