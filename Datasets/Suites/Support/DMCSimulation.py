"""One environment of dm_control (arXiv:2006.12983) as an agent meets it. Import it once Renderer has chosen."""

import functools
import sys

import numpy as np

from Datasets.Experience import Spec
from Datasets.Suites.Support.PlainData import Packer, Unpacker
from Support.Errors import UserError, hint, one_line

MANIPULATION = 'manipulation_'
CAMERAS = {'quadruped': 2}  # DrQ-v2's (arXiv:2107.09645); elsewhere camera 0, of manipulation its only one
COUNTERS = ('_step_count', '_reset_next_step')  # of dm_control's environment: steps of the episode; whether it ended
UNLIMITED = 1e6  # the bounds of an actuator without limits are +-1e10


class Simulation:
    """A task from pixels, or from its state.

    `env` is dm_control's own environment, with its `physics`, its `task` (and that one's random state), and `frames`
    the control steps since the episode began: nothing else changes from step to step, so `state` is made of these.

    Arguments:
        name: 'cheetah_run', 'ball_in_cup_catch', 'manipulation_reach_duplo'
        seed: of initial states and of whatever the task draws
        pixels: observe frames of so many pixels a side, uint8 [3, H, W]; None: the state, float32 [D]
        action_repeat: control steps per agent step; their rewards are summed, and it stops where an episode ends
        max_frames: control steps after which an episode is truncated, if it was not before
        camera: number or name; None: the one for this task
        shadow_size: texels a side of the shadow map; None: the model's own (2048, of manipulation 4096)
        video: pixels a side of what `render` draws
    """

    def __init__(self, name, seed, *, pixels=None, action_repeat=1, max_frames=None, camera=None, shadow_size=None,
                 video=240):  # fmt: skip
        self.env = load(name, seed, vision=pixels is not None)
        self.name, self.seed, self.pixels, self.video = name, seed, pixels, video
        self.action_repeat, self.max_frames, self.frames = action_repeat, max_frames or float('inf'), 0
        self.camera = CAMERAS.get(name.split('_')[0], 0) if camera is None else camera
        prepare_drawing(self.env, max(pixels or 0, video), shadow_size)
        self._cameras = {}
        self._physics = None if compiles(self.env) else simulation(self.env)
        action = self.env.action_spec()
        low, high = (np.broadcast_to(bound, action.shape) for bound in (action.minimum, action.maximum))
        unlimited = np.maximum(abs(low), abs(high)) > UNLIMITED
        self._low, self._high = np.where(unlimited, -1, low), np.where(unlimited, 1, high)
        bounds = dict(low=self._low.astype(np.float32), high=self._high.astype(np.float32))
        obs = ((3, pixels, pixels), 'uint8') if pixels else ((size(self.env.observation_spec()),), 'float32')
        self.spec = Spec(*obs, action.shape, None, **bounds)

    def reset(self):
        """Begins the first episode of the seed. Returns its first observation."""
        random_of(self.env).seed(self.seed)
        return self.begin()

    def begin(self):
        """Begins the next episode. Returns its first observation."""
        self.frames = 0
        self._obs = self._observe(self.env.reset())
        return self._obs

    def step(self, action):
        """float [A] in [-1, 1] -> (obs, reward, terminated, truncated, final_obs).

        An episode that ended has begun anew: `obs` is the next one's first, `final_obs` its own last.
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

    def render(self):
        """uint8 [video, video, 3], from the camera of the observations."""
        return self._draw(self.video)

    def state(self):
        """What `restore` takes: plain data. None where each episode has another model."""
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

    def restore(self, state):
        """Goes on where `state` was taken, if nothing has happened here yet."""
        unpacker = Unpacker()
        self._physics.restore(state['physics'])
        vars(self.env.task).update({name: unpacker(value) for name, value in state['task'].items()})
        vars(self.env).update({name: state['counters'][name] for name in COUNTERS})
        self.frames, self._obs = state['frames'], state['obs'].copy()

    def _advance(self, control):
        """One control step -> TimeStep; None if the simulation became unstable, which is no terminal of the task."""
        from dm_control.rl.control import PhysicsError

        self.frames += 1
        try:
            return self.env.step(control)
        except PhysicsError as error:
            say_unstable(self.name, one_line(error))
            return None

    def _observe(self, timestep):
        if self.pixels:
            return self._draw(self.pixels).transpose(2, 0, 1)  # [H, W, 3] -> [3, H, W]
        return np.concatenate([np.ravel(part) for part in timestep.observation.values()]).astype(np.float32)  # [D]

    def _draw(self, side):
        """A frame [side, side, 3]. A camera is kept: making one takes 2 ms, longer than a GPU draws."""
        from dm_control.mujoco.engine import Camera

        model, camera = self._cameras.get(side, (None, None))
        if model is not self.env.physics.model:  # manipulation compiles another for each episode
            model, camera = self.env.physics.model, Camera(self.env.physics, side, side, self.camera)
            self._cameras[side] = model, camera
        return camera.render().copy()  # out of the array that the camera draws into every time


@functools.cache
def tasks():
    """{'cheetah_run': ('cheetah', 'run'), ..., 'manipulation_lift_brick': ('manipulation', 'lift_brick'), ...}"""
    from dm_control import suite

    return {'_'.join(pair): pair for pair in suite.ALL_TASKS}


def load(name, seed, vision):
    """dm_control's environment of a task. Raises UserError for names that it does not know."""
    quieten()
    if name.startswith(MANIPULATION):
        return load_manipulation(name, seed, vision)
    from dm_control import suite

    if name not in tasks():
        raise UserError(f"No DeepMind Control task '{name}'.{hint(name, tasks())} All: python Run.py --help")
    return suite.load(*tasks()[name], task_kwargs={'random': seed})


