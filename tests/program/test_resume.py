"""A run that is killed and resumed ends as one that was never stopped: all of its state, bit for bit."""

import csv
import json
import random
import shutil
import time

import numpy as np
import pytest
from safetensors import safe_open

from Agents import DQNAgent
from Datasets.Experience import Spec
from Datasets.Replay.Replay import Replay
from Logging.Saving import CheckpointFile
from tests.make import make
from tests.program.runs import CONTEXT, Running, fork, run, wait_for

QUIET = ['threads=1', 'tensorboard=false', 'video=false', 'plotting.plot_experiments=false', 'evaluate_episodes=2']
SHORT = ['train_steps=120', 'seed_steps=20', 'explore_steps=10', 'log_per_steps=13', 'evaluate_per_steps=50',
         'save_per_steps=20', 'hidden_dim=16', 'trunk_dim=16', 'batch_size=8']  # fmt: skip
CARTPOLE, PENDULUM, DIGITS = 'task=gym/cartpole', 'task=gym/pendulum', 'task=classify/digits'
ROLLOUT = ['num_envs=2', 'learn_per_steps=16']
CASES = {
    'DQN': [CARTPOLE, 'replay.prioritized=true', 'nstep=3', 'replay.capacity=70', 'ema=true'],
    'Rainbow': [CARTPOLE],
    'DrQV2': [PENDULUM],
    'SAC': [PENDULUM, 'num_envs=2', 'agent.accumulate=3'],
    'TD3': [PENDULUM, 'frame_stack=2'],
    'SPR': [CARTPOLE, 'agent.reset_period=50'],
    'A2C': [CARTPOLE, *ROLLOUT],
    'PPO': [CARTPOLE, *ROLLOUT, 'agent.memory=LSTM', 'agent.normalize_obs=true', 'agent.normalize_reward=true'],
    'DQN atari': ['task=atari/pong', 'suite.max_frames=100', 'train_steps=60', 'evaluate_per_steps=30',
                  'save_per_steps=10', 'batch_size=2'],
    'PPO atari': ['task=atari/pong', 'suite.max_frames=100', 'train_steps=64', 'evaluate_per_steps=32',
                  'save_per_steps=12', 'num_envs=2', 'learn_per_steps=16'],
    'SAC dmc': ['task=dmc_state/cartpole_swingup', 'suite.max_frames=60', 'num_envs=2'],
    'DQN labels': [DIGITS, 'RL=false', 'mini=true', 'train_steps=60', 'save_per_steps=7',
                   'replay.transform={RandomCrop:{size:8,padding:1}}', 'replay.mix={MixUp:{}}'],
    'SAC rewards': [DIGITS, 'offline=false', 'num_envs=4'],
    'DQN generate': [DIGITS, 'generate=true', 'mini=true', 'train_steps=30', 'evaluate_per_steps=10',
                     'save_per_steps=4', 'samples=20'],
}  # fmt: skip


def checkpoint(folder):
    """The saved header, without names and checksums, and the bytes of each saved tensor."""
    (path,) = folder.rglob('agent.safetensors')
    with safe_open(path, 'np') as file:
        header = json.loads(file.metadata()['run'])
        tensors = {name: file.get_tensor(name).tobytes() for name in file.keys()}  # noqa: SIM118
    header['checksum'] = header['run']['memory'].get('name') and None
    header['run']['memory'].pop('name', None)
    return header, tensors


def tables(folder):
    """The rows of both logs, without times and speeds."""
    found = {}
    for path in folder.rglob('*.csv'):
        with open(path, newline='') as file:
            rows = [{k: v for k, v in row.items() if k not in ('time', 'fps')} for row in csv.DictReader(file)]
        found[path.name] = rows
    return found


def stored(folder):
    """The bytes of each field of the saved replay, the oldest step first."""
    fields = {}
    for path in folder.rglob('ReplayBuffer/**/header.json'):
        header, heads = json.loads(path.read_text()), np.load(path.with_name('heads.npy'))
        for name in header['fields']:
            data = np.load(path.with_name(f'{name}.npy'), mmap_mode='r')
            for env, head in enumerate(heads):
                slots = np.arange(max(0, head - header['kept']), head) % header['capacity']
                fields[name, env] = data[env, slots].tobytes()
    return fields


