"""What eyes that know five classes are worth for five others: python benchmarks/transfer.py [--data <folder>]

A network learns classes 0-4 of CIFAR-10 (`Before`). Its eyes then learn classes 5-9 from 50 images each, at first
frozen (`Transfer`), beside eyes that know nothing (`Scratch`), on every seed. Writes classify_table.csv and
classify_curves.png. What reached its last step is not run again, so the script can be stopped and started.
"""

import argparse
import csv
import shlex
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # run by its path, it does not find the project's packages

import Utils
from Hyperparams.Compose import compose
from Logging.Plot import plot

BEFORE = 'recipe=cifar10_fast Dataset.subset=[0,1,2,3,4] experiment=Before train_steps=1560'  # 8 epochs of half the set
SCRATCH = 'recipe=cifar10_few experiment=Scratch'
TRANSFER = 'recipe=cifar10_few experiment=Transfer'
KNOWING = 'Eyes=Utils.load Eyes.attr=encoder.eyes'
THAW = 'agent.rates.encoder=step_linear(0,0,50%,0.3,1)'  # nothing for half of the time, then three tenths of the rate


def commands(args):
    """The words of every run, in their order."""
    common = [f'data={args.data}', f'root={args.root}', *args.words]
    before = [*BEFORE.split(), *common, 'seed=1']
    eyes = [*KNOWING.split(), f'Eyes.path={Path(args.root, "Checkpoints", place(before))}', THAW]
    yield before
    for seed in args.seeds:
        yield [*SCRATCH.split(), *common, f'seed={seed}']
        yield [*TRANSFER.split(), *common, *eyes, f'seed={seed}']


def place(words):
    """Where a run's files lie, below Benchmarking/ and Checkpoints/."""
    config = compose(words)
    return Path(config.experiment, 'DQNAgent', 'classify', f'{config.task_name}_{config.seed}')


def finished(words, root):
    """Whether the run's evaluations reach its last step."""
    path = Path(root, 'Benchmarking', f'{place(words)}_Eval.csv')
    if not path.exists():
        return False
    with path.open(newline='') as file:
        return int(list(csv.DictReader(file))[-1]['step']) >= compose(words).train_steps


def main(argv=None):
    """Runs what is missing, then draws. Returns the exit status: that of the first run that failed, else 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--data', default='../shared/datasets', help='folder of cifar10_images.tar.gz')
    parser.add_argument('--seeds', nargs='+', type=int, default=[1, 2, 3])
    parser.add_argument('--root', default='.', help='folder of Benchmarking/ and Checkpoints/')
    parser.add_argument('--out', default=Utils.PROJECT / 'results' / 'Transfer')
    parser.add_argument('words', nargs='*', help='key=value of every run, for example threads=1')
    args = parser.parse_intermixed_args(argv)
    for words in commands(args):
        if finished(words, args.root):
            continue
        print(f'python Run.py {shlex.join(words)}', flush=True)
        status = subprocess.run([sys.executable, Utils.PROJECT / 'Run.py', *words], check=False).returncode
        if status:
            return status
    for path in plot(Path(args.root, 'Benchmarking'), ['Transfer', 'Scratch'], out=args.out):
        print(path)
    return 0


if __name__ == '__main__':
    sys.exit(main())
