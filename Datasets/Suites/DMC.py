"""DeepMind Control (arXiv:1801.00690) and its manipulation tasks (arXiv:2006.12983), from pixels or from the state."""

from __future__ import annotations

import functools
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from Datasets.Experience import Step
from Datasets.Suites.Support import Renderer
from Datasets.Suites.Support.Contract import env_seeds, matching
from Datasets.Suites.Support.Vector import Processes, Serial
from Support.Errors import UserError, one_line
from Support.Machine import usable_cores

if TYPE_CHECKING:
    from Datasets.Suites.Support.DMCSimulation import Simulation


class DMC:
    """N environments of one task. Actions are in [-1, 1], rewards raw: 0..1 per frame, 1000 frames an episode.

    Arguments:
        name: <domain>_<task> of dm_control.suite, 'cheetah_run', or manipulation_<name>
        pixels: observe frames uint8 [3, pixels, pixels]; null: observe the state, float32 [D]
        action_repeat: frames (control steps) per agent step; their rewards are summed, and it stops at an episode's end
        max_frames: after which an episode is truncated; null: only where the task itself does (lqr never does)
        camera: number or name; null: 2 for quadruped, else 0
        shadow_size: texels a side of the shadow map, a power of 2; null: the model's own
        video: pixels a side of the frames of videos
        processes: false: all in this process; true: one process per usable core; or their number

    Without processes, `vector.envs[i].env` is dm_control's environment.
    Raises UserError for unknown tasks, and for pixels where nothing can draw.
    """

    episodes = None

    def __init__(
        self,
        name: str,
        num_envs: int = 1,
        seed: int = 0,
        train: bool = True,
        *,
        pixels: int | None = 84,
        action_repeat: int = 2,
        max_frames: int | None = 1000,
        camera: int | str | None = None,
        shadow_size: int | None = None,
        video: int = 240,
        processes: bool | int = False,
    ) -> None:
        self.name, self.num_envs, self.frames_per_step = name, num_envs, action_repeat
        self._identity = dict(suite='DMC', name=name, num_envs=num_envs, seed=seed, train=train)
        self._renderer: Any = Renderer.require() if pixels else Renderer.choose()  # before dm_control is imported
        make = functools.partial(
            build_simulation, name, pixels=pixels, action_repeat=action_repeat, max_frames=max_frames, camera=camera,
            shadow_size=shadow_size, video=video,
        )  # fmt: skip
        seeds, count = env_seeds(seed, train, num_envs), number_of(processes, num_envs)
        vector: Any = Processes(make, seeds, count) if count else Serial(make, seeds)
        self.vector, self.spec = vector, vector.spec
        if count:
            self.send, self.recv = vector.send, vector.recv

    def reset(self) -> np.ndarray:
        """Restarts every environment from the suite's seed. Returns [N, *obs_shape]."""
        return self.vector.reset()

    def step(self, action: np.ndarray) -> Step:
        """Acts with float [N, A] in [-1, 1], `action_repeat` times."""
        return self.vector.step(action)

    def render(self, envs: Sequence[int] | None = None) -> list[np.ndarray] | None:
        """Returns pictures uint8 [video, video, 3] of these environments, or all.

        Returns None, and prints why, if nothing can draw on this machine.
        """
        if self._renderer is None:
            return None
        try:
            Renderer.require()
            return self.vector.render(range(self.num_envs) if envs is None else envs)
        except Exception as error:  # OpenGL fails in many ways, and a video must not stop a run
            self._renderer = None
            print(f'No videos of {self.name}: {one_line(error)}', file=sys.stderr)
            return None

    def state(self) -> dict[str, Any] | None:
        """Returns what `restore` takes; None for manipulation, which compiles another model for each episode."""
        envs = self.vector.state()
        return None if None in envs else {**self._identity, 'envs': envs}

    def restore(self, state: dict[str, Any]) -> None:
        """Continues where `state` was taken. Raises UserError if it is another suite's."""
        self.vector.restore(matching(state, **self._identity)['envs'])

    def close(self) -> None:
        """Ends the processes; frees the simulations and their OpenGL."""
        self.vector.close()


def build_simulation(name: str, seed: int, **options: Any) -> Simulation:
    """Returns a Simulation. Its module imports dm_control late, and a process must find this function before that."""
    try:
        from Datasets.Suites.Support.DMCSimulation import Simulation

        return Simulation(name, seed, **options)
    except ImportError as error:
        raise UserError(
            f'task=dmc needs dm_control: pip install dm_control==1.0.50 mujoco==3.17.0 ({one_line(error)})'
        ) from error


def number_of(processes: bool | int, num_envs: int) -> int:
    """Returns the number of processes for `suite.processes`, 0 for none. Raises UserError."""
    if isinstance(processes, bool):
        return min(num_envs, usable_cores()) if processes else 0
    if not isinstance(processes, int) or processes < 0:
        raise UserError(f"suite.processes is true, false or a number, not '{processes}'.")
    return min(num_envs, processes)
