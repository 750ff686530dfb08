"""Whole runs on a device whose tensors NumPy cannot have, as on a GPU: they end as on the CPU, bit for bit."""

import csv
import shutil
from pathlib import Path

import pytest
from safetensors import safe_open

from Datasets.Images import Dataset
from Datasets.Replay import Gather
from tests.device import META, Device
from tests.program.runs import run_here

SHORT = """threads=1 precision=fp32 tensorboard=false video=false plotting.plot_experiments=false train_steps=40
           seed_steps=20 explore_steps=10 log_per_steps=20 evaluate_per_steps=0 evaluate_episodes=1 evaluate_envs=1
           learn_per_steps=2 hidden_dim=16 trunk_dim=16 batch_size=8 agent.log=true replay.save=true"""
CARTPOLE, PENDULUM, DIGITS = 'task=gym/cartpole', 'task=gym/pendulum', 'task=classify/digits'
PONG = ['task=atari/pong', 'suite.max_frames=100', 'batch_size=2', 'learn_per_steps=5']
ROLLOUT = ['num_envs=2', 'learn_per_steps=16']
CASES = {
    'DQN': [CARTPOLE, 'replay.prioritized=true', 'nstep=3', 'ema=true', 'agent.temperature=0.5'],
    'Rainbow': [CARTPOLE, 'agent.accumulate=3'],
    'SPR': [CARTPOLE, 'replay.prioritized=true', 'agent.reset_period=5'],
    'SPR atari': PONG,
    'Rainbow atari': [*PONG, 'video=true'],
    'DrQV2': [PENDULUM, 'replay.prioritized=true'],
    'SAC': [PENDULUM, 'num_envs=2', 'frame_stack=2'],
    'TD3': [PENDULUM],
    'A2C': [CARTPOLE, *ROLLOUT],
    'PPO': [CARTPOLE, *ROLLOUT, 'agent.memory=LSTM', 'agent.normalize_obs=true', 'agent.normalize_reward=true'],
    'Random': [CARTPOLE],
    'DQN labels': [DIGITS, 'RL=false', 'mini=true', 'Aug=RandomShifts', 'replay.mix={MixUp:{}}'],
    'SAC rewards': [DIGITS, 'mini=true', 'tta=[mirror,shift]'],
    'DQN generate': [DIGITS, 'generate=true', 'mini=true', 'samples=20', 'conditional=true'],
}  # fmt: skip


ROOM = 'Rainbow atari', 'DQN labels'  # runs whose images have a copy on the device


def end(folder):
    """Bytes of the saved tensors, the rows of the tables without times and speeds, and the pictures."""
    (path,) = folder.rglob('agent.safetensors')
    with safe_open(path, 'np') as file:
        found = {name: file.get_tensor(name).tobytes() for name in file.keys()}  # noqa: SIM118
    for path in folder.rglob('*.csv'):
        with path.open(newline='') as file:
            rows = list(csv.DictReader(file))
        found[path.name] = [{name: row[name] for name in row if name not in ('time', 'fps')} for row in rows]
    return found | {path.name: path.read_bytes() for path in folder.rglob('*.png')}


OFTEN = 'Rainbow', 'SPR atari', 'SAC', 'PPO', 'DQN labels', 'DQN generate'


@pytest.mark.parametrize(
    'case', [pytest.param(case, marks=[] if case in OFTEN else pytest.mark.slow) for case in CASES]
)
def test_a_run_on_a_device(case, monkeypatch):
    ends = {}
    if case in ROOM:
        for place in (Gather, Dataset):
            monkeypatch.setattr(place, 'room', lambda device: 1 << 30 if device == META else 0)
    for device in ('cpu', 'meta'):
        for words in (['train_steps=30'], ['load=true']):  # which continues with the replay of the first
            place = [f'device={device}', f'root={device}']
            run = [f'Agent={case.split()[0]}', *SHORT.split(), *CASES[case], *words, *place]
            with Device():
                run_here(*run)
        ends[device] = end(Path(device))
    (train,) = (rows for name, rows in ends['meta'].items() if name.endswith('Train.csv'))
    assert case == 'Random' or any(name.endswith('_loss') and row[name] for row in train[-1:] for name in row)
    assert ends['cpu'].keys() == ends['meta'].keys()
    assert not [name for name, value in ends['cpu'].items() if ends['meta'][name] != value]


def test_learning_from_several_replays_by_their_priorities():
    cartpole, folder, ends = ['Agent=DQN', CARTPOLE, *SHORT.split()], Path('Datasets/ReplayBuffer/Exp/DQNAgent/gym'), {}
    for seed in ('experiment=First', 'experiment=Second seed=2'):
        run_here(*cartpole, *seed.split(), 'replay.save=true')
    replays = sorted(Path('Datasets').rglob('header.json'))
    folder.mkdir(parents=True)
    for number, replay in enumerate(replays):
        shutil.move(replay.parent, folder / f'cartpole_1_0{number}')
    for device in ('cpu', 'meta'):
        shutil.copytree('Datasets', f'{device}/Datasets')
        words = ['offline=true', 'replay.prioritized=true', 'train_steps=10', f'device={device}', f'root={device}']
        with Device():
            run_here(*cartpole, *words)
        ends[device] = end(Path(device))
    assert len(replays) == 2 and ends['cpu'] == ends['meta']
