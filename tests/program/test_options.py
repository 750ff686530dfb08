"""Options of whole runs: schedules, domains, data, plots."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.program.results import CARTPOLE, DIGITS, TINY, checkpoint, column, table
from tests.program.runs import run_here

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
