"""Measures how much a pretrained backbone helps with few images: python benchmarks/transfer.py [--data <folder>]

A network learns classes 0-4 of CIFAR-10 (`Before`). Its backbone then learns classes 5-9 from 50 images each, first
frozen (`Transfer`), beside a backbone from scratch (`Scratch`), for each seed. Writes classify_table.csv and
classify_curves.png. Finished runs are not repeated, so the script can be stopped and started.
"""

from __future__ import annotations

import argparse
import csv
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # run by its path, it does not find the project's packages

from Hyperparams.Compose import compose
from Logging.Plot import plot
from Support.Files import PROJECT

BEFORE = 'recipe=cifar10_fast Dataset.subset=[0,1,2,3,4] experiment=Before train_steps=1560'  # 8 epochs of half the set
SCRATCH = 'recipe=cifar10_few experiment=Scratch'
TRANSFER = 'recipe=cifar10_few experiment=Transfer'
PRETRAINED = 'Eyes=Utils.load Eyes.attr=encoder.eyes'
THAW = 'agent.rates.encoder=step_linear(0,0,50%,0.3,1)'  # frozen for half of the time, then three tenths of the rate


def commands(args: argparse.Namespace) -> Iterator[list[str]]:
    """Yields the words of every run, in order."""
    common = [f'data={args.data}', f'root={args.root}', *args.words]
    before = [*BEFORE.split(), *common, 'seed=1']
    eyes = [*PRETRAINED.split(), f'Eyes.path={Path(args.root, "Checkpoints", place(before))}', THAW]
    yield before
    for seed in args.seeds:
        yield [*SCRATCH.split(), *common, f'seed={seed}']
        yield [*TRANSFER.split(), *common, *eyes, f'seed={seed}']


def place(words: list[str]) -> Path:
    """Returns the path of a run's files below Benchmarking/ and Checkpoints/."""
    config = compose(words)
    return Path(config.experiment, 'DQNAgent', 'classify', f'{config.task_name}_{config.seed}')


def finished(words: list[str], root: str) -> bool:
    """Returns whether a run's evaluations reach its last step."""
    path = Path(root, 'Benchmarking', f'{place(words)}_Eval.csv')
    if not path.exists():
        return False
    with path.open(newline='') as file:
        return int(list(csv.DictReader(file))[-1]['step']) >= compose(words).train_steps


def main(argv: Sequence[str] | None = None) -> int:
    """Does the missing runs, then draws. Returns the exit status of the first run that failed, else 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--data', default='../shared/datasets', help='folder of cifar10_images.tar.gz')
    parser.add_argument('--seeds', nargs='+', type=int, default=[1, 2, 3])
    parser.add_argument('--root', default='.', help='folder of Benchmarking/ and Checkpoints/')
    parser.add_argument('--out', default=PROJECT / 'results' / 'Transfer')
    parser.add_argument('words', nargs='*', help='key=value of every run, for example threads=1')
    args = parser.parse_intermixed_args(argv)
    for words in commands(args):
        if finished(words, args.root):
            continue
        print(f'python Run.py {shlex.join(words)}', flush=True)
        status = subprocess.run([sys.executable, PROJECT / 'Run.py', *words], check=False).returncode
        if status:
            return status
    for path in plot(Path(args.root, 'Benchmarking'), ['Transfer', 'Scratch'], out=args.out):
        print(path)
    return 0


if __name__ == '__main__':
    sys.exit(main())
