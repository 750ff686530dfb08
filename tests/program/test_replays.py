"""Runs that save and read replays, and that share them between processes."""

import json

import numpy as np

import Environment
from tests.program.results import CARTPOLE, PONG, checkpoint, column, files, replays, table
from tests.program.runs import Running, run_here, wait_for


def test_offline_from_a_saved_replay(folder, capsys):
    run_here(*CARTPOLE, 'offline=true', 'replay.wait=0', status=2)
    assert 'replay.save=true' in capsys.readouterr().err
    run_here(*CARTPOLE, 'replay.save=true')
    run_here(*CARTPOLE, 'replay.save=true', 'train_steps=30', 'seed_steps=30', 'Agent=DQN')
    older, newer = replays(folder)
    saved = {name: content for name, content in files(folder).items() if 'ReplayBuffer' in name}
    capsys.readouterr()

    run_here(*CARTPOLE, 'offline=true', 'train_steps=10', 'experiment=learned', f'replay.path={older.parent}')
    header, _ = checkpoint('learned')
    assert (header['step'], header['updates']) == (10, 10)  # batches; there are no seed steps to wait for
    assert column(table('Eval', 'learned'), 'step') == [0, 10]
    for words in (['replay.load=true'], [f'replay.path={older.parent}'], [f'replay.path={newer.parent}']):
        run_here(*CARTPOLE, *words, 'train_steps=5')
        assert {name: content for name, content in files(folder).items() if 'ReplayBuffer' in name} == saved
    run_here(*CARTPOLE, 'replay.load=true', 'replay.save=true', 'train_steps=10')
    sizes = [json.loads(path.read_text())['heads'][0] for path in (older, newer)]
    assert replays(folder) == [older, newer] and sizes[0] > 60 and 40 <= sizes[1] < 50  # the newest has grown
    run_here(*CARTPOLE, 'replay.load=true', 'num_envs=2', status=2)
    assert 'num_envs=1' in capsys.readouterr().err
    newer.write_text('{')
    run_here(*CARTPOLE, 'offline=true', status=2)
    assert 'replay.path=' in capsys.readouterr().err


def test_generate_from_a_replay_of_frames(folder):
    run_here(*PONG, 'replay.save=true', 'learn_per_steps=0')
    run_here(*PONG, 'generate=true', 'train_steps=2', 'samples=3', 'batch_size=4', 'offline=True')
    samples = np.load(folder / 'Benchmarking/Exp/DQNAgent/atari/pong_1_Samples.npy')
    assert samples.shape == (3, 4, 84, 84)  # of four frames each
    assert (folder / 'Benchmarking/Exp/DQNAgent/atari/pong_1_Video_Image/2.png').is_file()
    assert len(replays(folder)) == 1


def test_a_collector_and_a_learner(folder):
    """Two processes, as the description has them; the learner starts with the collector's first step."""
    words = ['learn_per_steps=0', 'replay.save=true', 'load_per_steps=1', 'train_steps=3000', 'replay.capacity=5000']
    collector = Running([*CARTPOLE, *words])
    wait_for(lambda: replays(folder), collector)
    learner = Running([*CARTPOLE, 'offline=true', 'save_per_steps=2'])
    assert (collector.wait(), learner.wait()) == (0, 0), (collector.output(), learner.output())
    header, _ = checkpoint()
    assert (header['step'], header['updates']) == (60, 60)
    assert column(table('Eval'), 'step') == [0, 60] and column(table('Collector_Train'), 'step')[-1] == 3000
    assert not list(folder.rglob('*.1.*'))


def test_a_collector_acts_with_what_the_learner_saved(monkeypatch):
    run_here(*CARTPOLE)
    updates, rollout = [], Environment.Environment.rollout

    def watch(self, agent, replay):
        updates.append(agent.updates)
        return rollout(self, agent, replay)

    monkeypatch.setattr(Environment.Environment, 'rollout', watch)
    run_here(*CARTPOLE, 'learn_per_steps=0', 'replay.save=true', 'load_per_steps=5', 'train_steps=10')
    assert updates == [0] * 5 + [40] * 5
