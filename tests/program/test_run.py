"""`python Run.py ...` end to end: files, equal runs for equal seeds, saving and loading, replays, mistakes."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

import Environment
import Utils
from Agents.Agent import Agent
from Support.Files import PROJECT
from tests.program.runs import Running, run, run_here, wait_for

QUIET = ['threads=1', 'tensorboard=false', 'video=false', 'plotting.plot_experiments=false']
SHORT = """learn_per_steps=1 nstep=1 train_steps=60 seed_steps=20 explore_steps=20 log_per_steps=30
           evaluate_per_steps=0 evaluate_episodes=1 hidden_dim=16 trunk_dim=16 batch_size=8"""  # a second for CartPole
TINY = [*QUIET, *SHORT.split()]
CARTPOLE = ['task=gym/cartpole', *TINY]
PONG = ['task=atari/pong', *TINY, '++suite.max_frames=120']
DIGITS = ['task=classify/digits', 'mini=true', *QUIET, 'train_steps=4', 'evaluate_per_steps=2', 'batch_size=16']


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    threads = torch.get_num_threads()
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    torch.set_num_threads(threads)


def process(*words, **options):
    """Starts `python Run.py words...` in a fresh interpreter, in the current folder."""
    command = [sys.executable, PROJECT / 'Run.py', *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def finish(running, status=0, seconds=60):
    """Waits for its end and asserts the status. Returns stdout and stderr."""
    out, err = running.communicate(timeout=seconds)
    assert running.returncode == status and 'Traceback' not in err, err
    return out, err


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


# The files of a run, and equal runs for equal seeds


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


# Saving and loading


def test_resume(folder, capsys):
    run_here(*CARTPOLE, 'replay.save=true', 'replay.capacity=500')
    run_here(*CARTPOLE, 'replay.save=true', 'replay.load=true', 'load=true', 'train_steps=120')
    train, evaluations = table('Train'), table('Eval')
    assert column(train, 'step') == [30, 60, 90, 120] and column(evaluations, 'step') == [0, 60, 120]
    times = column(train, 'time')
    assert times == sorted(times) and times[0] < times[1] < times[2]
    header, _ = checkpoint()
    assert (header['step'], header['updates'], header['run']['memory']['cursor']) == (120, 100, 100)  # as in one go
    assert header['run']['episodes'] == column(train, 'episode')[-1] > column(train, 'episode')[0]
    (replay,) = replays(folder)
    assert json.loads(replay.read_text())['size'] == 120 + header['run']['episodes']

    # A resumed run uses its own replay, whose files change only with replay.save=true.
    before = files(replay.parent)
    run_here(*CARTPOLE, 'load=true', 'train_steps=130')
    assert checkpoint()[0]['updates'] == 100 + 10 and files(replay.parent) == before

    # Without its replay, a resumed run collects seed_steps again before it learns.
    shutil.rmtree(replay.parent)
    run_here(*CARTPOLE, 'load=true', 'train_steps=160')
    assert checkpoint()[0]['updates'] == 110 + 10

    # An evaluation adds one line and nothing else, also after the last step.
    before = files(folder)
    for words in (['train_steps=0'], ['train_steps=160']):
        run_here(*CARTPOLE, 'load=true', *words)
    after = files(folder)
    assert {name for name in after if before.get(name) != after[name]} == {
        f'Benchmarking/Exp/DQNAgent/gym/cartpole_1_{kind}' for kind in ('Eval.csv', 'Run.json')
    }
    assert column(table('Eval'), 'step') == [0, 60, 120, 130, 160, 160, 160]

    # A new run keeps the earlier files under other names.
    run_here(*CARTPOLE, 'train_steps=25')
    new = files(folder)
    assert column(table('Eval'), 'step') == [0, 25] and checkpoint()[0]['step'] == 25
    for name in ('Checkpoints/Exp/DQNAgent/gym/cartpole_1/{}', 'Benchmarking/Exp/DQNAgent/gym/cartpole_1_{}'):
        for old in ('agent.safetensors', 'config.yaml') if 'Check' in name else ('Eval.csv', 'Train.csv', 'Run.json'):
            kept = name.format(old.replace('.', '.1.'))
            assert new[kept] == after[name.format(old)]
    assert 'kept as' in capsys.readouterr().out


def test_save_per_steps(folder):
    run_here(*CARTPOLE, 'save=false', 'save_per_steps=25')
    assert checkpoint()[0]['step'] == 50
    run_here(*CARTPOLE, 'learn_steps_after=7', 'experiment=after')
    assert checkpoint('after')[0]['updates'] == 40 + 7
    run_here(*CARTPOLE, 'save=false', 'experiment=none')
    assert not (folder / 'Checkpoints/none').exists()


@pytest.mark.parametrize('words', [[*DIGITS, 'generate=true', 'samples=12'], ['task=gym/pendulum', *TINY]])
def test_how_often_one_evaluates_changes_nothing_in_training(words):
    """Both draw random numbers during evaluation: latent noise, or candidate actions."""
    saved, task = [], words[0].removeprefix('task=')
    for period in (0, 1):
        run_here(*words, 'train_steps=30', f'evaluate_per_steps={10 * period}', f'experiment={period}')
        assert len(table('Eval', str(period), task=task)) == (4 if period else 2)
        saved.append(checkpoint(str(period), task=task)[1])
    agents = [{name: x for name, x in tensors.items() if not name.startswith('run.')} for tensors in saved]
    assert all(torch.equal(tensor, agents[1][name]) for name, tensor in agents[0].items())


def test_checkpoints_that_cannot_be_loaded_stay_as_they_are(folder, capsys):
    run_here(*CARTPOLE)
    for words in (['hidden_dim=8'], ['Eyes=Null', 'recipes.critic.trunk=Trunk'], ['experiment=Other']):
        before = files(folder)
        run_here(*CARTPOLE, 'load=true', *words, status=2)
        assert len(capsys.readouterr().err.splitlines()) == 1 and files(folder) == before
    path = folder / 'Checkpoints/Exp/DQNAgent/gym/cartpole_1/agent.safetensors'
    path.write_bytes(path.read_bytes()[:-100])
    before = files(folder)
    run_here(*CARTPOLE, 'load=true', status=2)
    err = capsys.readouterr().err
    assert str(path.name) in err and len(err.splitlines()) == 1 and files(folder) == before


@pytest.mark.parametrize('kind', [signal.SIGINT, signal.SIGTERM])
def test_interrupted_in_the_middle(folder, kind):
    running = process(*CARTPOLE, 'train_steps=1000000')
    path = folder / 'Benchmarking/Exp/DQNAgent/gym/cartpole_1_Train.csv'
    while running.poll() is None and not path.exists():
        time.sleep(0.05)
    running.send_signal(kind)
    finish(running, status=128 + kind)
    header, _ = checkpoint()
    assert header['step'] >= 30 and header['updates'] == header['step'] - 20  # at the end of a step
    assert not replays(folder)


@pytest.mark.parametrize('error', [KeyboardInterrupt, ZeroDivisionError, OSError(28, 'No space left on device')])
def test_failures_in_the_middle(folder, monkeypatch, error, capsys):
    learn, count = Agent.learn, []

    def fail(self, memory):
        count.append(1)
        if len(count) == 5:
            raise error
        learn(self, memory)

    monkeypatch.setattr(Agent, 'learn', fail)
    if error is ZeroDivisionError:  # a bug: the traceback is shown
        with pytest.raises(ZeroDivisionError):
            run_here(*CARTPOLE)
    else:
        run_here(*CARTPOLE, status=130 if error is KeyboardInterrupt else 2)
    assert checkpoint()[0]['updates'] == 4
    assert not replays(folder) and not list(folder.rglob('*_unsaved'))
    assert 'Traceback' not in capsys.readouterr().err


@pytest.mark.skipif(os.name != 'posix', reason='file size limits are of POSIX')
def test_a_full_disk_loses_nothing(folder):
    run_here(*CARTPOLE, 'hidden_dim=256')
    before = files(folder)
    done = run([*CARTPOLE, 'load=true', 'train_steps=90', 'hidden_dim=256'], file_size=400_000)
    assert done.status == 2 and len(done.err.splitlines()) == 1 and 'root=' in done.err
    after = files(folder)
    name = 'Checkpoints/Exp/DQNAgent/gym/cartpole_1/agent.safetensors'
    assert len(before[name]) > 400_000 and after[name] == before[name]
    assert set(after) == set(before)  # no half file
    # A new run does not move the earlier checkpoint either
    done = run([*CARTPOLE, 'hidden_dim=256'], file_size=400_000)
    assert done.status == 2 and files(folder)[name] == before[name]
    for kind in ('Train', 'Eval'):
        name = f'Benchmarking/Exp/DQNAgent/gym/cartpole_1_{kind}.csv'
        assert after[name].startswith(before[name])


# Replays


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


# Options


EVERY = """num_envs=4 learn_per_steps=2 train_steps=100 frame_stack=3 action_repeat=2 ema=true weight_decay=0.1
           replay.prioritized=true nstep=3 agent.log=true parallel=true device=cpu stddev_schedule=linear(1,0.1,50)
           experiment=7 seed=3 evaluate_envs=2 evaluate_episodes=3"""


def test_options_together(capsys):
    run_here(*CARTPOLE, *EVERY.split())
    header, tensors = checkpoint('7', seed=3)
    assert header['step'] == 100 and header['updates'] == 40  # 2 per 4 steps of the 80 after the first 20
    assert any(name.startswith('agent.average') for name in tensors)
    train = table('Train', '7', seed=3)
    assert column(train, 'frame')[-1] == 200 and len(column(train, 'critic_loss')) >= 2
    assert ('parallel=true' in capsys.readouterr().out) == (torch.cuda.device_count() < 2)


def test_random_and_continuous_actions():
    run_here(*CARTPOLE, 'Agent=RandomAgent')
    assert len(table('Eval', agent='RandomAgent')) == 2
    run_here('task=gym/pendulum', *TINY, 'train_steps=30', 'agent.num_proposals=5')
    assert len(table('Eval', task='gym/pendulum')) == 2 and checkpoint(task='gym/pendulum')[0]['updates'] == 10


def test_discrete(capsys):
    run_here('task=gym/pendulum', *TINY, 'train_steps=30', 'discrete=true', 'bins=5')
    assert len(table('Eval', task='gym/pendulum')) == 2
    _, tensors = checkpoint(task='gym/pendulum')
    assert any(name.startswith('agent.creator.critic') and len(tensor) == 5 for name, tensor in tensors.items())
    run_here('task=dmc_state/humanoid_walk', *TINY, 'discrete=true', status=2)
    assert capsys.readouterr().err.endswith('leave discrete=true out.\n')


@pytest.mark.parametrize(
    'words',
    [
        ['RL=false', 'ema=true', 'replay.transform={RandomHorizontalFlip:{}}', 'Aug=Null', 'agent.log=true'],
        ['supervise=false', 'recipes.aug=Blocks.Architectures.Null'],
        ['offline=false', 'num_envs=8', 'train_steps=64', 'evaluate_per_steps=32'],
        ['batch_size=2000'],  # more than the data set has
        ['Agent=Random'],
    ],
)
def test_classification(words):
    run_here(*DIGITS, 'log_per_steps=2', *words)
    agent = 'RandomAgent' if 'Agent=Random' in words else 'DQNAgent'
    assert 0 <= column(table('Eval', agent=agent, task='classify/digits'), 'accuracy')[-1] <= 1
    if 'agent.log=true' in words:
        train = table('Train', task='classify/digits')
        assert column(train, 'accuracy') and column(train, 'supervised_loss')


def test_a_learning_rate_is_suggested_and_nothing_is_trained_or_saved(folder, capsys):
    run_here(*DIGITS, 'RL=false', 'find_lr=20')
    assert 'lr=' in capsys.readouterr().out
    assert Path('Benchmarking/Exp/DQNAgent/classify/digits_1_LearningRate.png').read_bytes().startswith(b'\x89PNG')
    assert not Path('Checkpoints').exists() and not list(folder.rglob('*.csv'))


def test_recipes_for_training_together(folder):
    run_here(*DIGITS, 'lr=one_cycle(1e-2,100%)', 'agent.optimizer._target_=Agents.Optimizers.Muon', 'weight_decay=0.01',
        'replay.mix={MixUp:{}, CutMix:{}}', 'agent.label_smoothing=0.1', 'agent.accumulate=2', 'ema=true',
        'agent.rates.encoder=linear(0,1,50%)', 'agent.log=true')  # fmt: skip
    assert column(table('Train', task='classify/digits'), 'supervised_loss')


def test_a_folder_of_images(folder, capsys):
    from PIL import Image

    for name in ('cat', 'dog'):
        (folder / 'images' / name).mkdir(parents=True)
        for i in range(6):
            Image.fromarray(np.full((9, 9, 3), 20 * i + 100 * (name == 'dog'), np.uint8)).save(f'images/{name}/{i}.png')
    words = ['task=classify/custom', *DIGITS[1:], 'batch_size=4']
    run_here(*words, 'Dataset.root=images')
    assert len(table('Eval', task='classify/custom')) == 3
    run_here(*words, 'Dataset.root=nowhere', status=2)
    run_here(*words, status=2)
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_an_agent_and_a_block_of_the_users_own(folder):
    (folder / 'my_module.py').write_text("""
