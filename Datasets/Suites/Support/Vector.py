"""N environments as one batch: stepped one after the other, or each process of several its share of them.

Either is built from make(seed), which gives an environment with `spec`, `reset() -> obs` (anew from the seed),
`step(action) -> (obs, reward, terminated, truncated, final_obs)`, `render() -> uint8 [H, W, 3]`, and `state()` and
`restore(state)` as suites have them.
"""

import ctypes
import math
import multiprocessing
import signal

import numpy as np

from Datasets.Experience import Step
from Support.Errors import one_line


class Serial:
    """Environments in this process, one after the other. `envs` are they themselves."""

    def __init__(self, make, seeds):
        self.envs = [make(seed) for seed in seeds]
        self.spec = self.envs[0].spec

    def reset(self):
        """-> obs [N, *obs_shape], newly allocated."""
        return np.stack([env.reset() for env in self.envs])

    def step(self, action, out=None):
        """float [N, A] -> Step, newly allocated unless `out` is given to write into."""
        out = out or Step(*(np.empty(shape, dtype) for shape, dtype in layout(self.spec, len(self.envs))))
        for i, (env, act) in enumerate(zip(self.envs, action, strict=True)):
            out.obs[i], out.reward[i], out.terminated[i], out.truncated[i], out.final_obs[i] = env.step(act)
        return out

    def render(self, envs):
        """-> a frame [H, W, 3] of each of these environments."""
        return [self.envs[i].render() for i in envs]

    def state(self):
        """-> the state of each environment, None of those that have none."""
        return [env.state() for env in self.envs]

    def restore(self, states):
        for env, state in zip(self.envs, states, strict=True):
            env.restore(state)

    def close(self):
        self.envs = []


class Processes:
    """Environments spread over `count` processes; observations come through shared memory.

    The processes are spawned, not forked: a fork would share this one's OpenGL and its threads' locks.
    Raises RuntimeError with the message of a process that failed.
    """

    def __init__(self, make, seeds, count):
        self.spec = make(seeds[0]).spec  # what is wrong with an environment shows here, with its traceback
        context = multiprocessing.get_context('spawn')
        fields = [*layout(self.spec, len(seeds)), ((len(seeds), *self.spec.action_shape), 'float32')]
        memory = [context.RawArray(ctypes.c_byte, nbytes(*field)) for field in fields]
        *step, self._action = views(memory, fields)
        self._step = Step(*step)
        self._rows = np.array_split(np.arange(len(seeds)), min(count, len(seeds)))
        self._pipes, self._processes = [], []
        for rows in self._rows:
            ours, theirs = context.Pipe()
            share = slice(int(rows[0]), int(rows[-1]) + 1)
            process = context.Process(
                target=serve, args=(make, seeds[share], share, memory, fields, theirs), daemon=True
            )
            process.start()
            theirs.close()  # so that its end is seen here
            self._pipes.append(ours)
            self._processes.append(process)
        self._wait()

    def reset(self):
        """-> obs [N, *obs_shape], a copy."""
        self._tell('reset')
        self._wait()
        return self._step.obs.copy()

    def send(self, action):
        """Starts a step with float [N, A]."""
        self._action[:] = action
        self._tell('step')

    def recv(self):
        """-> the Step that `send` started, a copy."""
        self._wait()
        return Step(*(array.copy() for array in self._step[:5]))

    def step(self, action):
        """float [N, A] -> Step, a copy."""
        self.send(action)
        return self.recv()

    def render(self, envs):
        """-> a frame [H, W, 3] of each of these environments."""
        frames = {}
        for rows, pipe in zip(self._rows, self._pipes, strict=True):
            wanted = [i for i in envs if i in rows]
            pipe.send(('render', [int(i - rows[0]) for i in wanted]))
            frames |= dict(zip(wanted, answer(pipe), strict=True))
        return [frames[i] for i in envs]

    def state(self):
        """-> the state of each environment, None of those that have none."""
        for pipe in self._pipes:
            pipe.send(('state', None))
        return [state for pipe in self._pipes for state in answer(pipe)]

    def restore(self, states):
        for rows, pipe in zip(self._rows, self._pipes, strict=True):
            pipe.send(('restore', [states[i] for i in rows]))
        self._wait()

    def close(self):
        """Lets the processes end."""
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.join(5)
            if process.is_alive():
                process.terminate()
        self._pipes, self._processes = [], []

    def _tell(self, command):
        for pipe in self._pipes:
            pipe.send((command, None))

    def _wait(self):
        for pipe in self._pipes:
            answer(pipe)


def serve(make, seeds, share, memory, fields, pipe):
    """What one process does: its environments' part of whatever it is told, until the other end of the pipe closes."""
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
            except Exception as error:  # whatever it is, it belongs to the program that asked
                pipe.send((f'{type(error).__name__}: {one_line(error)}', None))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass


def answer(pipe):
    """What a process sends back. Raises RuntimeError if it failed or is gone."""
    try:
        error, result = pipe.recv()
    except (EOFError, ConnectionResetError) as gone:
        raise RuntimeError('A process of the environments has ended; what it wrote stands above.') from gone
    if error:
        raise RuntimeError(f'In a process of the environments: {error}')
    return result


def layout(spec, num_envs):
    """(shape, dtype) of the arrays of a Step: obs, reward, terminated, truncated, final_obs."""
    obs = ((num_envs, *spec.obs_shape), spec.obs_dtype)
    return [obs, ((num_envs,), 'float32'), ((num_envs,), 'bool'), ((num_envs,), 'bool'), obs]


def nbytes(shape, dtype):
    return math.prod(shape) * np.dtype(dtype).itemsize


def views(memory, fields):
    """Shared bytes as the arrays that they are."""
    return [np.frombuffer(raw, dtype).reshape(shape) for raw, (shape, dtype) in zip(memory, fields, strict=True)]
