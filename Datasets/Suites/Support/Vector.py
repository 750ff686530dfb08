"""N environments as one batch, stepped one after the other or spread over several processes.

Both are built from make(seed), which returns an environment with `spec`, `reset() -> obs` (from the seed again),
`step(action) -> (obs, reward, terminated, truncated, final_obs)`, `render() -> uint8 [H, W, 3]`, and `state()` and
`restore(state)` as suites have them.
"""

from __future__ import annotations

import ctypes
import math
import multiprocessing
import signal
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from Datasets.Experience import Spec, Step
from Support.Errors import one_line


class Serial:
    """Environments in this process, stepped one after the other. `envs` holds them."""

    def __init__(self, make: Callable[[int], Any], seeds: Sequence[int]) -> None:
        self.envs = [make(seed) for seed in seeds]
        self.spec = self.envs[0].spec

    def reset(self) -> np.ndarray:
        """Returns obs [N, *obs_shape], newly allocated."""
        return np.stack([env.reset() for env in self.envs])

    def step(self, action: np.ndarray, out: Step | None = None) -> Step:
        """Acts with float [N, A]. The Step is newly allocated unless `out` is given to write into."""
        out = out or Step(*(np.empty(shape, dtype) for shape, dtype in layout(self.spec, len(self.envs))))
        for i, (env, act) in enumerate(zip(self.envs, action, strict=True)):
            out.obs[i], out.reward[i], out.terminated[i], out.truncated[i], out.final_obs[i] = env.step(act)
        return out

    def render(self, envs: Iterable[int]) -> list[np.ndarray]:
        """Returns a frame [H, W, 3] of each of these environments."""
        return [self.envs[i].render() for i in envs]

    def state(self) -> list[Any]:
        """Returns the state of each environment, None for those that have none."""
        return [env.state() for env in self.envs]

    def restore(self, states: Sequence[Any]) -> None:
        """Restores each environment."""
        for env, state in zip(self.envs, states, strict=True):
            env.restore(state)

    def close(self) -> None:
        """Drops the environments."""
        self.envs = []


class Processes:
    """Environments spread over `count` processes; observations come through shared memory.

    The processes are spawned, not forked: a fork would share this process's OpenGL and its threads' locks.
    Raises RuntimeError with the message of a process that failed.
    """

    def __init__(self, make: Callable[[int], Any], seeds: Sequence[int], count: int) -> None:
        self.spec = make(seeds[0]).spec  # an environment that is broken fails here, with its traceback
        context = multiprocessing.get_context('spawn')
        fields = [*layout(self.spec, len(seeds)), ((len(seeds), *self.spec.action_shape), 'float32')]
        memory = [context.RawArray(ctypes.c_byte, nbytes(*field)) for field in fields]
        *step, self._action = views(memory, fields)
        self._step = Step(*step)
        self._rows = np.array_split(np.arange(len(seeds)), min(count, len(seeds)))
        self._pipes: list[Any] = []
        self._processes: list[Any] = []
        for rows in self._rows:
            ours, theirs = context.Pipe()
            share = slice(int(rows[0]), int(rows[-1]) + 1)
            process = context.Process(
                target=serve, args=(make, seeds[share], share, memory, fields, theirs), daemon=True
            )
            process.start()
            theirs.close()  # so that this end notices when the process is gone
            self._pipes.append(ours)
            self._processes.append(process)
        self._wait()

    def reset(self) -> np.ndarray:
        """Returns obs [N, *obs_shape], a copy."""
        self._tell('reset')
        self._wait()
        return self._step.obs.copy()

    def send(self, action: np.ndarray) -> None:
        """Starts a step with float [N, A]."""
        self._action[:] = action
        self._tell('step')

    def recv(self) -> Step:
        """Returns the Step that `send` started, a copy."""
        self._wait()
        return Step(*(array.copy() for array in self._step[:5]))

    def step(self, action: np.ndarray) -> Step:
        """Acts with float [N, A]. The Step is a copy."""
        self.send(action)
        return self.recv()

    def render(self, envs: Sequence[int]) -> list[np.ndarray]:
        """Returns a frame [H, W, 3] of each of these environments."""
        frames: dict[int, np.ndarray] = {}
        for rows, pipe in zip(self._rows, self._pipes, strict=True):
            wanted = [i for i in envs if i in rows]
            pipe.send(('render', [int(i - rows[0]) for i in wanted]))
            frames |= dict(zip(wanted, answer(pipe), strict=True))
        return [frames[i] for i in envs]

    def state(self) -> list[Any]:
        """Returns the state of each environment, None for those that have none."""
        for pipe in self._pipes:
            pipe.send(('state', None))
        return [state for pipe in self._pipes for state in answer(pipe)]

    def restore(self, states: Sequence[Any]) -> None:
        """Restores each environment."""
        for rows, pipe in zip(self._rows, self._pipes, strict=True):
            pipe.send(('restore', [states[i] for i in rows]))
        self._wait()

    def close(self) -> None:
        """Ends the processes."""
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.join(5)
            if process.is_alive():
                process.terminate()
        self._pipes, self._processes = [], []

    def _tell(self, command: str) -> None:
        for pipe in self._pipes:
            pipe.send((command, None))

    def _wait(self) -> None:
        for pipe in self._pipes:
            answer(pipe)


def serve(make: Callable[[int], Any], seeds: Sequence[int], share: slice, memory: list[Any], fields: list[tuple],
          pipe: Any) -> None:  # fmt: skip
    """Runs one process's share of the environments by commands from the pipe, until its other end closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program, which ends its step first
    *step, action = (view[share] for view in views(memory, fields))
    try:
        envs = Serial(make, seeds)
        pipe.send((None, None))
        while True:
            command, argument = pipe.recv()
            try:
                result = None
                if command == 'reset':
                    step[0][:] = envs.reset()
                elif command == 'step':
                    envs.step(action, Step(*step))
                elif command == 'restore':
                    envs.restore(argument)
                elif command == 'state':
                    result = envs.state()
                else:
                    result = envs.render(argument)
                pipe.send((None, result))
            except Exception as error:  # any error goes to the program that asked
                pipe.send((f'{type(error).__name__}: {one_line(error)}', None))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass


def answer(pipe: Any) -> Any:
    """Returns a process's answer. Raises RuntimeError if it failed or is gone."""
    try:
        error, result = pipe.recv()
    except (EOFError, ConnectionResetError) as gone:
        raise RuntimeError('A process of the environments has ended; its output stands above.') from gone
    if error:
        raise RuntimeError(f'In a process of the environments: {error}')
    return result


def layout(spec: Spec, num_envs: int) -> list[tuple[tuple[int, ...], str]]:
    """Returns (shape, dtype) of the arrays of a Step: obs, reward, terminated, truncated, final_obs."""
    obs = ((num_envs, *spec.obs_shape), spec.obs_dtype)
    return [obs, ((num_envs,), 'float32'), ((num_envs,), 'bool'), ((num_envs,), 'bool'), obs]


def nbytes(shape: Sequence[int], dtype: str) -> int:
    """Returns the bytes of an array."""
    return math.prod(shape) * np.dtype(dtype).itemsize


def views(memory: list[Any], fields: Sequence[tuple]) -> list[np.ndarray]:
    """Returns arrays of these shapes and dtypes over shared memory."""
    return [np.frombuffer(raw, dtype).reshape(shape) for raw, (shape, dtype) in zip(memory, fields, strict=True)]