from torch import nn
from Agents import DQNAgent

class MyAgent(DQNAgent):
    pass

class MyBlock(nn.Module):
    def __init__(self, input_shape, output_shape=None, width=8):
        super().__init__()
        self.layer = nn.Linear(input_shape[0], width)

    def forward(self, x):
        return self.layer(x)
""")
    words = ['agent._target_=my_module.MyAgent', 'Eyes=my_module.MyBlock', 'Eyes.width=5']
    done = run([*CARTPOLE, 'train_steps=25', *words])
    assert done.status == 0, done.err
    _, tensors = checkpoint(agent='MyAgent')
    assert tensors['agent.creator.encoder.eyes.layer.weight'].shape == (5, 4)


def test_environments_of_the_users_own(folder, monkeypatch, capsys):
    (folder / 'my_env.py').write_text("""
import gymnasium
import numpy as np

class Endless(gymnasium.Env):
    metadata = {'render_modes': ['rgb_array'], 'render_fps': 10}
    observation_space = gymnasium.spaces.Box(-1, 1, (2,))
    action_space = gymnasium.spaces.Discrete(2)
    count = 0

    def __init__(self, render_mode=None, limit=None):
        self.render_mode, self.limit = render_mode, limit

    def reset(self, seed=None, options=None):
        self.count = 0
        return np.zeros(2, np.float32), {}

    def step(self, action):
        self.count += 1
        return np.zeros(2, np.float32), 1.0, self.count == self.limit, False, {}

    def render(self):
        return np.zeros((4, 4 + self.count, 3), np.uint8)  # each frame of another size

