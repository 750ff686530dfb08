"""Any Gymnasium environment by its id (arXiv:2407.17032), stepped one after the other in this process.

Serial is the measured default: processes are slower for environments this cheap. The loop is our own because that of
`gymnasium.make_vec` hands out the environment's own array as `final_obs`: an environment that reuses its array has
overwritten it by the reset in the same step (Gymnasium issue 1132, closed as intended).
"""

import sys
from importlib import import_module

import numpy as np

from Datasets.Experience import Spec, Step
from Datasets.Suites.Support.Contract import env_seeds, matching
from Datasets.Suites.Support.Spaces import actions, observation
from Support.Errors import UserError, hint, one_line


class Gym:
    """N environments of one Gymnasium id.

    Observations: images (uint8 boxes of 2 or 3 dimensions) as uint8 [C, H, W]; everything else that Gymnasium flattens
    (vectors, discrete as one-hot, dicts and tuples of them) as float32 [D]; dicts and tuples that hold an image as
    records (`Blocks/PackedObservations.py`). Actions: Discrete; or bounded boxes, for which the agent acts in
    [-1, 1]; or MultiDiscrete, dicts and tuples of these, as one vector (`Datasets/Suites/Support/Spaces.py`).

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
        self._identity = dict(suite='Gym', id=id, num_envs=num_envs, seed=seed, train=train)
        self._envs = make(id, num_envs, options or {}, draw=not train)
        self._layers = layers(self._envs)
        self._can_draw = self._envs[0].render_mode == 'rgb_array'
        self._convert, seen = observation(id, self._envs[0].observation_space)
        self._act, done = actions(id, self._envs[0].action_space)
        self.spec = Spec(**seen, **done)

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

    def state(self):
        """What `restore` takes; None of an environment whose state nobody can take out (Layers.py)."""
        envs = [layers.state() for layers in self._layers]
        return None if None in envs else {**self._identity, 'envs': envs}

    def restore(self, state):
        """Goes on where `state` was taken, without a reset. Raises UserError if it is another suite's."""
        for layers, saved in zip(self._layers, matching(state, **self._identity)['envs'], strict=True):
            layers.restore(saved)

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


def layers(envs):
    """The Layers of each environment. Their module imports gymnasium, as `make` has done by now."""
    from Datasets.Suites.Support.GymState import Layers

    return [Layers(env) for env in envs]


def render_modes(spec):
    """The render modes of a registered environment, without building it."""
    from gymnasium.envs.registration import load_env_creator

    creator = load_env_creator(spec.entry_point) if isinstance(spec.entry_point, str) else spec.entry_point
    return getattr(creator, 'metadata', {}).get('render_modes', ())