def quieten():
    """dm_control logs through absl, of every environment that its model uses something deprecated.

    When Hydra sets up logging anew, for each job of a sweep, absl closes the stream it had at its import, unless that
    is still one of Python's own.
    """
    from absl import logging

    logging.set_verbosity(logging.ERROR)
    logging.get_absl_handler().python_handler.stream = sys.__stderr__


def load_manipulation(name, seed, vision):
    """A task of dm_control.manipulation. Its camera is off: it would draw every frame, and we draw every agent step."""
    from dm_control import manipulation

    kind = '_vision' if vision else '_features'
    known = {MANIPULATION + key.removesuffix(kind): key for key in manipulation.ALL if key.endswith(kind)}
    if name not in known:
        raise UserError(f"No DeepMind Control task '{name}'.{hint(name, known)} All: python Run.py --help")
    env = manipulation.load(known[name], seed)
    if vision:
        env.task.observables['front_close'].enabled = False
    return env


def random_of(env):
    """The np.random.RandomState that the task draws from."""
    return env.random_state if hasattr(env, 'random_state') else env.task.random


def compiles(env):
    """Whether the task, one of manipulation, compiles its model anew for each episode."""
    return hasattr(env.task, 'root_entity')


def simulation(env):
    """The environment's Physics."""
    from Datasets.Suites.Support.MuJoCoState import Physics

    return Physics(env.physics.model.ptr, env.physics.data.ptr)


def prepare_drawing(env, side, shadow_size=None):
    """Before the first frame: a buffer that the largest fits into, and the shadow map's texels a side."""
    if compiles(env):
        options = env.task.root_entity.mjcf_model.visual
        buffer = getattr(options, 'global')
    else:
        options = env.physics.model.vis
        buffer = options.global_
    buffer.offwidth = buffer.offheight = side
    if shadow_size:
        options.quality.shadowsize = shadow_size


def size(observation_spec):
    """Numbers in an observation."""
    return sum(int(np.prod(part.shape)) for part in observation_spec.values())


@functools.cache
def say_unstable(name, message):
    """Once per task and kind of trouble."""
    print(f'{name}: an unstable simulation ended its episode as a time limit would ({message}).', file=sys.stderr)