gymnasium.register('Endless-v0', Endless)
""")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(Environment, 'LONGEST', 50)
    words = ['task=gym/custom', 'gym.id=my_env:Endless-v0', *TINY, 'video=true', 'train_steps=10']
    run_here(*words, status=2)
    assert 'did not end' in capsys.readouterr().err
    run_here(*words, '++suite.options.limit=5')  # a video that cannot be written stops nothing
    assert column(table('Eval', task='gym/my_env_Endless-v0'), 'reward') == [5, 5]


def test_a_suite_and_an_environment_of_the_users_own_package(folder, capsys):
    (folder / 'my_pkg').mkdir()
    (folder / 'my_pkg' / 'my_module.py').write_text("""
import gymnasium
import numpy as np
from Datasets.Experience import Spec, Step

class MySuite:
    frames_per_step, episodes = 1, None

    def __init__(self, num_envs, seed, train, x=1):
        self.num_envs, self.spec = num_envs, Spec((x,), 'float32', (), 2)

    def reset(self):
        self.count = 0
        return np.zeros((self.num_envs, *self.spec.obs_shape), np.float32)

    def step(self, action):
        self.count += 1
        ended = np.full(self.num_envs, self.count % 5 == 0)
        obs = np.full((self.num_envs, *self.spec.obs_shape), self.count % 5, np.float32)
        return Step(obs, np.ones(self.num_envs, np.float32), ended, ~ended & False, obs)

    def render(self, envs=None):
        return None

    def close(self):
        pass

