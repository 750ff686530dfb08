"""Costs as counts that do not depend on the machine's load: calls, operators, allocations, waits, imports."""

import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
import torch
from torch.profiler import ProfilerActivity, profile

import Agents
from Datasets.Experience import Spec
from Datasets.Replay.Replay import Replay
from Datasets.Replay.Rollout import Rollout
from Support.Files import PROJECT
from tests.make import make

DISCRETE, CONTINUOUS = Spec((4,), 'float32', (), 2), Spec((4,), 'float32', (2,), None)
COSTS = {  # at most, per update: calls of Python and C, operators, allocations; an eighth more than was counted
    ('DQN', DISCRETE): (1160, 480, 38),
    ('SAC', CONTINUOUS): (2315, 1350, 107),
    ('TD3', CONTINUOUS): (2635, 845, 59),
    ('PPO', DISCRETE): (1070, 835, 70),
}


def build(name, spec, folder):
    """Returns an agent that has learned once, and its replay, which holds a whole next rollout."""
    torch.manual_seed(0)
    agent = make(getattr(Agents, f'{name}Agent'), spec, trunk_dim=8, hidden_dim=16)
    kind, random = Rollout if agent.on_policy else Replay, np.random.default_rng(0)
    memory = kind(spec, folder / 'memory', num_envs=2, capacity=300, batch_size=16)
    for round in range(2):
        for t in range(64):
            obs = random.normal(size=(2, 4)).astype(np.float32)
            action = random.integers(2, size=2) if spec.num_actions else random.uniform(-1, 1, (2, 2)).astype('float32')
            ended = np.array([t % 9 == 8, t % 13 == 12])
            memory.add(obs, action, np.ones(2, np.float32), ended, np.zeros(2, bool), obs)
        if round == 0:
            agent.learn(memory)
    return agent, memory


def learn(agent, memory):
    """Learns from one rollout, or twice, so that a delayed actor moves once. Returns the number of updates."""
    before = agent.updates
    for _ in range(1 if agent.on_policy else 2):
        agent.learn(memory)
    return agent.updates - before


def syncs(agent, memory):
    """Returns how often learning would wait for a GPU: for a number, or for the indexes of a mask."""
    agent.optimization.optimizer.step = lambda: None  # on a CPU it reads its counters, which on a GPU it does not
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        learn(agent, memory)
    waits = [event for event in profiled.events() if event.name in ('aten::item', 'aten::nonzero')]
    # torch.std reads an argument of its own
    return sum(event.cpu_parent is None or event.cpu_parent.name != 'aten::std' for event in waits)


@pytest.mark.parametrize('name, spec', COSTS, ids=str)
def test_python_calls_of_an_update(name, spec, tmp_path):
    agent, memory = build(name, spec, tmp_path)
    calls = Counter()
    sys.setprofile(lambda frame, event, argument: calls.update([event]))
    updates = learn(agent, memory)
    sys.setprofile(None)
    assert (calls['call'] + calls['c_call']) / updates <= COSTS[name, spec][0]


@pytest.mark.parametrize('name, spec', COSTS, ids=str)
def test_operators_and_allocations_of_an_update(name, spec, tmp_path):
    agent, memory = build(name, spec, tmp_path)
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        updates = learn(agent, memory)
    names = [event.name for event in profiled.events()]
    assert sum(name.startswith('aten::') for name in names) / updates <= COSTS[name, spec][1]
    assert sum(name.startswith('aten::empty') for name in names) / updates <= COSTS[name, spec][2]


@pytest.mark.parametrize('name', ['DQN', 'SAC', 'TD3', 'DrQV2', 'IQL', 'TD3BC', 'BC'])
@pytest.mark.parametrize('spec', [DISCRETE, CONTINUOUS], ids=['discrete', 'continuous'])
def test_an_update_never_waits_for_the_device(name, spec, tmp_path, monkeypatch):
    agent, memory = build(name, spec, tmp_path)
    monkeypatch.setattr(torch, 'tensor', None)  # it copies a number to the device, and waits
    assert syncs(agent, memory) == 0


def test_minibatches_never_wait_for_the_device(tmp_path):
    """Only the evaluation of a whole rollout does, since the ends of episodes lie on the device."""
    agent, memory = build('PPO', DISCRETE, tmp_path)
    assert syncs(agent, memory) <= 4 < agent.updates


@pytest.mark.skipif(not torch.cuda.is_available(), reason='no GPU')
@pytest.mark.parametrize('name', ['DQN', 'SAC', 'TD3'])
def test_torch_finds_no_synchronization(name, tmp_path):
    agent, memory = build(name, CONTINUOUS, tmp_path)
    agent.cuda().__dict__.pop('optimizer')
    agent.learn(memory)
    torch.cuda.set_sync_debug_mode('error')
    try:
        agent.learn(memory)
    finally:
        torch.cuda.set_sync_debug_mode('default')


@pytest.mark.parametrize('task', ['gym/cartpole', 'atari/pong'])
def test_modules_imported_beside_torch_until_the_first_step(task, tmp_path):
    code = f"""
import sys, torch
before = len(sys.modules)
from Hyperparams.Compose import compose
import Run
from Runs import Build
parts = Build.parts(compose(['task={task}', 'root={tmp_path}', 'tensorboard=false']))
parts.environment.rollout(parts.agent, parts.replay)
print(len(sys.modules) - before)"""
    told = subprocess.run([sys.executable, '-c', code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert int(told.stdout.split()[-1]) <= 420  # 393 were counted, 130 of them of this program
