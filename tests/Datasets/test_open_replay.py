"""Which replay a run opens: its own, a saved one, or one of another capacity."""

import subprocess
import sys
import time

import pytest

import Run
from Datasets.Replay import ReplayFiles
from Hyperparams.Launch import launch
from Support.Files import PROJECT

QUIET = ['threads=1', 'tensorboard=false', 'video=false', 'plotting.plot_experiments=false']
SHORT = ['learn_per_steps=0', 'train_steps=40', 'evaluate_per_steps=0', 'evaluate_episodes=1', 'hidden_dim=16']
CARTPOLE = ['task=gym/cartpole', *QUIET, *SHORT]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def content(path):
    return {file.name: file.read_bytes() for file in sorted(path.iterdir())}


def test_a_run_with_another_capacity(folder, capsys):
    def saved():
        return sorted(folder.glob('Datasets/ReplayBuffer/Exp/DQNAgent/gym/cartpole_1_*'))

    def run(*words, status=0):
        assert launch(Run.main, [*CARTPOLE, *words]) == status

    run('replay.save=true', 'replay.capacity=30')
    (first,) = saved()
    before = content(first)
    run('replay.load=true', 'replay.capacity=100')  # for this run alone
    assert saved() == [first] and content(first) == before
    run('replay.load=true', 'replay.capacity=100', 'replay.save=true')
    assert saved()[0] == first and content(first) == before and len(saved()) == 2
    larger = ReplayFiles.ReplayFiles(None, saved()[1], mode='r')
    assert larger.capacity == 100 and 70 <= larger.heads[0] < 90  # 30 slots, 40 steps and their ends
    run('offline=true', 'train_steps=5', 'replay.capacity=50', status=2)
    assert 'leave replay.capacity= out' in capsys.readouterr().err
    run('offline=true', 'train_steps=5', 'replay.capacity=100', 'seed_steps=0')


def test_what_a_killed_run_left_is_named_and_kept(folder, capsys):
    words = [*CARTPOLE, 'train_steps=1000000', 'replay.capacity=1000']
    running = subprocess.Popen([sys.executable, PROJECT / 'Run.py', *words])
    try:
        end = time.monotonic() + 60
        while not (found := list(folder.rglob('*_unsaved/header.json'))) and time.monotonic() < end:
            time.sleep(0.05)
        assert launch(Run.main, CARTPOLE) == 0
        assert 'killed run' not in capsys.readouterr().out  # it is at work
    finally:
        running.kill()
        running.wait()
    path = found[0].parent
    before = content(path)
    assert launch(Run.main, [*CARTPOLE, 'seed=2']) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if 'killed run' in line]
    assert len(lines) == 1 and str(path.relative_to(folder)) in lines[0] and 'MB' in lines[0]
    assert content(path) == before
    assert list(folder.rglob('*_unsaved')) == [path]
    assert launch(Run.main, [*CARTPOLE, f'replay.path={path}']) == 0
