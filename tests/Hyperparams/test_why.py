"""why=<key>: the layers that set it, in order, and the winner."""

import re
import subprocess
import sys
import textwrap

import pytest

from Hyperparams.Options import FOLDER
from Hyperparams.Why import why
from Support.Errors import UserError
from tests.Hyperparams.command_line import run


def line(file, text):
    """The number of the line of an option file that begins with a text."""
    lines = (FOLDER / file).read_text().splitlines()
    return f'Hyperparams/{file}:{next(i for i, each in enumerate(lines, 1) if each.strip().startswith(text))}'


def page(asked, words, config_dir=None):
    """Rows of the page, parted where spaces stand."""
    return [row.split(maxsplit=2) for row in why(asked, words.split(), config_dir).splitlines()]


def test_layers_of_agent_task_and_their_pair_and_what_the_winner_points_to(capsys):
    status, out, err, configs = run(capsys, 'why=lr', 'task=gym/cartpole', 'Agent=DQN', 'train_steps=500')
    assert (status, err, configs) == (0, [], [])
    assert [row.split() for row in out] == [
        ['lr', '=', 'linear(1e-3,0,500)'],
        [line('args.yaml', 'lr:'), '1e-4'],
        [line('task/gym/default.yaml', 'lr:'), '5e-4'],
        ['>', line('Agent_suite/Agents.DQNAgent/gym.yaml', 'lr:'), 'linear(1e-3,0,${train_steps})'],
        ['train_steps', '=', '500'],
        [line('args.yaml', 'train_steps:'), '100000'],
        [line('task/gym/default.yaml', 'train_steps:'), '50000'],
        ['>', 'command', 'line', '500'],
    ]
    indents = [len(row) - len(row.lstrip(' >')) for row in out]
    assert indents == [0, 4, 4, 4, 4, 8, 8, 8]


def test_interpolations_are_followed():
    rows = page('agent.lr', 'task=dmc/walker_walk Agent=SAC')
    assert rows[1] == ['>', line('args.yaml', 'lr: ${lr}'), '${lr}'] and rows[2] == ['lr', '=', '0.001']
    assert rows[-1] == ['>', line('Agent_suite/Agents.SACAgent/dmc.yaml', 'lr:'), '1e-3']
    rows = page('suite.Dataset._target_', 'task=classify/mnist')
    assert rows[1][2] == '${Dataset}' and rows[2] == ['Dataset:', 'why=Dataset']


def test_a_group_of_keys():
    rows = page('replay', 'Agent=Rainbow task=atari/pong replay.alpha=0.6')
    assert ['replay.batch_size', '=', '32'] in rows and ['replay.prioritized', '=', 'true'] in rows
    start = rows.index(['replay.alpha', '=', '0.6'])
    assert [row[0] for row in rows[start + 1 : start + 4]] == [
        line('args.yaml', 'alpha:'),
        line('Agent/Agents.RainbowAgent.yaml', 'alpha:'),
        '>',
    ]
    assert ['train_steps', '=', '100000'] not in rows  # not followed here


def test_recipe_mini_and_domain():
    rows = page('train_steps', 'recipe=cifar10_fast mini=true')
    assert [row[0] for row in rows[1:]] == [
        line('args.yaml', 'train_steps:'),
        line('task/classify/default.yaml', 'train_steps:'),
        line('recipe/cifar10_fast.yaml', 'train_steps:'),
        line('length/mini.yaml', 'train_steps:'),
        '>',
    ]
    assert rows[-1][1] == line('suite_length/classify/mini.yaml', 'train_steps:')
    assert page('conditional', 'recipe=mnist_gan')[-1] == ['>', 'recipe=mnist_gan', 'implies  true']
    assert page('generate', 'generate=true')[-1] == ['>', line('domain/generate.yaml', 'generate:'), 'true']


def test_choices_of_files():
    assert page('task', 'recipe=mnist_gan')[-1] == ['>', 'recipe=mnist_gan', 'implies  classify/mnist']
    assert page('Agent', '') == [['Agent', '=', 'Agents.DQNAgent'], ['>', 'Hyperparams/args.yaml', 'Agents.DQNAgent']]
    assert page('Agent', 'Agent=ppo')[-1] == ['>', 'command', 'line           Agents.PPOAgent']


def test_a_block_and_its_arguments():
    rows = page('Eyes', 'task=dmc/walker_run Eyes=CNN Eyes.depth=3')
    start = rows.index(['recipes.encoder.eyes._target_', '=', 'Blocks.Architectures.CNN'])
    assert rows[start + 2] == [line('task/dmc/default.yaml', '_target_: Blocks.Architectures.DrQ'), rows[start + 2][1]]
    assert rows[-1] == ['>', 'command', 'line               3']
    assert page('agent.optimizer.momentum', 'agent.optimizer._target_=torch.optim.SGD agent.optimizer.momentum=0.5')


def test_what_the_program_completes():
    rows = page('lr', 'lr=cosine(1e-3,0,100%) train_steps=1e3')
    assert rows[0] == ['lr', '=', 'cosine(1e-3,0,1000)'] and rows[-1][:2] == ['>', 'Hyperparams/Complete.py']
    assert page('train_steps', 'record=true')[-1] == ['>', 'Hyperparams/Complete.py', '0']
    assert 'Complete' not in why('train_steps', ['train_steps=1e3'])  # the same number


def test_option_files_of_the_users(tmp_path):
    file = tmp_path / 'Agent' / 'Agents.MineAgent.yaml'
    file.parent.mkdir()
    file.write_text('# @package _global_\nagent:\n  _target_: Agents.PPOAgent\n  omega: [1, 2]\nlr: 0.5\n')
    rows = page('lr', 'Agent=Mine task=atari/pong lr=0.1', tmp_path)
    assert [f'{file}:5', '0.5'] in rows
    assert page('agent.omega', 'Agent=Mine', tmp_path)[-1] == ['>', f'{file}:4', '[1, 2]']


@pytest.mark.parametrize(
    ('words', 'sentence'),
    [
        (['why=lrr'], "No key 'lrr'. Nearest: lr. All: python Run.py --help"),
        (['why=replay.n_step', 'task=gym/cartpole'], "No key 'replay.n_step'. Nearest: replay.nstep."),
        (['why=lr', 'task=atari/pongg'], "No task 'atari/pongg'. Nearest: atari/pong."),
        (['why=lr', 'lr=abc'], "'abc'"),
        (['why='], "No key ''."),
    ],
)
def test_mistakes(capsys, words, sentence):
    status, out, (err,), _ = run(capsys, *words)
    assert (status, out) == (2, []) and sentence in err


def test_it_needs_no_torch():
    code = 'import sys; from Hyperparams.Why import why; why("lr", []); assert "torch" not in sys.modules'
    subprocess.run([sys.executable, '-c', code], cwd=FOLDER.parent, check=True, capture_output=True)


def test_a_sweep_is_asked_about_one_value_at_a_time():
    with pytest.raises(UserError, match='names several values'):
        why('lr', ['seed=1,2'])


def test_the_example_of_the_documentation_is_what_it_prints():
    text = (FOLDER.parent / 'docs' / 'command_line.md').read_text()
    words, shown = re.search(r'^    \$ python Run.py why=lr (.*)\n((?:    .*\n)+)', text, re.M).groups()
    assert textwrap.dedent(shown).strip() == why('lr', words.split())
