"""The files that a run writes, equal files for equal seeds, and what is imported before its first step."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from Support.Files import PROJECT
from tests.program.results import PONG, checkpoint, column, files, table
from tests.program.runs import finish, process, run, run_here


@pytest.mark.parametrize(
    ('task', 'words', 'score'),
    [
        ('atari/pong', ['suite.max_frames=200', 'train_steps=60', 'seed_steps=40', 'evaluate_per_steps=30'], 'reward'),
        ('gym/pendulum', ['train_steps=60', 'evaluate_per_steps=30'], 'reward'),
        ('classify/digits', [], 'accuracy'),
        ('classify/digits', ['generate=true', 'samples=12'], None),
    ],
)
def test_every_file_of_the_contract_and_the_same_again(folder, task, words, score):
    words = ['mini=true', f'task={task}', 'threads=1', *words]
    if task == 'gym/pendulum':  # one of the four in a fresh interpreter
        finish(process(*words, f'root={folder}/first'), seconds=280)
    else:
        first = run([*words, f'root={folder}/first'])
        assert first.status == 0 and first.seconds < 60, first
    run_here(*words, f'root={folder}/second', 'plotting.plot_experiments=false', 'tensorboard=false', 'video=false')

    runs, states = [], []
    for root in (folder / 'first', folder / 'second'):
        os.chdir(root)
        train, evaluations = table('Train', task=task), table('Eval', task=task)
        for rows in (train, evaluations):
            assert list(rows[0])[:4] == ['step', 'frame', 'episode', 'time']
        assert 'fps' in train[0] and (score is None or score in evaluations[0])
        header, tensors = checkpoint(task=task)
        steps = column(evaluations, 'step')
        assert steps[0] == 0 and steps[-1] == header['step'] and len(steps) == 3
        runs.append([{key: value for key, value in row.items() if key != 'time'} for row in evaluations])
        states.append(tensors)
    assert runs[0] == runs[1]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])

    there = files(folder / 'first')
    prefix = f'Benchmarking/Exp/DQNAgent/{task}_1'
    suite = task.split('/')[0]
    pictures = '.mp4' if score == 'reward' else '.png'
    for step in map(int, steps[-1:] if score == 'accuracy' else steps):  # classification: one confusion matrix
        assert len(there[f'{prefix}_Video_Image/{step}{pictures}']) > 500
    assert any(name.startswith(f'{prefix}_TensorBoard/events.out') for name in there)
    assert f'Checkpoints/Exp/DQNAgent/{task}_1/config.yaml' in there
    if score:
        plots = {f'Benchmarking/Exp/Plots/{suite}_{name}' for name in ('curves.png', 'bars.png', 'table.csv')}
        assert plots < set(there)
    else:
        samples = np.load(folder / 'first' / f'{prefix}_Samples.npy')
        assert samples.shape == (12, 1, 8, 8) and samples.dtype == np.uint8 and samples.std() > 0
    assert not any('ReplayBuffer' in name for name in there)


def test_nothing_slow_is_imported_before_the_first_step():
    code = f"""
import sys
sys.path.insert(0, {str(PROJECT)!r})
import Environment, Run
from Hyperparams.Launch import launch
step = Environment.Environment.step
def first(*arguments):
    step(*arguments)
    slow = ('seaborn', 'pandas', 'matplotlib', 'tensorboard', 'torchvision', 'sklearn', 'imageio', 'scipy', 'PIL',
            'torch._dynamo')
    print('imported:', *(name for name in slow if name in sys.modules))
    raise KeyboardInterrupt
Environment.Environment.step = first
raise SystemExit(launch(Run.main, {[*PONG, 'evaluate_episodes=10']!r}))
"""
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()) == (130, ['imported:']), done.stderr
