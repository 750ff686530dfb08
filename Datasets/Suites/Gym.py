"""Any Gymnasium environment by its id (arXiv:2407.17032), stepped one after the other in this process.

Serial is the measured default: processes are slower for environments this cheap. The loop is our own because that of
`gymnasium.make_vec` hands out the environment's own array as `final_obs`: an environment that reuses its array has
overwritten it by the reset in the same step (Gymnasium issue 1132, closed as intended).
"""

import sys
from importlib import import_module

import numpy as np

from Datasets.Experience import Spec, Step
from Datasets.Suites import env_seeds
from Utils import UserError, hint, one_line


class Gym:
    """N environments of one Gymnasium id.

    Observations: images (uint8 boxes of 2 or 3 dimensions) as uint8 [C, H, W]; everything else that Gymnasium flattens
    (vectors, discrete as one-hot, dicts and tuples of them) as float32 [D]. Actions: Discrete, or bounded boxes, for
    which the agent acts in [-1, 1].

    Arguments:
        id: 'CartPole-v1', or 'my_package.my_module:MyEnv-v0', whose module is imported to register it
        action_repeat: simulation steps per agent step; their rewards are summed, and it stops where an episode ends
        options: keyword arguments of the environment, and `max_episode_steps`

    Raises UserError for unknown ids, missing libraries, wrong options and unsupported spaces.
    """

    episodes = None

    def __init__(self, id, num_envs=1, seed=0, train=True, *, action_repeat=1, options=None):
        self.id, self.num_envs, self.frames_per_step = id, num_envs, action_repeat
        self._seeds = env_seeds(seed, train, num_envs)
        self._envs = make(id, num_envs, options or {}, draw=not train)
        self._can_draw = self._envs[0].render_mode == 'rgb_array'
        self._convert, obs_shape, obs_dtype = observation(id, self._envs[0].observation_space)
        self._act, action = actions(id, self._envs[0].action_space)
        self.spec = Spec(obs_shape, obs_dtype, **action)

    def reset(self):
        """Begin every episode anew from the suite's seed. Returns [N, *obs_shape]."""
        obs = self._empty()
        for i, (env, seed) in enumerate(zip(self._envs, self._seeds, strict=True)):
            obs[i] = self._convert(env.reset(seed=seed)[0])
        return obs

    def step(self, action):
        """Act with int [N], or float [N, A] in [-1, 1], `action_repeat` times. Returns Step."""
        obs, reward = self._empty(), np.zeros(self.num_envs, np.float32)
        terminated, truncated = np.zeros(self.num_envs, bool), np.zeros(self.num_envs, bool)
        final_obs = obs
        for i, (env, act) in enumerate(zip(self._envs, self._act(action), strict=True)):
            for _ in range(self.frames_per_step):
                raw, gain, terminated[i], truncated[i], _ = env.step(act)
                reward[i] += gain
                if terminated[i] or truncated[i]:
                    break
            obs[i] = self._convert(raw)
            if terminated[i] or truncated[i]:
                if final_obs is obs:
                    final_obs = self._empty()
                final_obs[i] = obs[i]
                obs[i] = self._convert(env.reset()[0])
        if final_obs is not obs:
            goes_on = ~(terminated | truncated)
            final_obs[goes_on] = obs[goes_on]
        return Step(obs, reward, terminated, truncated & ~terminated, final_obs)

    def render(self, envs=None):
        """List of uint8 [H, W, 3] of these environments, or all. None if they cannot draw; in training none does."""
        if not self._can_draw:
            return None
        chosen = self._envs if envs is None else [self._envs[i] for i in envs]
        try:
            return [np.asarray(env.render(), np.uint8) for env in chosen]
        except Exception as error:  # any library that draws may fail in its own way, and a video must not stop a run
            self._can_draw = False
            print(f'No videos of {self.id}: {one_line(error)}', file=sys.stderr)
            return None

    def close(self):
        """Close the environments and their windows."""
        for env in self._envs:
            env.close()

    def _empty(self):
        return np.empty((self.num_envs, *self.spec.obs_shape), self.spec.obs_dtype)


