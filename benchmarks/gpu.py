"""Runs the larger rows of the results on a GPU, and measures speed: python benchmarks/gpu.py [--rows pong] [--seeds 1]

Runs each row and seed with Run.py in a process of its own and writes Benchmarking/GPU/table.csv and table.md beside its
logs. A row whose Eval log reaches its last step is not repeated, so the script can be stopped and started. Without a
GPU, the table says which rows have not been measured.
"""

from __future__ import annotations

import argparse
import itertools
import shlex
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))  # run by its path, it does not find the project's packages

from benchmarks.tables import hardware, read, versions, write
from Logging.Plots import Results
from Support.Files import PROJECT

COLUMNS = ('row', 'command', 'seed', 'steps', 'figure', 'published', 'source', 'minutes', 'hardware', 'versions')
SHORT = """mini=true seed_steps=20 explore_steps=20 evaluate_per_steps=0 batch_size=4 hidden_dim=16 suite.max_frames=80
           threads=1 tensorboard=false video=false plotting.plot_experiments=false save=false"""  # seconds on a CPU


class Row(NamedTuple):
    """A line of the table, for each seed."""

    agent: str
    task: str
    words: str  # further words of the command line
    steps: int  # agent steps, or batches
    method: str | None = None  # published, of Logging/Plots/Reference
    frames: int | None = None  # of the comparison with it
    figure: Callable[[list, list], str] | None = None  # of the lines of Eval and Train log; None: the score


def speed(updates: int = 0) -> Callable[[list, list], str]:
    """Returns a figure: agent steps per second, or updates per second for `updates` per step; the median of lines."""

    def figure(evals: list[dict[str, str]], trains: list[dict[str, str]]) -> str:
        every = [float(line['fps']) * int(line['step']) / int(line['frame']) for line in trains if line['fps']]
        typical = statistics.median(every[1:] or every)  # the first line includes the start
        return f'{typical * updates:.1f} updates/s' if updates else f'{typical:.1f} steps/s'

    return figure


def seconds_to(accuracy: float) -> Callable[[list, list], str]:
    """Returns a figure: seconds of the run, evaluation included, until it reaches a test accuracy."""

    def figure(evals: list[dict[str, str]], trains: list[dict[str, str]]) -> str:
        there = [float(line['time']) for line in evals if float(line['accuracy']) >= accuracy]
        return f'{there[0]:.1f} s' if there else f'not reached: {float(evals[-1]["accuracy"]):.2%}'

    return figure


CIFAR = 'recipe=cifar10_fast evaluate_per_steps=391'  # 15 epochs, evaluated after each
MNIST = 'recipe=mnist_fast evaluate_per_steps=67'  # two epochs
ROWS = {
    'pong': Row('SPR', 'atari/pong', 'learn_per_steps=0.5', 100_000, 'SPR', 400_000),  # two updates a step: the paper's
    'breakout': Row('SPR', 'atari/breakout', 'learn_per_steps=0.5', 100_000, 'SPR', 400_000),
    'cheetah': Row('DrQV2', 'dmc/cheetah_run', 'learn_per_steps=2', 250_000, 'DrQ-v2', 500_000),
    'dqn-speed': Row('DQN', 'atari/breakout', 'num_envs=8 learn_per_steps=4', 40_000, figure=speed()),
    'ppo-speed': Row('PPO', 'atari/breakout', 'num_envs=8', 400_000, figure=speed()),
    'spr-speed': Row('SPR', 'atari/freeway', 'learn_per_steps=1', 10_000, figure=speed(updates=1)),
    'drqv2-speed': Row('DrQV2', 'dmc/walker_walk', 'learn_per_steps=1', 10_000, figure=speed(updates=1)),
    'cifar10-94': Row('DQN', 'classify/cifar10_images', CIFAR, 5863, figure=seconds_to(0.94)),
    'mnist-99': Row('DQN', 'classify/mnist', MNIST, 938, figure=seconds_to(0.99)),
}


def command(row: Row, seed: int, args: argparse.Namespace) -> list[str]:
    """Returns the words of one run."""
    words = [f'Agent={row.agent}', f'task={row.task}', *row.words.split(), f'train_steps={row.steps}', f'seed={seed}']
    words += ['save=false log_per_steps=1000'] * bool(row.figure)
    places = [f'root={args.root}', f'data={args.data}', f'device={args.device}']
    short = [word for word in SHORT.split() if 'classify/' not in row.task or 'suite.' not in word]
    return [*' '.join(words).split(), 'experiment=GPU', *places, *(short * args.shorten)]


