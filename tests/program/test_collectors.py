"""Collectors and a learner, each a process of its own, share replays and a saved agent."""

import csv
import json

import pytest
from safetensors import safe_open

from tests.program.runs import Running, run_here, wait_for

WORDS = ['task=gym/cartpole', 'threads=1', 'tensorboard=false', 'video=false', 'plotting.plot_experiments=false',
         'hidden_dim=64', 'trunk_dim=32', 'batch_size=64', 'lr=1e-3', 'evaluate_per_steps=0']  # fmt: skip
COLLECT = [*WORDS, 'learn_per_steps=0', 'replay.save=true', 'load_per_steps=1', 'train_steps=1000000',
           'replay.capacity=20000', 'agent.epsilon=0.1']  # fmt: skip
LEARN = [*WORDS, 'offline=true', 'learn_per_steps=1', 'save_per_steps=20', 'replay.wait=300', 'agent.target_tau=0.02']
SAVED = 'Checkpoints/Exp/DQNAgent/gym/cartpole_1/agent.safetensors'


@pytest.fixture
def start(tmp_path):
    """Starts `python Run.py ...` in the test's folder; whatever still runs at the end is killed."""
    running = []

    def start(*words):
        running.append(Running(words, tmp_path))
        return running[-1]

    yield start
    for process in running:
        process.kill()


def written(folder):
    """The number of steps in each replay, by name."""
    found = {}
    for header in sorted(folder.rglob('ReplayBuffer/**/header.json')):
        heads = header.with_name('heads.npy').read_bytes()[-8:]
        found[header.parent.name] = int.from_bytes(heads, 'little')
    return found


def test_any_order_any_number_any_end(tmp_path, start, monkeypatch, capsys):
    """The learner starts first and waits for two collectors; it and one of them are killed and start again. It has
    learned in the end."""
    learner = start(*LEARN, 'train_steps=1000000')
    first = start(*COLLECT)
    wait_for((tmp_path / SAVED).exists, learner, first)
    assert len(written(tmp_path)) == 1
    second = start(*COLLECT, 'collector=2')
    wait_for(lambda: sum(count > 500 for count in written(tmp_path).values()) == 2, second)

    monkeypatch.chdir(tmp_path)
    run_here(*COLLECT, 'collector=2', status=2)  # a number that is taken
    assert 'collector=3' in capsys.readouterr().err

    for process in first, learner:
        process.kill()
        process.wait()
    first = start(*COLLECT)
    before = (tmp_path / SAVED).stat().st_mtime_ns
    learner = start(*LEARN, 'train_steps=3000', 'load=true')
    wait_for(lambda: len(written(tmp_path)) == 3 and (tmp_path / SAVED).stat().st_mtime_ns > before, learner)
    assert learner.wait(300) == 0
    for process in first, second:
        process.terminate()
        assert process.wait(60) == 128 + 15

    with safe_open(SAVED, 'pt') as file:
        state = json.loads(file.metadata()['run'])
    assert len(state['run']['memory']['names']) == 3 and state['step'] == state['updates'] == 3000
    with open(tmp_path / 'Benchmarking/Exp/DQNAgent/gym/cartpole_1_Eval.csv', newline='') as file:
        rewards = [float(row['reward']) for row in csv.DictReader(file)]
    assert rewards[-1] > 60  # a random policy reaches 22, an untrained one about 10
    names = {path.name for path in (tmp_path / 'Benchmarking/Exp/DQNAgent/gym').glob('*_Train.csv')}
    assert names == {f'cartpole_1_{who}Train.csv' for who in ('', 'Collector_', 'Collector2_')}


def test_a_learners_checkpoint_resumes_with_environments(tmp_path, monkeypatch):
    """Its replays are those of collectors and stay as they are: the run begins one of its own."""
    monkeypatch.chdir(tmp_path)
    short = ['seed_steps=20', 'evaluate_episodes=1']
    run_here(*WORDS, *short, 'learn_per_steps=0', 'replay.save=true', 'train_steps=300')
    run_here(*WORDS, *short, 'offline=true', 'train_steps=20')
    before = written(tmp_path)
    run_here(*WORDS, *short, 'load=true', 'train_steps=60')
    assert written(tmp_path) == before
