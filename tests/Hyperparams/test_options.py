"""The option files: each composes, says nothing that its like says, and fits the classes that it names."""

import pytest
from omegaconf import OmegaConf

import Hyperparams.Compose as Compose
from Hyperparams.Instantiate import instantiate
from Hyperparams.Keys import defaults
from Hyperparams.Nested import keys
from Hyperparams.Options import FOLDER, options
from Hyperparams.Shorthands import BLOCKS

REQUIRED = {'gym/custom': ['gym.id=CartPole-v1'], 'classify/custom': ['Dataset.root=here']}


GAME = '# @package _global_\ndefaults:\n  - /task/atari/default\n  - _self_\ntask_name: {0}\nsuite:\n  game: {0}\n'


GAMES = [task.split('/')[1] for task in options('task') if task.startswith('atari/')]


def test_games_differ_in_their_name_alone():
    for game in GAMES:  # so that composing a few of them, 80 ms each, stands for all; the slow test composes all
        assert (FOLDER / 'task' / 'atari' / f'{game}.yaml').read_text() == GAME.format(game)


BODY = '# @package _global_\ndefaults:\n  - /task/{0}/default\n  - _self_\ntask_name: {1}\n'


BODIES = [task for task in options('task') if task.startswith('dmc')]


def test_bodies_differ_in_their_name_and_in_what_drqv2_gives_them():

    own = {'train_steps', 'stddev_schedule', 'lr', 'trunk_dim', 'nstep', 'batch_size'}
    for task in BODIES:
        path = FOLDER / 'task' / f'{task}.yaml'
        assert path.read_text().startswith(BODY.format(*task.split('/')))
        more = set(OmegaConf.load(path)) - {'defaults', 'task_name'}
        assert more <= (own if task.startswith('dmc/') else set()), task


LEFT_OUT = {
    'custom/suite',
    *(f'atari/{game}' for game in GAMES[5:]),
    *(body for i, body in enumerate(BODIES) if i % 12),
}


@pytest.mark.parametrize('task', [task for task in options('task') if task not in LEFT_OUT])
def test_every_task_composes(task):
    config = Compose.compose([f'task={task}', *REQUIRED.get(task, [])])
    suite, name = task.split('/')
    assert config.suite_name == suite
    assert config.task_name == (name if task != 'gym/custom' else 'CartPole-v1')
    name = 'DMC' if suite.startswith('dmc') else suite.capitalize()
    assert config.suite._target_ == f'Datasets.Suites.{name}.{name}'
    assert (suite == 'classify') == (config.Dataset is not None) == config.offline
    if suite == 'classify':
        assert callable(instantiate(config.Dataset))  # a partial whose arguments the class takes; nothing is read


def test_every_file_is_an_option_of_a_known_group():
    folders = {path.relative_to(FOLDER).parts[0] for path in FOLDER.rglob('*.yaml')}
    groups = {'Agent', 'task', 'domain', 'recipe', 'length', 'network'}
    groups |= {'Agent_suite', 'Agent_task', 'suite_domain', 'suite_length'}
    assert folders == groups | {'args.yaml'}
    suites = {task.split('/')[0] for task in options('task')}
    for pair in options('Agent_suite'):
        agent, suite = pair.split('/')
        assert agent in options('Agent') and suite in suites
    for pair in (*options('suite_domain'), *options('suite_length')):
        assert pair.split('/')[0] in suites and pair.split('/')[1] in ('generate', 'mini')
    for path in FOLDER.rglob('*.yaml'):
        assert path.name == 'args.yaml' or path.read_text().startswith('# @package _global_\n'), path


@pytest.mark.parametrize('name', sorted(set(options('recipe')) - {'none'}))
def test_a_recipe_begins_with_the_command_that_runs_it(name):
    """Its second line is `# python Run.py recipe=...`, which composes; what is typed behind it is stronger."""
    command = (FOLDER / 'recipe' / f'{name}.yaml').read_text().splitlines()[1]
    program, words = command.partition(' Run.py ')[::2]
    assert program == '# python' and f'recipe={name}' in words.split()
    config = Compose.compose(words.split())
    assert config.experiment != defaults().experiment
    assert Compose.compose([*words.split(), 'train_steps=7', 'lr=0.5']).lr == 0.5
    assert Compose.compose([*words.split(), 'mini=true']).train_steps < config.train_steps


def test_no_file_sets_a_key_that_args_does_not_explain():

    known = defaults()
    for path in FOLDER.rglob('*/*.yaml'):
        config = OmegaConf.load(path)
        assert set(config) <= {*known, 'defaults', 'gym'}, path
        assert set(config.get('replay', ())) <= set(known.replay), path
        recipes = OmegaConf.to_container(config.get('recipes', OmegaConf.create()))
        blocks = [f'recipes.{key}'.removesuffix('._target_') for key in keys(recipes) if key.endswith('._target_')]
        assert set(blocks) <= set(BLOCKS), path
        for key in keys(recipes):  # arguments go to blocks that this very file names
            assert any(f'{block}.'.startswith(f'recipes.{key}.') or f'recipes.{key}'.startswith(f'{block}.')
                       for block in blocks), path  # fmt: skip


def test_every_game_that_one_player_can_play_has_its_task():
    roms = pytest.importorskip('ale_py.roms')
    two_players_only = {'combat', 'joust', 'maze_craze', 'warlords'}
    assert set(GAMES) == set(roms.get_all_rom_ids()) - two_players_only


@pytest.mark.parametrize('agent', options('Agent'))
@pytest.mark.parametrize(
    'task', ['gym/cartpole', 'classify/digits', 'atari/pong', 'dmc/walker_run', 'dmc_state/walker_run']
)
def test_agents_take_the_arguments_of_their_files(agent, task):
    from Datasets.Experience import Spec

    config = Compose.compose([f'Agent={agent}', f'task={task}'])
    obs = ((4,), 'float32') if task in ('gym/cartpole', 'dmc_state/walker_run') else ((1, 48, 48), 'uint8')
    action = ((2,), None) if task.startswith('dmc') else ((), 3)
    spec = Spec(*obs, *action, kind='classify' if task == 'classify/digits' else 'reinforce')
    assert instantiate(config.agent, spec=spec, recipes=instantiate(config.recipes)).spec is spec


@pytest.mark.parametrize(
    'task',
    [
        'atari/pong',
        'classify/digits',
        'dmc_state/reacher_easy',
        *(task for task in options('task') if task.startswith('gym/')),
    ],
)
def test_suites_take_the_arguments_of_their_files(task):
    config = Compose.compose([f'task={task}', *REQUIRED.get(task, [])])
    if task == 'gym/lunarlander':
        pytest.importorskip('Box2D')
    suite = instantiate(config.suite, num_envs=1, seed=1, train=True)
    assert suite.num_envs == 1
    suite.close()