def log(row: Row, seed: int, root: str, kind: str) -> list[dict[str, str]]:
    """Returns the lines of a run's 'Eval' or 'Train' log."""
    return read(Path(root, 'Benchmarking', 'GPU', f'{row.agent}Agent', f'{row.task}_{seed}_{kind}.csv'))


def reached(row: Row, seed: int, root: str) -> dict[str, str] | None:
    """Returns the last line of a run's Eval log if it is at the row's last step, else None."""
    lines = log(row, seed, root, 'Eval')
    return lines[-1] if lines and int(lines[-1]['step']) >= row.steps else None


def published(row: Row) -> tuple[str, str]:
    """Returns the published score of a row's task, method and frames, with its spread, and its source."""
    if row.method is None:
        return '', ''
    suite, task = row.task.split('/')
    scores, curves = (Results.published(suite, task, kind) for kind in ('scores', 'curves'))
    at = curves[curves['frame'] == row.frames]
    found = next(rows for rows in (scores[scores['method'] == row.method], at[at['method'] == row.method]) if len(rows))
    score = found.iloc[0]
    return f'{score["score"]:g} (deviation {score["std"]:g} over {score["n"]:g} runs)', score['source']


def measure(name: str, row: Row, seed: int, args: argparse.Namespace) -> dict[str, Any] | None:
    """Runs a row unless its log is complete. Returns its line of the table, or None if the run did not finish."""
    words = command(row, seed, args)
    print(f'{name}, seed {seed}: python Run.py {shlex.join(words)}', flush=True)
    if not reached(row, seed, args.root):
        subprocess.run([sys.executable, PROJECT / 'Run.py', *words], check=False)
    last = reached(row, seed, args.root)
    if last is None:
        return None
    logs = (log(row, seed, args.root, kind) for kind in ('Eval', 'Train'))
    figure = row.figure(*logs) if row.figure else f'{float(last["reward"]):g}'
    return line_of(name, row, seed, args, last['step'], figure, f'{float(last["time"]) / 60:.1f}')


def line_of(
    name: str, row: Row, seed: int, args: argparse.Namespace, steps: int | str, figure: str, minutes: str
) -> dict[str, Any]:
    """Returns a line of the table."""
    words, there = shlex.join(command(row, seed, args)), args.device if torch.cuda.is_available() else 'cpu'
    values = (
        name,
        f'python Run.py {words}',
        seed,
        steps,
        figure,
        *published(row),
        minutes,
        hardware(there),
        versions(),
    )
    return dict(zip(COLUMNS, values, strict=True))


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the missing rows. Returns the exit status: 0, 1 if a run failed, 2 without a GPU."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rows', nargs='+', choices=ROWS, default=list(ROWS))
    parser.add_argument('--seeds', nargs='+', type=int, default=[1])
    parser.add_argument('--root', default='.', help='folder of Benchmarking/ and Checkpoints/')
    parser.add_argument('--data', default='./Datasets/Data', help='folder of the data sets')
    parser.add_argument('--device', default='cuda')
    parser.add_argument('--shorten', action='store_true', help='24 steps of narrow networks, only to see that it runs')
    args = parser.parse_args(argv)
    lacking = args.device.startswith('cuda') and not torch.cuda.is_available()
    if lacking:
        print('torch finds no GPU: run this on a machine with one, or try it with --device cpu --shorten.',
              file=sys.stderr)  # fmt: skip
    path, failed = Path(args.root, 'Benchmarking', 'GPU', 'table.csv'), []
    for name, seed in itertools.product(args.rows, args.seeds):
        steps = 24 if args.shorten else ROWS[name].steps
        row, lines = ROWS[name]._replace(steps=steps), read(path)
        own = [line for line in lines if (line['row'], line['seed']) == (name, str(seed))]
        if own and (lacking or (int(own[0]['steps']) >= row.steps and reached(row, seed, args.root))):
            continue  # its line names the hardware of its run
        absent = lacking and line_of(name, row, seed, args, 0, 'not measured: no GPU', '')
        line = absent or measure(name, row, seed, args)
        if line:
            write(path, [*(line for line in lines if line not in own), line], COLUMNS)
        else:
            failed.append(f'{name}, seed {seed}')
    if path.exists():
        print(f'{path} and {path.with_suffix(".md")}')
    if failed:
        print(f'Not finished: {"; ".join(failed)}.', file=sys.stderr)
    return 2 if lacking else int(bool(failed))


if __name__ == '__main__':
    sys.exit(main())