def kill_halfway(folder, words, random_state):
    """A run that is killed some time after it first saved; again, and sooner, if its training had ended before."""
    (*_, train_steps) = (int(word.partition('=')[2]) for word in words if word.startswith('train_steps='))
    for longest in (0.3, 0.1, 0.03, 0):
        running = Running(words, folder)
        wait_for(lambda: list(folder.rglob('agent.safetensors')), running)
        time.sleep(random_state.uniform(0, longest))
        running.kill()
        assert running.wait() in (0, -9), running.output()
        if running.poll() == -9 and checkpoint(folder)[0]['step'] < train_steps:
            return
        shutil.rmtree(folder)
    pytest.fail('it always ended before it was killed')


SLOW = ('Rainbow', 'TD3', 'A2C', 'PPO atari', 'SAC rewards')  # their state is that of other cases


@pytest.mark.parametrize(
    'case', [pytest.param(case, marks=pytest.mark.slow) if case in SLOW else case for case in CASES]
)
def test_a_killed_run_resumes_to_the_same_end(case, tmp_path):
    words = [*QUIET, *SHORT, 'replay.save=true', f'Agent={case.split()[0]}', *CASES[case]]
    words = [word for word in words if 'generate' not in case or word != 'replay.save=true']
    whole, killed = tmp_path / 'whole', tmp_path / 'killed'
    assert run(words, whole).status == 0
    kill_halfway(killed, words, random.Random(case))
    assert run([*words, 'load=true'], killed).status == 0
    assert tables(killed) == tables(whole)
    assert checkpoint(killed) == checkpoint(whole)
    assert stored(killed) == stored(whole)


SPEC, SLACK = Spec((4,), 'float32', (), 2), 5


def load(folder, mode):
    """The agent and the replay that were saved last."""
    agent = make(DQNAgent, SPEC, hidden_dim=16, trunk_dim=8)
    replay = Replay(SPEC, folder / 'replay', capacity=50, prioritized=True, mode=mode)
    replay.restore(CheckpointFile.load(folder / 'agent.safetensors', agent)['memory'])
    return agent, replay


def save_again_and_again(folder, ready):
    """Adds a few steps and saves the agent and the replay, until it is killed."""
    agent, replay = load(folder, 'r+')
    while True:
        for _ in range(SLACK):
            agent.step += 1
            obs, ended = np.full((1, 4), agent.step, np.float32), np.array([agent.step % 7 == 0])
            replay.add(obs, np.array([0]), np.ones(1), ended, ~ended & False, obs)
        replay.flush()
        CheckpointFile.save(folder / 'agent.safetensors', agent, {'memory': replay.state()})
        ready.set()


@pytest.mark.parametrize('times', [50, pytest.param(200, marks=pytest.mark.slow)])
def test_killed_many_times_while_it_saves(times, tmp_path):
    """After each kill the newest saved agent and its replay are whole, and no temporary files pile up."""
    random_state, steps = random.Random(1), []
    agent = make(DQNAgent, SPEC, hidden_dim=16, trunk_dim=8)
    replay = Replay(SPEC, tmp_path / 'replay', capacity=50, prioritized=True, slack=SLACK)
    replay.flush()
    CheckpointFile.save(tmp_path / 'agent.safetensors', agent, {'memory': replay.state()})
    replay.close()
    for _ in range(times):
        ready = CONTEXT.Event()
        process = fork(save_again_and_again, tmp_path, ready)
        assert ready.wait(60)
        time.sleep(random_state.uniform(0, 0.03))
        process.kill()
        process.join()
        agent, replay = load(tmp_path, 'c')
        newest = replay.flat['obs'][(replay.heads[0] - 1) % replay.capacity]
        assert agent.step % SLACK == 0 and (newest == agent.step).all()
        steps.append(agent.step)
    assert steps == sorted(set(steps))
    shutil.rmtree(tmp_path / 'replay')
    assert len(list(tmp_path.iterdir())) <= 2  # the agent, and the file that the last kill interrupted
