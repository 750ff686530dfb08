"""Every sample script of the user's description (UnifiedML's README, also its folded sections) runs as written.

The tests add keys that shorten a run or name its data; they change no key of a command.
"""

import csv
import re
import shlex

import pytest
import torch
from safetensors import safe_open

from Support.Files import PROJECT
from tests.program.runs import run_here

DESCRIPTION = PROJECT.parent / 'shared' / 'seeds' / 'unifiedml.md'
DATA = PROJECT.parent / 'shared' / 'datasets'
SHORT = """threads=1 tensorboard=false video=false mini=true train_steps=6 seed_steps=3 explore_steps=3 batch_size=4
           nstep=1 evaluate_per_steps=0 evaluate_episodes=2 log_per_steps=3 samples=4 learn_per_steps=1 trunk_dim=8
           hidden_dim=16"""
QUIET = 'plotting.plot_experiments=false'
FRAMES = '++suite.max_frames=120'
# Where a data set is absent, noise of its shape takes its place.
NOISE = 'Dataset=FakeData ++Dataset.size=50 ++Dataset.num_classes=10 ++Dataset.image_size={}'
MNIST = f'data={DATA}' if DATA.is_dir() else NOISE.format('[1,28,28]')
CIFAR10 = NOISE.format('[3,32,32]')
GAME, BODY = f'{FRAMES} {QUIET}', f'++suite.max_frames=30 {QUIET}'
TWO = 'two concurrent processes: tests/program/test_replays.py::test_a_collector_and_a_learner'

# command: (keys that shorten it, beside SHORT; the command that saves what it loads, or None; tensors of its blocks)
SAMPLES = {
    'python Run.py': (GAME, None, {}),
    'python Run.py task=dmc/humanoid_run': (BODY, None, {}),
    'python Run.py Agent=Agents.DrQV2Agent task=atari/battlezone': (GAME, None, {}),
    'python Run.py Agent=Agents.SPRAgent task=dmc/humanoid_walk': (BODY, None, {'creator.projector.1.weight': None}),
    'python Run.py task=classify/mnist RL=false': (f'{MNIST} {QUIET}', None, {}),
    'python Run.py task=classify/mnist supervise=false agent.log=true': (f'{MNIST} {QUIET}', None, {}),
    'python Run.py task=classify/cifar10 RL=false ema=true weight_decay=0.01 '
    'replay.transform="{RandomHorizontalFlip:{}}" Eyes=Blocks.Architectures.ResNet18': (
        f'{CIFAR10} {QUIET}', None, {'average.encoder.eyes.layers.0.weight': (64, 3, 3, 3)},
    ),
    'python Run.py task=classify/mnist generate=true': (f'{MNIST} {QUIET}', None, {}),
    'python Run.py task=atari/breakout generate=true evaluate_episodes=1 action_repeat=1 ': (
        GAME, 'python Run.py task=atari/breakout replay.save=true', {},
    ),
    'python Run.py task=atari/breakout offline=true': (GAME, 'python Run.py task=atari/breakout replay.save=true', {}),
    'python Run.py save_per_steps=100000 load=true': (f'{GAME} train_steps=9', 'python Run.py', {}),
    'python Run.py replay.save=true replay.load=true': (GAME, 'python Run.py replay.save=true', {}),
    'python Run.py task=classify/cifar10 Eyes=Blocks.Architectures.ResNet18 ': (f'{CIFAR10} {QUIET}', None, {}),
    'python Run.py Eyes=Blocks.Architectures.ViT +recipes.encoder.eyes.patch_size=7': (
        GAME, None, {'creator.encoder.eyes.0.embed.weight': (128, 4, 7, 7)},
    ),
    'python Run.py Eyes=Blocks.Architectures.ViT task=classify/cifar10 RL=false ema=true weight_decay=0.01 '
    '+recipes.encoder.eyes.depth=6 +recipes.encoder.eyes.out_channels=512 +recipes.encoder.eyes.hidden_dim=512 '
    'replay.transform="{RandomCrop:{size:32,padding:4},RandomHorizontalFlip:{}}" '
    'recipes.Aug=Blocks.Architectures.Null': (
        f'{CIFAR10} {QUIET}', None,
        {'creator.encoder.eyes.0.embed.weight': (512, 3, 4, 4),
         'creator.encoder.eyes.1.layers.5.mlp.1.weight': (512, 512)},
    ),
    'python Run.py generate=True recipes.critic.q_head._target_=Blocks.Architectures.CNN '
    "recipes.critic.q_head.input_shape='${obs_shape}' ": (
        GAME, 'python Run.py replay.save=true', {'creator.critic.q_heads.0.layers.0.weight': (32, 4, 3, 3)},
    ),
    'python Run.py task=classify/mnist recipes.critic.trunk._target_=Blocks.Architectures.AttentionPool '
    'recipes.actor.trunk._target_=Blocks.Architectures.AttentionPool pool=Blocks.Architectures.Null': (
        f'{MNIST} {QUIET}', None,
        {'creator.actor.trunk.positions': (17, 128), 'creator.critic.trunk.positions': (17, 128)},
    ),
    'python Run.py Eyes=Utils.load +recipes.encoder.eyes.path=<path> +recipes.encoder.eyes.attr=encoder.Eyes': (
        f'{GAME} experiment=Other', 'python Run.py Eyes=Blocks.Architectures.Efficient',
        {'creator.encoder.eyes.layers.0.weight': (32, 4, 5, 5)},
    ),
    'python Run.py parallel=true ': (GAME, None, {}),
    'python Run.py learn_per_steps=0 replay.save=true load_per_steps=1 ': (TWO, None, {}),
    'python Run.py offline=true save_per_steps=2': (TWO, None, {}),
    'python Run.py experiment=ExpName1 plotting.plot_experiments="[\'ExpName1\', \'SomeOtherExp\']"': (
        FRAMES, f'python Run.py experiment=SomeOtherExp {QUIET}', {},
    ),
}  # fmt: skip