class Half:
    def __init__(self, num_envs, seed, train):
        pass

    reset = step = spec = None

gymnasium.register('MyEnv-v0', 'gymnasium.envs.classic_control:PendulumEnv', max_episode_steps=7)
""")
    run_here('suite._target_=my_pkg.my_module.MySuite', '++suite.x=3', *TINY)
    assert column(table('Eval', task='custom/my_pkg.my_module.MySuite'), 'reward') == [5, 5]
    run_here('task=gym/custom', 'gym.id=my_pkg.my_module:MyEnv-v0', *TINY)
    assert column(table('Eval', task='gym/my_pkg.my_module_MyEnv-v0'), 'length') == [7, 7]
    run_here('suite._target_=my_pkg.my_module.Half', *TINY, status=2)
    err = capsys.readouterr().err
    assert 'my_pkg.my_module.Half is no suite: it has no num_envs, frames_per_step, episodes, render, close' in err


def test_plot_filters(monkeypatch):
    import Logging.Plot

    seen = []
    monkeypatch.setattr(
        Logging.Plot, 'plot', lambda root, experiments, **filters: seen.append((experiments, filters)) or []
    )
    words = ["plotting.plot_experiments=['A','B']", 'plotting.plot_agents=DQN', 'plotting.plot_seeds=[1,2]']
    run_here(*CARTPOLE, *words, 'train_steps=0')
    ((experiments, filters),) = seen
    assert list(experiments) == ['A', 'B'] and filters['agents'] == 'DQN' and list(filters['seeds']) == [1, 2]
    assert filters['suites'] is filters['tasks'] is None


# Mistakes that only the run can see; those of the command line are in tests/Hyperparams


@pytest.mark.parametrize(
    ('words', 'part'),
    [
        ([*CARTPOLE, 'device=cuda:99'], 'device=cpu'),
        ([*CARTPOLE, 'device=foo'], 'device=cpu'),
        ([*CARTPOLE, 'precision=fp8'], 'precision=auto, precision=fp32 or precision=bf16'),
        ([*CARTPOLE, 'generate=true'], 'needs images'),
        ([*CARTPOLE, 'Eyes=torch.nn.Linear'], 'Linear'),
        ([*CARTPOLE, 'gym.id=CartPol-v1'], 'CartPole-v1'),
        ([*CARTPOLE, 'load=true'], 'load=true'),
        ([*CARTPOLE, 'agent.optimizer.lrr=1'], 'Nearest: agent.optimizer.'),
        (['task=classify/cifar10', *QUIET], 'cifar-10-python.tar.gz'),
        ([*DIGITS, 'replay.transform={RandomCrop:{size:80}}'], '80x80'),
        (['task=gym/lunarlander', *TINY], 'gymnasium[box2d]'),
    ],
)
def test_a_mistake_is_one_sentence(folder, monkeypatch, capsys, words, part):
    if 'task=gym/lunarlander' in words:
        try:
            import Box2D  # noqa: F401
        except ImportError:
            pass
        else:
            pytest.skip('Box2D is installed here')
    if 'task=classify/cifar10' in words:

        def offline(*_, **__):
            raise OSError('no network')

        monkeypatch.setattr('urllib.request.urlopen', offline)
    run_here(*words, status=2)
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1 and part in err
    assert not [name for name in files(folder) if 'Datasets/Data' not in name]


def test_a_wrong_optimizer_is_one_sentence(capsys):
    run_here(*CARTPOLE, '++agent.optimizer.betas=[2,2]', status=2)  # found at the first update
    assert 'agent.optimizer' in capsys.readouterr().err


def test_mistakes_leave_with_status_2(folder):
    _, err = finish(process('lrr=3'), status=2)
    assert err.strip() == "No key 'lrr'. Nearest: lr. All: python Run.py --help"
    assert not files(folder)


def test_interrupts_wait_for_the_end_of_a_step():
    with pytest.raises(KeyboardInterrupt) as caught, Utils.Interrupts() as interrupts:
        with interrupts.held():
            os.kill(os.getpid(), signal.SIGTERM)
            done = True
        pytest.fail('the held signal must arrive at the end of the block')
    assert done and caught.value.args == (signal.SIGTERM,)
    with pytest.raises(KeyboardInterrupt), Utils.Interrupts() as interrupts, interrupts.held():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        pytest.fail('the second signal must arrive at once')
