"""What the tests of whole runs start, and what they read of the files that a run leaves in the current folder."""

import csv
import json

from safetensors import safe_open

QUIET = ['threads=1', 'tensorboard=false', 'video=false', 'plotting.plot_experiments=false']
SHORT = """learn_per_steps=1 nstep=1 train_steps=60 seed_steps=20 explore_steps=20 log_per_steps=30
           evaluate_per_steps=0 evaluate_episodes=1 hidden_dim=16 trunk_dim=16 batch_size=8"""  # a second for CartPole
TINY = [*QUIET, *SHORT.split()]
CARTPOLE = ['task=gym/cartpole', *TINY]
PONG = ['task=atari/pong', *TINY, '++suite.max_frames=120']
DIGITS = ['task=classify/digits', 'mini=true', *QUIET, 'train_steps=4', 'evaluate_per_steps=2', 'batch_size=16']


def table(kind, experiment='Exp', agent='DQNAgent', task='gym/cartpole', seed=1):
    with open(f'Benchmarking/{experiment}/{agent}/{task}_{seed}_{kind}.csv', newline='') as file:
        return list(csv.DictReader(file))


def column(rows, name):
    return [float(row[name]) for row in rows if row[name] != '']


def checkpoint(experiment='Exp', agent='DQNAgent', task='gym/cartpole', seed=1):
    """Header and tensors of a saved agent."""
    with safe_open(f'Checkpoints/{experiment}/{agent}/{task}_{seed}/agent.safetensors', 'pt') as file:
        return json.loads(file.metadata()['run']), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def replays(folder):
    return sorted(folder.glob('Datasets/ReplayBuffer/**/header.json'))


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob('*') if path.is_file()}
