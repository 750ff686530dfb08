"""The larger rows of the results, and speed, where a GPU is: python benchmarks/gpu.py [--rows pong cheetah] [--seeds 1]

Runs each row and seed by Run.py in a process of its own and writes Benchmarking/GPU/table.csv and table.md beside its
logs. A row whose Eval log reaches its last step is not run again, so the script can be stopped and started. Without a
GPU, rows that have not been measured say so.
"""

import argparse
import itertools
import shlex
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))  # run by its path, it does not find the project's packages

import Utils
from benchmarks.tables import hardware, read, versions, write
from Logging.Plots import Results

COLUMNS = ('row', 'command', 'seed', 'steps', 'figure', 'published', 'source', 'minutes', 'hardware', 'versions')
SHORT = """mini=true seed_steps=20 explore_steps=20 evaluate_per_steps=0 batch_size=4 hidden_dim=16 suite.max_frames=80
           threads=1 tensorboard=false video=false plotting.plot_experiments=false save=false"""  # seconds on a CPU


class Row(NamedTuple):
    """One line of the table, for each seed."""

    agent: str
    task: str
    words: str  # of the command line, beside agent and task
    steps: int  # agent steps, or batches
    method: str | None = None  # the published one, Logging/Reference
    frames: int | None = None  # at which it is compared
    figure: Callable | None = None  # (lines of the Eval log, of the Train log) -> what the table shows; None: the score


def speed(updates=0):
    """Agent steps a second, or updates where a step takes so many of them; without evaluation, the median of lines."""

    def figure(evals, trains):
        every = [float(line['fps']) * int(line['step']) / int(line['frame']) for line in trains if line['fps']]
        typical = statistics.median(every[1:] or every)  # the first line has the start in it
        return f'{typical * updates:.1f} updates/s' if updates else f'{typical:.1f} steps/s'

    return figure


def seconds_to(accuracy):
    """Seconds of the run, evaluation included, until a share of the test images is named."""

    def figure(evals, trains):
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


def command(row, seed, args):
    """The words of one run."""
    words = [f'Agent={row.agent}', f'task={row.task}', *row.words.split(), f'train_steps={row.steps}', f'seed={seed}']
    words += ['save=false log_per_steps=1000'] * bool(row.figure)
    places = [f'root={args.root}', f'data={args.data}', f'device={args.device}']
    short = [word for word in SHORT.split() if 'classify/' not in row.task or 'suite.' not in word]
    return [*' '.join(words).split(), 'experiment=GPU', *places, *(short * args.shorten)]


def log(row, seed, root, kind):
    """The lines of a run's 'Eval' or 'Train' log, as dicts."""
    return read(Path(root, 'Benchmarking', 'GPU', f'{row.agent}Agent', f'{row.task}_{seed}_{kind}.csv'))


def reached(row, seed, root):
    """The last line of a run's Eval log as a dict, if it is of the row's last step; else None."""
    lines = log(row, seed, root, 'Eval')
    return lines[-1] if lines and int(lines[-1]['step']) >= row.steps else None


def published(row):
    """What was published for a row's task, method and frames -> its score with spread, and its source."""
    if row.method is None:
        return '', ''
    suite, task = row.task.split('/')
    scores, curves = (Results.published(suite, task, kind) for kind in ('scores', 'curves'))
    at = curves[curves['frame'] == row.frames]
    found = next(rows for rows in (scores[scores['method'] == row.method], at[at['method'] == row.method]) if len(rows))
    score = found.iloc[0]
    return f'{score["score"]:g} (deviation {score["std"]:g} over {score["n"]:g} runs)', score['source']


def measure(name, row, seed, args):
    """Runs it unless its log is whole -> its line of the table, or None if it did not come to its end."""
    words = command(row, seed, args)
    print(f'{name}, seed {seed}: python Run.py {shlex.join(words)}', flush=True)
    if not reached(row, seed, args.root):
        subprocess.run([sys.executable, Utils.PROJECT / 'Run.py', *words], check=False)
    last = reached(row, seed, args.root)
    if last is None:
        return None
    logs = (log(row, seed, args.root, kind) for kind in ('Eval', 'Train'))
    figure = row.figure(*logs) if row.figure else f'{float(last["reward"]):g}'
    return line_of(name, row, seed, args, last['step'], figure, f'{float(last["time"]) / 60:.1f}')


def line_of(name, row, seed, args, steps, figure, minutes):
    """A line of the table."""
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


def main(argv=None):
    """Runs what is missing. Returns the exit status: 0, 1 if a run failed, 2 without a GPU."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rows', nargs='+', choices=ROWS, default=list(ROWS))
    parser.add_argument('--seeds', nargs='+', type=int, default=[1])
    parser.add_argument('--root', default='.', help='folder of Benchmarking/ and Checkpoints/')
    parser.add_argument('--data', default='./Datasets/Data', help='folder of the data sets')
    parser.add_argument('--device', default='cuda')
    parser.add_argument('--shorten', action='store_true', help='24 steps of narrow networks: to see that it runs')
    args = parser.parse_args(argv)
    lacking = args.device.startswith('cuda') and not torch.cuda.is_available()
    if lacking:
        print('No GPU is visible to torch: run this where one is, or see it run with --device cpu --shorten.',
              file=sys.stderr)  # fmt: skip
    path, failed = Path(args.root, 'Benchmarking', 'GPU', 'table.csv'), []
    for name, seed in itertools.product(args.rows, args.seeds):
        steps = 24 if args.shorten else ROWS[name].steps
        row, lines = ROWS[name]._replace(steps=steps), read(path)
        own = [line for line in lines if (line['row'], line['seed']) == (name, str(seed))]
        if own and (lacking or (int(own[0]['steps']) >= row.steps and reached(row, seed, args.root))):
            continue  # its line names the hardware that it ran on
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
