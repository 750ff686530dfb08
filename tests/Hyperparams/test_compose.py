"""Composition: precedence, what keys imply, and both versions of Hydra."""

import re
import subprocess
import venv

import pytest
import yaml

import Hyperparams.Compose as Compose
from Hyperparams.Keys import ARGS
from Hyperparams.Options import DEFAULT_TASK, FOLDER

PROJECT = FOLDER.parent


LEVELS = {  # from the weakest to the strongest; each sets its own number of steps, and those below it cannot win
    'Agent/Agents.TestAgent.yaml': 1,
    'task/test/one.yaml': 2,
    'Agent_suite/Agents.TestAgent/test.yaml': 3,
    'Agent_task/Agents.TestAgent/test/one.yaml': 4,
    'suite_domain/test/generate.yaml': 5,
    'recipe/test.yaml': 6,
    'suite_length/test/mini.yaml': 7,
}


@pytest.mark.parametrize('count', range(len(LEVELS) + 1))
def test_precedence(tmp_path, count):
    for i, (name, level) in enumerate(LEVELS.items()):
        lines = ['# @package _global_']
        if name.startswith('task'):
            lines += ['defaults:', '  - optional /suite_name: test', '  - _self_', 'suite_name: test']
        if i < count:
            lines += [f'learn_steps_after: {level}']
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_text('\n'.join(lines))
    words = ['Agent=Test', 'task=test/one', 'generate=true', 'recipe=test', 'mini=true']
    assert Compose.compose(words, tmp_path).learn_steps_after == count
    assert Compose.compose([*words, 'learn_steps_after=9'], tmp_path).learn_steps_after == 9


def order():
    """Groups of args.yaml's defaults list, from the weakest to the strongest."""
    groups = []
    for entry in yaml.safe_load(ARGS.read_text())['defaults']:
        group = entry if isinstance(entry, str) else next(iter(entry))
        if not group.startswith('override'):
            groups.append('args.yaml' if group == '_self_' else group.removeprefix('optional '))
    return [*groups, 'command line']


def test_the_precedence_on_docs_page_is_that_of_the_defaults_list():
    section = (PROJECT / 'docs' / 'command_line.md').read_text().partition('## Which value wins')[2].partition('## ')[0]
    layers = re.findall(r'^\| `?([a-z]\w*(?: \w+)?|Agent\w*)`? \|', section, re.M)
    assert layers[0] == 'layer' and layers[-1] == 'all keys'
    assert ['args.yaml', *layers[-2:0:-1]] == order()


def test_the_precedence_in_args_is_that_of_the_defaults_list():
    text = re.search(r'# +(command line > .* > this file)', ARGS.read_text())[1]
    told = [re.sub(r' \(.*\)', '', layer).replace('this file', 'args.yaml') for layer in text.split(' > ')]
    assert told[::-1] == [layer for layer in order() if layer not in ('suite_domain', 'suite_length')]  # told below it


def test_the_pair_of_agent_and_default_task_counts_without_task_on_the_command_line(tmp_path):
    pair = tmp_path / 'Agent_task' / 'Agents.DQNAgent' / f'{DEFAULT_TASK}.yaml'
    pair.parent.mkdir(parents=True)
    pair.write_text('# @package _global_\nseed: 77\n')
    assert Compose.compose([], tmp_path).seed == 77


def test_composition_without_words_is_the_default_task():
    assert Compose.compose([]) == Compose.compose([f'task={DEFAULT_TASK}', 'Agent=Agents.DQNAgent'])


def test_mini_shrinks_every_suite_and_loses_to_the_command_line():
    for task in ('atari/pong', 'gym/pendulum', 'classify/mnist', 'dmc/walker_walk', 'dmc_state/humanoid_run'):
        for domain in ('generate=false', 'generate=true'):
            full, mini = (Compose.compose([f'task={task}', domain, f'mini={value}']) for value in ('false', 'True'))
            assert mini.mini and not full.mini
            assert mini.train_steps <= 200 < full.train_steps and mini.samples < full.samples
    assert Compose.compose(['task=atari/pong', 'train_steps=33', 'mini=true']).train_steps == 33


def test_offline_is_implied_by_generate_and_implies_a_saved_replay():
    config = Compose.compose(['generate=true'])
    assert config.offline and config.replay.load and config.replay.save
    config = Compose.compose(['offline=true', 'replay.save=false'])
    assert config.replay.load and not config.replay.save
    assert not Compose.compose([]).replay.load
    assert not Compose.compose(['task=classify/mnist', 'offline=false']).offline


@pytest.mark.parametrize('words', [['task=classify/digits'], ['generate=true']])
def test_images_are_drawn_uniformly_whatever_the_agent_does_elsewhere(words):
    assert Compose.compose(['Agent=Rainbow']).replay.prioritized
    assert not Compose.compose(['Agent=Rainbow', *words]).replay.prioritized


COMPOSE_ALL = """
import sys, warnings
warnings.simplefilter('error')
import hydra
from omegaconf import OmegaConf
from Hyperparams import Compose, Sweeps
from Hyperparams.Compose import compose_only, hydra_words
from Hyperparams.Launch import launch
from Hyperparams.Options import options
from Hyperparams.Why import why
required = {'gym/custom': ['gym.id=CartPole-v1'], 'classify/custom': ['Dataset.root=here']}
print(hydra.__version__)
for task in options('task'):
    config = compose_only(hydra_words([f'task={task}', *required.get(task, [])]))
    assert config.suite_name == task.split('/')[0], task
for line in ('generate=true task=classify/mnist', 'mini=true', 'Agent=Random Eyes=CNN Eyes.depth=4 +lr=1',
             'agent._target_=my.Agent replay.transform={RandomHorizontalFlip:{}}', 'stddev_schedule=linear(1,0,5)'):
    compose_only(hydra_words(line.split()))
assert compose_only(hydra_words(['mini=true', 'train_steps=5'])).train_steps == 5
pair = OmegaConf.load(Compose.FOLDER / 'Agent_suite/Agents.DQNAgent/atari.yaml')
config = compose_only(hydra_words([]))
assert OmegaConf.merge(config, pair) == config
Compose.check = Sweeps.check = lambda config: None  # torch is not installed here
assert why('lr', ['recipe=cifar10_fast', 'train_steps=500']).startswith('lr = one_cycle(0.2,500)')
if hydra.__version__ < '1.4':  # whose sweeps differ: pyproject.toml leaves it out
    jobs = []
    assert launch(jobs.append, ['-m', 'seed=1,2', 'task=gym/cartpole,atari/pong', 'Eyes=CNN', 'mini=true']) == 0
    assert [(job.seed, job.task_name) for job in jobs] == [(1, 'cartpole'), (1, 'pong'), (2, 'cartpole'), (2, 'pong')]
"""


@pytest.mark.slow
@pytest.mark.parametrize('version', ['1.3.8', '1.4.0rc3'])
def test_composes_on_both_hydras(tmp_path, version):
    venv.create(tmp_path, with_pip=True)
    python = tmp_path / 'bin' / 'python'
    wanted = [f'hydra-core=={version}', 'omegaconf', 'pyyaml']
    installed = subprocess.run([python, '-m', 'pip', 'install', '-q', '--pre', *wanted], capture_output=True, text=True)
    if installed.returncode:
        pytest.skip(f'pip cannot install hydra-core {version} here: {installed.stderr[-200:]}')
    code = f'import sys; sys.path.insert(0, {str(PROJECT)!r})\n{COMPOSE_ALL}'
    done = subprocess.run([python, '-c', code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == version