def make(id, num_envs, options, draw):
    """Build the environments; `draw`: such that they can render where they know how to. Raises UserError."""
    import gymnasium

    try:
        if ':' in id:  # gymnasium would import it too, but only now its metadata can be read
            import_module(id.split(':')[0])
        if id.startswith('ALE/'):
            import_module('ale_py')  # registers them
        spec = gymnasium.spec(id.split(':')[-1])
        mode = {'render_mode': 'rgb_array'} if draw and 'rgb_array' in render_modes(spec) else {}
        envs = [gymnasium.make(spec, **mode, **options) for _ in range(num_envs)]
    except gymnasium.error.UnregisteredEnv as error:
        near = hint(id.split(':')[-1], gymnasium.registry)
        raise UserError(f"No Gymnasium environment '{id}': {one_line(error)}{near}") from error
    except (ImportError, gymnasium.error.DependencyNotInstalled) as error:  # the latter names the pip command
        raise UserError(f'gym.id={id} needs a library that is missing: {one_line(error)}') from error
    except (TypeError, ValueError, AttributeError, gymnasium.error.Error) as error:
        raise UserError(f'gym.id={id} cannot be built with options {options}: {one_line(error)}') from error
    kind = type(envs[0].unwrapped)
    missing = [name for name in ('reset', 'step') if getattr(kind, name) is getattr(gymnasium.Env, name)]
    if missing:
        raise UserError(f'gym.id={id}: {kind.__qualname__} has no {" and no ".join(missing)} of its own.')
    return envs


def render_modes(spec):
    """The render modes of a registered environment, without building it."""
    from gymnasium.envs.registration import load_env_creator

    creator = load_env_creator(spec.entry_point) if isinstance(spec.entry_point, str) else spec.entry_point
    return getattr(creator, 'metadata', {}).get('render_modes', ())


def observation(id, space):
    """Gymnasium space -> (function from its observations to arrays, shape, dtype). Raises UserError."""
    from gymnasium.spaces import Box
    from gymnasium.spaces.utils import flatdim, flatten

    if isinstance(space, Box) and space.dtype == np.uint8 and len(space.shape) in (2, 3):
        if len(space.shape) == 2:
            return lambda obs: obs[None], (1, *space.shape), 'uint8'
        if space.shape[2] in (1, 3, 4):  # channels last, as Gymnasium's own images are
            return lambda obs: np.moveaxis(obs, 2, 0), (space.shape[2], *space.shape[:2]), 'uint8'
        return np.asarray, space.shape, 'uint8'
    if isinstance(space, Box) and len(space.shape) == 1:
        return np.asarray, space.shape, 'float32'
    if has_vector(space):
        return lambda obs: flatten(space, obs), (flatdim(space),), 'float32'
    raise UserError(f'gym.id={id} has observations of a kind that is not supported: {space}; wrap it so that they are '
                    'a Box, Discrete, or a Dict or Tuple of these')  # fmt: skip


def has_vector(space):
    """Whether a space's observations are numbers, so that `flatten` makes a sensible vector of them."""
    from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Tuple

    if isinstance(space, (Dict, Tuple)):
        return all(has_vector(part) for part in (space.values() if isinstance(space, Dict) else space))
    return isinstance(space, (Box, Discrete, MultiBinary, MultiDiscrete))


def actions(id, space):
    """Gymnasium space -> (function from a batch of the agent's actions to the environments', fields of Spec)."""
    from gymnasium.spaces import Box, Discrete

    if isinstance(space, Discrete):
        start = int(space.start)
        return lambda action: np.asarray(action).astype(np.int64) + start, dict(
            action_shape=(), num_actions=int(space.n)
        )
    if isinstance(space, Box) and space.dtype.kind == 'f' and np.isfinite([space.low, space.high]).all():
        low, high = space.low.reshape(-1), space.high.reshape(-1)

        def rescale(action):  # [N, A] in [-1, 1] -> [N, *shape] in low..high
            unit = (np.clip(action, -1, 1) + 1) / 2
            return (low + unit * (high - low)).astype(space.dtype).reshape(-1, *space.shape)

        bounds = dict(low=low.astype(np.float32), high=high.astype(np.float32))
        return rescale, dict(action_shape=low.shape, num_actions=None, **bounds)
    raise UserError(f'gym.id={id} has actions of a kind that is not supported: {space}; wrap it so that they are '
                    'Discrete or a Box of floats with finite bounds')  # fmt: skip
