"""Where the numbers of a run go: one console line, one CSV row and TensorBoard scalars per log, and a progress bar."""

import csv
import io
import itertools
import math
import os
import sys
import time
from collections import deque
from pathlib import Path

from Support.Errors import UserError
from Support.Files import atomic_write

LEAD = ('step', 'frame', 'episode', 'time')  # the first columns of every CSV
COLOURS = {'Train': '\033[36m', 'Eval': '\033[1;32m'}  # cyan, bold green
DIM, PLAIN = '\033[2m', '\033[0m'


class Logger:
    """Logs one run under `prefix`, for example 'Benchmarking/Exp/DQNAgent/atari/pong_1'.

    resume: continue the files that lie there: rows after `step` (the step resumed from; None: keep every row) are cut,
        of evaluations those after `evaluated` (None: as the others), and `time` goes on from the last row kept.
        Otherwise files of an earlier run are moved aside, never deleted.
    total_steps: agent steps of the whole run, for the progress bar and the time left.
    """

    def __init__(self, prefix, total_steps, resume=False, tensorboard=True, step=None, evaluated=None):
        self.prefix = Path(prefix)
        self.total_steps = int(total_steps)
        self.step = (step or 0) if resume else 0  # the first step of this process
        self.purge_step = step if resume else None
        self.tensorboard, self.writer = tensorboard, None
        self.widths = {
            'step': len(f'{self.total_steps:,}'),
            'frame': len(f'{4 * self.total_steps:,}'),
            'episode': 5,
            'reward': 7,
            'accuracy': 8,
            'fps': 6,
        }  # of the console's columns
        self.bar = self._progress_bar() if sys.stderr.isatty() and self.total_steps else None

        earlier = 0.0  # seconds that the run took before this process
        try:
            self.prefix.parent.mkdir(parents=True, exist_ok=True)
            if resume:
                last = {'Train': step, 'Eval': step if evaluated is None else min(step, evaluated)}
                earlier = max(cut_after(self.csv_path(kind), until) for kind, until in last.items())
            else:
                move_aside(self.prefix)
        except OSError as error:
            raise UserError(f'Cannot write logs at {prefix}_*: {error}; give another folder with root=.') from error
        self.began = time.monotonic() - earlier
        self.recent = deque([(self.step, earlier)], maxlen=20)  # (step, time) of the last Train lines: speed of now

    def csv_path(self, kind):
        return self.prefix.with_name(f'{self.prefix.name}_{kind}.csv')

    def log(self, kind, logs):
        """Writes `logs` as a 'Train' or 'Eval' line. It holds step, frame, episode and any further numbers: Python or
        NumPy scalars, 0-d or 1-d tensors (the mean is logged). Tensors are read, and the device waited for, only here.

        Raises TypeError for a value that is no number, UserError where the CSV cannot be written."""
        logs = {key: number(key, value) for key, value in logs.items()}
        logs['time'] = round(time.monotonic() - self.began, 3)
        row = {key: logs.pop(key, None) for key in LEAD} | logs
        append_row(self.csv_path(kind), row)
        self._scalars(kind, row)
        say(self._line(kind, row))

    def progress(self, step):
        """Moves the bar on a terminal to `step` of the run; does nothing where the output is piped."""
        if self.bar is not None:
            self.bar.update(step - self.bar.n)

    def close(self):
        if self.bar is not None:
            self.bar.close()
        if self.writer is not None:
            self.writer.close()

    def _progress_bar(self):
        from tqdm import tqdm

        form = '{percentage:3.0f}%|{bar}| {n:,}/{total:,} steps [{elapsed}, {remaining} left, {rate_fmt}]'
        return tqdm(initial=self.step, total=self.total_steps, unit=' steps', bar_format=form, smoothing=0.05,
                    mininterval=0.5, dynamic_ncols=True, leave=False)  # fmt: skip

    def _scalars(self, kind, row):
        if not self.tensorboard:
            return
        if self.writer is None:
            from torch.utils.tensorboard import SummaryWriter  # 0.1-0.2 s: at the first line, not at the start

            path = self.prefix.with_name(f'{self.prefix.name}_TensorBoard')
            # TensorBoard hides what a resumed run logged at purge_step and after it: those steps come again.
            purge = None if self.purge_step is None else self.purge_step + 1
            self.writer = SummaryWriter(path, purge_step=purge)
        for key, value in row.items():
            if key != 'step' and value is not None:
                self.writer.add_scalar(f'{kind}/{key}', value, row['step'])
        self.writer.flush()

    def _line(self, kind, row):
        first = ('step', 'frame', 'episode', 'reward', 'accuracy', 'fps', 'time')  # in this order, so that lines align
        cells = {key: row[key] for key in first if key in row}
        if kind == 'Train':
            cells['left'] = self._time_left(row['step'], row['time'])
        cells |= row
        colour = sys.stdout.isatty() and 'NO_COLOR' not in os.environ
        label = f'{kind:5}'
        parts = [f'{COLOURS.get(kind, "")}{label}{PLAIN}' if colour else label]
        for key, value in cells.items():
            if value is not None and '/' not in key:  # what has several parts is for the files
                text = human(key, value)
                self.widths[key] = width = max(self.widths.get(key, 0), len(text))  # columns only ever grow
                parts.append((f'{DIM}{key}{PLAIN} ' if colour else f'{key} ') + text.rjust(width))
        return '  '.join(parts)

    def _time_left(self, step, seconds):
        """Seconds left at the speed of the last Train lines, evaluations included; None before a speed is known."""
        first_step, first_seconds = self.recent[0]
        self.recent.append((step, seconds))
        if step <= first_step:
            return None
        return (self.total_steps - step) * (seconds - first_seconds) / (step - first_step)


