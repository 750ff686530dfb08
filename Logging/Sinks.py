"""The sinks of a run's log: the console, CSV tables and TensorBoard. A tracker is one more subclass of `Sink`."""

from __future__ import annotations

import math
import os
import sys
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from Logging.Tables import append_row

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter
    from tqdm import tqdm

Row = Mapping[str, Any]  # numbers by name; None where there is none

COLORS = {'Train': '\033[36m', 'Eval': '\033[1;32m'}  # cyan, bold green
DIM, PLAIN = '\033[2m', '\033[0m'


class Sink:
    """Receives what a run logs. A subclass overrides what it needs; `Logger` calls the sinks in their order."""

    def write(self, kind: str, row: Row) -> None:
        """Takes a row of numbers by name, among them step, frame, episode and time. kind: 'Train' or 'Eval'."""

    def artifact(self, name: str, path: Path, step: int) -> None:
        """Takes a file that the run has written at this step: a picture, a video, a table or an array."""

    def progress(self, step: int) -> None:
        """Is called after every step of the loop; it must return quickly."""

    def close(self) -> None:
        """Is called once, at the end of the run."""


class Tables(Sink):
    """One CSV file per kind: <prefix>_Train.csv, <prefix>_Eval.csv."""

    def __init__(self, prefix: Path) -> None:
        self.prefix = prefix

    def path(self, kind: str) -> Path:
        return self.prefix.with_name(f'{self.prefix.name}_{kind}.csv')

    def write(self, kind: str, row: Row) -> None:
        append_row(self.path(kind), row)


class TensorBoard(Sink):
    """Scalars by kind in event files, in the folder <prefix>_TensorBoard, which the first row creates.

    purge_step: the step that a resumed run continues from: TensorBoard hides what an earlier process logged later.
    """

    def __init__(self, prefix: Path, purge_step: int | None = None) -> None:
        self.folder, self.purge_step = prefix.with_name(f'{prefix.name}_TensorBoard'), purge_step
        self.writer: SummaryWriter | None = None

    def write(self, kind: str, row: Row) -> None:
        if self.writer is None:
            # 0.1-0.2 s: at the first row, not at the start
            from torch.utils.tensorboard import SummaryWriter

            purge = None if self.purge_step is None else self.purge_step + 1  # TensorBoard hides this step too
            self.writer = SummaryWriter(self.folder, purge_step=purge)
        for key, value in row.items():
            if key != 'step' and value is not None:
                self.writer.add_scalar(f'{kind}/{key}', value, row['step'])
        self.writer.flush()

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()


class Console(Sink):
    """One line per row for people, in aligned columns, and on a terminal a progress bar below them.

    total_steps: agent steps of the whole run. step, seconds: how far earlier processes of a resumed run came.
    """

    def __init__(self, total_steps: int, step: int = 0, seconds: float = 0.0) -> None:
        self.total_steps = total_steps
        self.widths = {'step': len(f'{total_steps:,}'), 'frame': len(f'{4 * total_steps:,}'), 'episode': 5,
                       'reward': 7, 'accuracy': 8, 'fps': 6}  # fmt: skip
        self.recent = deque([(step, seconds)], maxlen=20)  # (step, time) of the last Train lines: the current speed
        self.bar = progress_bar(total_steps, step) if sys.stderr.isatty() and total_steps else None

    def write(self, kind: str, row: Row) -> None:
        say(self.line(kind, row))

    def progress(self, step: int) -> None:
        if self.bar is not None:
            self.bar.update(step - self.bar.n)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()

    def line(self, kind: str, row: Row) -> str:
        """Returns the line of a row. Names with a slash, such as accuracy/cat, are left to the files."""
        first = ('step', 'frame', 'episode', 'reward', 'accuracy', 'fps', 'time')  # in this order, so that lines align
        cells = {key: row[key] for key in first if key in row}
        if kind == 'Train':
            cells['left'] = self.time_left(row['step'], row['time'])
        cells |= row
        color = sys.stdout.isatty() and 'NO_COLOR' not in os.environ
        label = f'{kind:5}'
        parts = [f'{COLORS.get(kind, "")}{label}{PLAIN}' if color else label]
        for key, value in cells.items():
            if value is not None and '/' not in key:
                text = human(key, value)
                self.widths[key] = width = max(self.widths.get(key, 0), len(text))  # columns only ever grow
                parts.append((f'{DIM}{key}{PLAIN} ' if color else f'{key} ') + text.rjust(width))
        return '  '.join(parts)

    def time_left(self, step: int, seconds: float) -> float | None:
        """Returns the seconds left at the speed of the last Train lines, evaluations included; None at the first."""
        first_step, first_seconds = self.recent[0]
        self.recent.append((step, seconds))
        if step <= first_step:
            return None
        return (self.total_steps - step) * (seconds - first_seconds) / (step - first_step)


def progress_bar(total_steps: int, step: int) -> tqdm[Any]:
    from tqdm import tqdm

    form = '{percentage:3.0f}%|{bar}| {n:,}/{total:,} steps [{elapsed}, {remaining} left, {rate_fmt}]'
    return tqdm(initial=step, total=total_steps, unit=' steps', bar_format=form, smoothing=0.05, mininterval=0.5,
                dynamic_ncols=True, leave=False)  # fmt: skip


def say(line: str, file: TextIO | None = None) -> None:
    """Prints a line to stdout, or to `file`, above a progress bar if there is one."""
    file = file or sys.stdout
    if 'tqdm' in sys.modules:
        sys.modules['tqdm'].tqdm.write(line, file=file)
        file.flush()
    else:
        print(line, file=file, flush=True)


def human(key: str, value: int | float) -> str:
    """Formats a number for people: 12,000; 98.31 %; 0:03:12; four digits of any other number."""
    if not math.isfinite(value):
        return str(value)
    if key in ('time', 'left'):
        minutes, seconds = divmod(round(value), 60)
        return f'{minutes // 60}:{minutes % 60:02}:{seconds:02}'
    if key.endswith('accuracy'):
        return f'{value:.2%}'.replace('%', ' %')
    if isinstance(value, int) or abs(value) >= 1000 or (key == 'fps' and value >= 10):
        return f'{value:,.0f}'
    if value and abs(value) < 1e-3:
        return f'{value:.2e}'
    return f'{value:#.4g}'
