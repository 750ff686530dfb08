"""Any Gymnasium environment by its id (arXiv:2407.17032), stepped one after the other in this process.

Processes were measured to be slower for environments this cheap. The loop is not that of `gymnasium.make_vec`, which
returns the environment's own array as `final_obs`: an environment that reuses its array overwrites it by the reset in
the same step (Gymnasium issue 1132, closed as intended).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from Datasets.Experience import Spec, Step
from Datasets.Suites.Support.Contract import env_seeds, matching
from Datasets.Suites.Support.Spaces import actions, observation
from Support.Errors import UserError, hint, one_line

if TYPE_CHECKING:
    from Datasets.Suites.Support.GymState import GymState


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

    def __init__(self, id: str, num_envs: int = 1, seed: int = 0, train: bool = True, *, action_repeat: int = 1,
                 options: dict[str, Any] | None = None) -> None:  # fmt: skip
        self.id, self.num_envs, self.frames_per_step = id, num_envs, action_repeat
        self._seeds = env_seeds(seed, train, num_envs)
        self._identity = dict(suite='Gym', id=id, num_envs=num_envs, seed=seed, train=train)
        self._envs = make_envs(id, num_envs, options or {}, draw=not train)
        self._states = states_of(self._envs)
        self._can_draw = self._envs[0].render_mode == 'rgb_array'
        self._convert, seen = observation(id, self._envs[0].observation_space)
        self._act, acted = actions(id, self._envs[0].action_space)
        self.spec = Spec(**seen, **acted)

    def reset(self) -> np.ndarray:
        """Restarts every environment from the suite's seed. Returns [N, *obs_shape]."""
        obs = self._empty()
        for i, (env, seed) in enumerate(zip(self._envs, self._seeds, strict=True)):
            obs[i] = self._convert(env.reset(seed=seed)[0])
        return obs

    def step(self, action: np.ndarray) -> Step:
        """Acts with int [N], or float [N, A] in [-1, 1], `action_repeat` times."""
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

    def render(self, envs: Sequence[int] | None = None) -> list[np.ndarray] | None:
        """Returns pictures uint8 [H, W, 3] of these environments, or all; None if they cannot draw, and in training."""
        if not self._can_draw:
            return None
        chosen = self._envs if envs is None else [self._envs[i] for i in envs]
        try:
            return [np.asarray(env.render(), np.uint8) for env in chosen]
        except Exception as error:  # any library that draws may fail in its own way, and a video must not stop a run
            self._can_draw = False
            print(f'No videos of {self.id}: {one_line(error)}', file=sys.stderr)
            return None

    def state(self) -> dict[str, Any] | None:
        """Returns what `restore` takes; None if the state of an environment cannot be taken out (`GymState`)."""
        envs = [state.state() for state in self._states]
        return None if None in envs else {**self._identity, 'envs': envs}

    def restore(self, state: dict[str, Any]) -> None:
        """Continues where `state` was taken, without a reset. Raises UserError if it is another suite's."""
        for own, saved in zip(self._states, matching(state, **self._identity)['envs'], strict=True):
            own.restore(saved)

    def close(self) -> None:
        """Closes the environments and their windows."""
        for env in self._envs:
            env.close()

    def _empty(self) -> np.ndarray:
        return np.empty((self.num_envs, *self.spec.obs_shape), self.spec.obs_dtype)


def make_envs(id: str, num_envs: int, options: dict[str, Any], draw: bool) -> list[Any]:
    """Builds the environments; with `draw` they can render, if they know how to. Raises UserError."""
    import gymnasium

    try:
        if ':' in id:  # gymnasium would import it too, but its metadata is read before
            import_module(id.split(':')[0])
        if id.startswith('ALE/'):
            import_module('ale_py')  # registers them
        spec = gymnasium.spec(id.split(':')[-1])
        mode: dict[str, Any] = {'render_mode': 'rgb_array'} if draw and 'rgb_array' in render_modes(spec) else {}
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


def states_of(envs: list[Any]) -> list[GymState]:
    """Returns the GymState of each environment. Its module imports gymnasium, which takes time."""
    from Datasets.Suites.Support.GymState import GymState

    return [GymState(env) for env in envs]


def render_modes(spec: Any) -> Sequence[str]:
    """Returns the render modes of a registered environment, without building it."""
    from gymnasium.envs.registration import load_env_creator

    creator = load_env_creator(spec.entry_point) if isinstance(spec.entry_point, str) else spec.entry_point
    return getattr(creator, 'metadata', {}).get('render_modes', ())