def words(command, short=''):
    """The command's words as a shell reads them, and those shortening keys that it does not set itself."""
    path = 'Checkpoints/Exp/DQNAgent/atari/pong_1'
    typed = shlex.split(command.replace('<path>', path))[2:]
    given = {word.partition('=')[0] for word in typed}
    shorter = {word.partition('=')[0]: word for word in shlex.split(f'{SHORT} {short}')}  # the last value of each key
    return [*typed, *(word for key, word in shorter.items() if key not in given)]


@pytest.mark.parametrize('command', SAMPLES)
def test_sample(folder, command):
    short, before, tensors = SAMPLES[command]
    if short == TWO:
        pytest.skip(short)
    if 'task=dmc' in command:
        from Datasets.Suites.Support import Renderer

        if Renderer.choose().backend is None:
            pytest.skip(Renderer.choose().problem)
    if before:
        run_here(*words(before, GAME))
    run_here(*words(command, short))
    runs = sorted(folder.glob('Benchmarking/*/*/*/*_Eval.csv'), key=lambda path: path.stat().st_mtime)
    with open(runs[-1], newline='') as file:
        assert {int(row['step']) for row in csv.DictReader(file)} >= {0, 6}
    saved = sorted(folder.glob('Checkpoints/*/*/*/*/agent.safetensors'), key=lambda path: path.stat().st_mtime)
    with safe_open(saved[-1], 'pt') as file:
        for name, shape in tensors.items():
            assert shape in (None, tuple(file.get_tensor(f'agent.{name}').shape)), name
    if 'plot_experiments="' in command:
        table = (folder / 'Benchmarking' / 'ExpName1' / 'Plots' / 'atari_table.csv').read_text()
        assert 'ExpName1' in table and 'SomeOtherExp' in table


def test_loaded_eyes_are_those_that_were_saved(folder):
    command = next(command for command in SAMPLES if 'Utils.load' in command)
    short, before, _ = SAMPLES[command]
    run_here(*words(before, GAME))
    run_here(*words(command, f'{short} learn_per_steps=0'))
    states = []
    for experiment in ('Exp', 'Other'):
        with safe_open(f'Checkpoints/{experiment}/DQNAgent/atari/pong_1/agent.safetensors', 'pt') as file:
            names = [name for name in file.keys() if name.startswith('agent.creator.encoder.eyes')]  # noqa: SIM118
            states.append({name: file.get_tensor(name) for name in names})
    assert states[0].keys() == states[1].keys() and len(states[0]) == 4
    assert all(torch.equal(tensor, states[1][name]) for name, tensor in states[0].items())


def test_a_data_set_that_is_not_there_says_what_to_put_where(monkeypatch, capsys):
    def offline(*_, **__):
        raise OSError('no network')

    monkeypatch.setattr('urllib.request.urlopen', offline)
    command = 'python Run.py task=classify/cifar10 Eyes=Blocks.Architectures.ResNet18'
    run_here(*words(command, QUIET), status=2)
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1 and 'cifar-10-python.tar.gz' in err


@pytest.mark.skipif(not DESCRIPTION.is_file(), reason='the description lies in ../shared')
def test_no_command_of_the_description_is_missing():
    found = re.findall(r'^(?:\[comment\]: <> \()?(python Run\.py.*?)\)?$', DESCRIPTION.read_text(), re.MULTILINE)
    told = {'python Run.py task=classify/mnist supervise=false agent.log=true'}  # in its text
    assert set(found) | told == set(SAMPLES)
