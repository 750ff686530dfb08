"""Sweeps whose jobs run in processes of their own: each trains its seed, and an error reaches the command line."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from Support.Files import PROJECT

TINY = """task=gym/cartpole threads=1 tensorboard=false video=false plotting.plot_experiments=false train_steps=60
          seed_steps=20 explore_steps=20 log_per_steps=30 evaluate_per_steps=0 evaluate_episodes=1 evaluate_envs=1
          hidden_dim=16 trunk_dim=16 batch_size=8 learn_per_steps=1"""
LAUNCHERS = ('joblib', 'submitit_local')


def sweep(folder, launcher, *words):
    pytest.importorskip(f'hydra_plugins.hydra_{launcher.split("_")[0]}_launcher')
    command = [sys.executable, PROJECT / 'Run.py', '-m', f'hydra/launcher={launcher}', *TINY.split(), *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize('launcher', LAUNCHERS)
def test_both_seeds_train(tmp_path, launcher):
    done = sweep(tmp_path, launcher, 'seed=1,2')
    assert done.returncode == 0, done.stderr
    for seed in 1, 2:
        assert Path(tmp_path, f'Checkpoints/Exp/DQNAgent/gym/cartpole_{seed}/agent.safetensors').is_file()
        with Path(tmp_path, f'Benchmarking/Exp/DQNAgent/gym/cartpole_{seed}_Train.csv').open(newline='') as file:
            assert [row['step'] for row in csv.DictReader(file)] == ['30', '60']


@pytest.mark.parametrize('launcher', LAUNCHERS)
def test_a_users_error_in_a_job_is_told_with_status_2(tmp_path, launcher):
    done = sweep(tmp_path, launcher, 'load=true')
    assert done.returncode == 2
    assert 'No saved agent' in done.stderr and 'Traceback' not in done.stderr
