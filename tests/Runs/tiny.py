"""Tiny runs of this program, and what they leave."""

import csv
import json
from pathlib import Path

from safetensors import safe_open

import Run
from Hyperparams.Launch import launch

TINY = """threads=1 tensorboard=false video=false plotting.plot_experiments=false learn_per_steps=1 nstep=1
          train_steps=60 seed_steps=20 explore_steps=20 log_per_steps=30 evaluate_per_steps=0 evaluate_episodes=1
          hidden_dim=16 trunk_dim=16 batch_size=8"""
CARTPOLE = ['task=gym/cartpole', *TINY.split()]
PREFIX = 'Benchmarking/Exp/DQNAgent/gym/cartpole_1'
SAVED = Path('Checkpoints/Exp/DQNAgent/gym/cartpole_1')


def run(*words, status=0):
    assert launch(Run.main, list(words)) == status


def starts(name=f'{PREFIX}_Run.json'):
    return json.loads(Path(name).read_text())


def table(name):
    with open(name, newline='') as file:
        return list(csv.DictReader(file))


def saved(path):
    """Header and tensors of a saved agent."""
    with safe_open(path, 'pt') as file:
        header = json.loads(file.metadata()['run'])
        header['run']['memory'].pop('name', None)  # of the replay: its date
        return header, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def files():
    return {path.as_posix(): path.read_bytes() for path in Path().rglob('*') if path.is_file()}