def say(line, file=None):
    """Prints a line (to stdout, or `file`) above a progress bar, if there is one."""
    file = file or sys.stdout
    if 'tqdm' in sys.modules:
        sys.modules['tqdm'].tqdm.write(line, file=file)
        file.flush()
    else:
        print(line, file=file, flush=True)


def number(key, value):
    """A Python int or float, or None, of a scalar or the mean of a tensor or array. TypeError for anything else."""
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


def human(key, value):
    """Text for people: 12,000; 98.31 %; 0:03:12; four digits of any other number."""
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


def move_aside(prefix):
    """What an earlier run left at `prefix` gets a number: pong_1_Eval.csv -> pong_1_Eval.1.csv, and so on."""

    def paths(number):
        kinds = [('Train', '.csv'), ('Eval', '.csv'), ('Predictions', '.csv'), ('TensorBoard', '')]
        kinds += [('Video_Image', ''), ('Samples', '.npy'), ('Run', '.json'), ('Checkpoints', '.csv')]
        return [prefix.with_name(f'{prefix.name}_{kind}{number}{ending}') for kind, ending in kinds]

    def taken(number):
        return any(path.exists() for path in paths(number))

    if taken(''):
        n = next(n for n in itertools.count(1) if not taken(f'.{n}'))
        for path, kept in zip(paths(''), paths(f'.{n}'), strict=True):
            if path.exists():
                path.rename(kept)
        say(f'An earlier run left {prefix}_*; its files are kept as {prefix.name}_*.{n}')


def read_rows(path):
    """(columns, rows as dicts of text) of a CSV, less a last row that a crash cut short. UserError if unreadable."""
    try:
        text = Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f'Cannot read the log {path}: {error}; move it away to start a new one.') from error
    complete = text[: text.rfind('\n') + 1]
    columns, *rows = list(csv.reader(io.StringIO(complete))) or [[]]
    return columns, [dict(zip(columns, row, strict=True)) for row in rows if len(row) == len(columns)]


def as_csv(columns, rows):
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval='', lineterminator='\n')
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def append_row(path, row):
    """Appends one row. A new key widens the table: it is written anew, atomically, with all earlier rows."""
    if not path.exists():
        return atomic_write(path, as_csv(list(row), [row]))
    with path.open(newline='') as file:
        header = file.readline()
    columns = next(csv.reader([header]), [])
    new = [key for key in row if key not in columns]
    if new or not ends_in_newline(path):
        columns, rows = read_rows(path)
        return atomic_write(path, as_csv(columns + [key for key in row if key not in columns], [*rows, row]))
    line = as_csv(columns, [row]).split('\n', 1)[1]
    size = path.stat().st_size
    try:
        with path.open('a', newline='') as file:
            file.write(line)
    except OSError as error:
        os.truncate(path, size)  # no half row
        raise UserError(
            f'Cannot write the log {path}: {error.strerror}; free some space and resume with load=true.'
        ) from error


def ends_in_newline(path):
    with path.open('rb') as file:
        file.seek(-1, os.SEEK_END)
        return file.read() == b'\n'


def cut_after(path, step):
    """Cuts the rows after `step` (None: none) and returns the time of the last row kept, 0 if there is none."""
    if not path.exists():
        return 0.0
    columns, rows = read_rows(path)
    try:
        kept = [row for row in rows if step is None or float(row['step']) <= step]
        earlier = float(kept[-1]['time']) if kept else 0.0
    except (KeyError, ValueError) as error:
        raise UserError(
            f'{path} is no log of this program ({error}); move it away or run without load=true.'
        ) from error
    if len(kept) < len(rows):
        atomic_write(path, as_csv(columns, kept))
    return earlier
