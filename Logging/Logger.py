"""The log of a run: numbers and files, handed on to a list of sinks."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from Logging.Sinks import Console, Sink, Tables, TensorBoard, say
from Logging.Tables import cut_after
from Support.Errors import UserError
from Support.Files import set_aside

LEAD = ('step', 'frame', 'episode', 'time')  # the first columns of every row
FILES = ('Train.csv', 'Eval.csv', 'Predictions.csv', 'Samples.npy', 'Run.json', 'Checkpoints.csv', 'TensorBoard',
         'Video_Image')  # fmt: skip


class Logger:
    """Turns what is logged into numbers and hands it to every sink, in their order.

    Arguments:
        sinks: where it goes; none in a process that leaves logging to another.
        began: time.monotonic() at which `time` is 0; None: now.

    `log.sinks.append(MySink())` adds a tracker, see `Logging.Sinks.Sink`.
    """

    def __init__(self, sinks: Sequence[Sink] = (), began: float | None = None) -> None:
        self.sinks, self.began = list(sinks), time.monotonic() if began is None else began

    def log(self, kind: str, numbers: Mapping[str, Any]) -> None:
        """Logs a 'Train' or 'Eval' row: step, frame, episode and any further numbers, as Python or NumPy scalars, or
        tensors of 0 or 1 dimensions, of which the mean is logged. Only here the device is waited for.

        Raises TypeError for a value that is no number, UserError if a file cannot be written.
        """
        row = {key: number(key, value) for key, value in numbers.items()}
        row['time'] = round(time.monotonic() - self.began, 3)
        row = {key: row.pop(key, None) for key in LEAD} | row
        for sink in self.sinks:
            sink.write(kind, row)

    def artifact(self, name: str, path: Path, step: int) -> None:
        """Announces a file that the run has written at this step: a picture, a video, a table or an array."""
        for sink in self.sinks:
            sink.artifact(name, path, step)

    def progress(self, step: int) -> None:
        """Moves the progress bar, if there is a terminal for one."""
        for sink in self.sinks:
            sink.progress(step)

    def close(self) -> None:
        for sink in self.sinks:
            sink.close()


def open_log(
    prefix: Path | str,
    total_steps: int,
    resume: bool = False,
    step: int | None = None,
    evaluated: int | None = None,
    tensorboard: bool = True,
    began: float | None = None,
) -> Logger:
    """Opens the log of a run under `prefix`, for example 'Benchmarking/Exp/DQNAgent/atari/pong_1'.

    Arguments:
        total_steps: agent steps of the whole run, for the progress bar and the time left.
        resume: continue the tables that lie there, and their `time`. Otherwise files of an earlier run are renamed,
            never deleted.
        step: the step that a resumed run continues from: later rows are removed; None: none is.
        evaluated: the last step evaluated by then: later Eval rows are removed; None: those after `step`.
        tensorboard: also write event files.
        began: time.monotonic() when the run began; None: now.

    Raises UserError if the folder cannot be written, or a table there is not a log.
    """
    prefix, seconds = Path(prefix), 0.0  # seconds that earlier processes of the run took
    tables = Tables(prefix)
    try:
        prefix.parent.mkdir(parents=True, exist_ok=True)
        if resume:
            last = {'Train': step, 'Eval': step if step is None or evaluated is None else min(step, evaluated)}
            seconds = max(cut_after(tables.path(kind), until) for kind, until in last.items())
        else:
            number, moved = set_aside(*(prefix.with_name(f'{prefix.name}_{name}') for name in FILES))
            if moved:
                say(f'An earlier run left {prefix}_*; its files are kept as {prefix.name}_*.{number}')
    except OSError as error:
        raise UserError(f'Cannot write logs at {prefix}_*: {error}; give another folder with root=.') from error
    sinks: list[Sink] = [tables]
    if tensorboard:
        sinks.append(TensorBoard(prefix, step if resume else None))
    sinks.append(Console(int(total_steps), (step or 0) if resume else 0, seconds))
    return Logger(sinks, (time.monotonic() if began is None else began) - seconds)


def number(key: str, value: Any) -> int | float | None:
    """Returns the Python number of a scalar, or the mean of a tensor or array; None stays None.

    Raises TypeError for anything else.
    """
    if value is None:
        return None
    if isinstance(value, int | float):  # NumPy's float64 is a float, bool an int
        return int(value) if isinstance(value, int) else float(value)
    if hasattr(value, 'detach'):
        value = value.detach().cpu()
        value = value.double().mean() if value.ndim or value.is_floating_point() else value
    elif getattr(value, 'ndim', 0):
        value = value.mean()
    if hasattr(value, 'item'):
        return number(key, value.item())
    raise TypeError(f'The log value {key}={value!r} is no number.')
