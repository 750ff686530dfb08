"""The command line: every option file composes, precedence, shorthands, and one sentence for each mistake."""

import subprocess
import sys
import venv
from pathlib import Path

import pytest
from omegaconf import OmegaConf

import Hyperparams.Compose as Compose
from Hyperparams.Instantiate import instantiate
from Hyperparams.Keys import defaults
from Hyperparams.Launch import launch
from Hyperparams.Nested import keys
from Hyperparams.Options import DEFAULT_TASK, FOLDER, options
from Hyperparams.Shorthands import BLOCKS, rewrite
from Support.Errors import UserError

PROJECT = FOLDER.parent
REQUIRED = {'gym/custom': ['gym.id=CartPole-v1'], 'classify/custom': ['Dataset.root=here']}


def run(capsys, *words):
    """Exit status, stdout lines, stderr lines and composed configs of a command line."""
    configs = []
    status = launch(configs.append, list(words))
    out, err = capsys.readouterr()
    return status, out.splitlines(), err.splitlines(), configs


# Every option file


GAME = '# @package _global_\ndefaults:\n  - /task/atari/default\n  - _self_\ntask_name: {0}\nsuite:\n  game: {0}\n'
GAMES = [task.split('/')[1] for task in options('task') if task.startswith('atari/')]


def test_games_differ_in_their_name_alone():
    for game in GAMES:  # so that composing a few of them, 80 ms each, stands for all; the slow test composes all
        assert (FOLDER / 'task' / 'atari' / f'{game}.yaml').read_text() == GAME.format(game)


BODY = '# @package _global_\ndefaults:\n  - /task/{0}/default\n  - _self_\ntask_name: {1}\n'
BODIES = [task for task in options('task') if task.startswith('dmc')]


def test_bodies_differ_in_their_name_and_in_what_drqv2_gives_them():
    from omegaconf import OmegaConf

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
    from omegaconf import OmegaConf

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


# Precedence


LEVELS = {  # from the weakest to the strongest; each sets its own number of steps, and those below it cannot win
    'Agent/Agents.TestAgent.yaml': 1,
    'task/test/one.yaml': 2,
    'Agent_suite/Agents.TestAgent/test.yaml': 3,
    'Agent_task/Agents.TestAgent/test/one.yaml': 4,
    'suite_domain/test/generate.yaml': 5,
    'suite_length/test/mini.yaml': 6,
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
    words = ['Agent=Test', 'task=test/one', 'generate=true', 'mini=true']
    assert Compose.compose(words, tmp_path).learn_steps_after == count
    assert Compose.compose([*words, 'learn_steps_after=9'], tmp_path).learn_steps_after == 9


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


# Shorthands


@pytest.mark.parametrize(
    ('word', 'rewritten'),
    [
        ('Eyes=ViT', '++recipes.encoder.eyes._target_=Blocks.Architectures.ViT'),
        ('eyes=Blocks.Architectures.ViT', '++recipes.encoder.eyes._target_=Blocks.Architectures.ViT'),
        ('Eyes.depth=4', '++recipes.encoder.eyes.depth=4'),
        ('+Eyes.depth=4', '++recipes.encoder.eyes.depth=4'),
        ('+recipes.encoder.eyes.patch_size=7', '++recipes.encoder.eyes.patch_size=7'),
        ('pool=my_module.Pool', '++recipes.encoder.pool._target_=my_module.Pool'),
        ('Aug=RandomShifts', '++recipes.aug._target_=Blocks.Augmentations.RandomShifts'),
        ('Aug=Null', '++recipes.aug._target_=Blocks.Architectures.Null'),
        ('recipes.Aug=Blocks.Architectures.Null', '++recipes.aug._target_=Blocks.Architectures.Null'),
        ('recipes.encoder.Eyes=CNN', '++recipes.encoder.eyes._target_=Blocks.Architectures.CNN'),
        ('recipes.critic.q_head=MLP', '++recipes.critic.q_head._target_=Blocks.Architectures.MLP'),
        ('recipes.critic.q_head.input_shape=${obs_shape}', '++recipes.critic.q_head.input_shape=${obs_shape}'),
        ('Eyes=timm:resnet18', '++recipes.encoder.eyes._target_=Blocks.Architectures.Timm.resnet18'),
        (
            'Eyes=torchvision.models.vit_b_16,ViT',
            '++recipes.encoder.eyes._target_=Blocks.Architectures.Torchvision.vit_b_16,Blocks.Architectures.ViT',
        ),
        ('Eyes=null', '++recipes.encoder.eyes._target_=null'),
        ('Eyes=CNN,MLP', '++recipes.encoder.eyes._target_=Blocks.Architectures.CNN,Blocks.Architectures.MLP'),
        ('Agent=DQN', 'Agent=Agents.DQNAgent'),
        ('Agent=dqnagent', 'Agent=Agents.DQNAgent'),
        ('Agent=Agents.RandomAgent', 'Agent=Agents.RandomAgent'),
        ('task=atari/BattleZone', 'task=atari/battle_zone'),
        ('task=dmc/humanoid_cmu_run', 'task=dmc/humanoid_CMU_run'),
        ('task=classify/fashion_mnist', 'task=classify/fashionmnist'),
        ('Dataset=CIFAR10', 'Dataset._target_=torchvision.datasets.CIFAR10'),
        ('mini=True', 'length=mini'),
        ('generate=false', 'domain=usual'),
        ('+lr=0.1', '++lr=0.1'),
        ('lr=linear(1,0,100)', "lr='linear(1,0,100)'"),
        ('~replay.path', '~replay.path'),
        ('hydra.verbose=true', 'hydra.verbose=true'),
    ],
)
def test_shorthands(word, rewritten):
    assert rewritten in rewrite([word])


def test_a_block_of_the_command_line_is_not_given_the_arguments_of_a_file():
    assert Compose.compose(['task=classify/digits']).recipes.aug.pad == 2
    aug = Compose.compose(['task=classify/digits', 'Aug.size=3', 'Aug=Null']).recipes.aug
    assert aug == {'_target_': 'Blocks.Architectures.Null', '_partial_': True, 'size': 3}


def test_arguments_of_blocks_arrive():
    config = Compose.compose(['Eyes=CNN', 'Eyes.depth=4', 'recipes.critic.q_head=MLP'])
    assert config.recipes.encoder.eyes == {'_target_': 'Blocks.Architectures.CNN', '_partial_': True, 'depth': 4}
    built = instantiate(Compose.compose(['Eyes=MLP', 'Eyes.hidden_dim=7']).recipes)
    assert built['encoder']['eyes'].keywords == {'hidden_dim': 7}
    assert built['encoder']['pool'] is None  # the block that the shapes suggest


def test_names_may_be_numbers():
    assert Compose.compose(['experiment=1', 'root=2']).experiment == '1'


def test_whole_numbers_may_be_written_as_floats():
    assert repr(Compose.compose(['train_steps=1e5']).train_steps) == '100000'


def test_a_class_named_on_the_command_line_may_be_built(tmp_path, monkeypatch):
    (tmp_path / 'my_blocks.py').write_text(
        'class Mine:\n    def __init__(self, depth=1):\n        self.depth = depth\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    config = Compose.compose(['Eyes=my_blocks.Mine', 'Eyes.depth=3'])
    assert instantiate(config.recipes.encoder.eyes)().depth == 3
    config = Compose.compose(['++suite._target_=my_blocks.Mine', 'task=gym/cartpole'])
    assert list(config.targets) == ['my_blocks']


def test_a_suite_of_the_command_line_is_given_its_own_arguments_and_names_the_run():
    named = 'suite._target_=Datasets.Suites.DMC.DMC'
    config = Compose.compose([named, 'suite.name=walker_walk'])
    assert config.suite == {'_target_': 'Datasets.Suites.DMC.DMC', 'name': 'walker_walk'}
    assert (config.suite_name, config.task_name) == ('custom', 'Datasets.Suites.DMC.DMC')
    assert Compose.compose([named, '++suite.name=walker_walk', 'task_name=mine']).task_name == 'mine'
    config = Compose.compose([named, 'suite.name=walker_walk', 'task=dmc/walker_run'])  # as the task has it, but for
    assert (config.suite_name, config.suite.name, config.suite.pixels) == ('dmc', 'walker_walk', 84)


@pytest.mark.parametrize(
    ('key', 'value'),
    [
        ('agent.temperature', 'linear(1,0.1,500)'),
        ('agent.lr', 'one_cycle(1e-3,500)'),
        ('agent.rates.actor', 'stairs(1,0.1,500,3)'),
        ('replay.beta', 'linear(1,0.1,500)'),
        ('replay.nstep', 'cycle(40000,exponential(10,3,10000))'),
        ('replay.discount', 'exponential(0.97,0.997,10000,1)'),
    ],
)
def test_schedules(key, value):
    part, name = key.rsplit('.', 1)
    assert OmegaConf.select(Compose.compose([f'{key}={value}']), key) == value
    if part == 'replay' and name != 'beta':
        assert Compose.compose([f'{name}={value}'])[part][name] == value


def test_steps_of_a_schedule_may_be_a_share_of_the_run():
    config = Compose.compose(['train_steps=2000', 'lr=cosine(1e-3,0,100%,2.5%)', 'agent.rates.encoder=linear(0,1,50%)'])
    assert (config.lr, config.agent.lr) == ('cosine(1e-3,0,2000,50)',) * 2
    assert config.agent.rates.encoder == 'linear(0,1,1000)'


def test_another_optimizer_takes_its_own_arguments_and_none_of_the_usual_ones():
    words = [
        'agent.optimizer.momentum=0.9',
        'agent.optimizer._target_=torch.optim.SGD',
        'agent.optimizer.nesterov=true',
    ]
    config = Compose.compose(['task=atari/pong', *words])  # whose file sets Adam's eps
    own = {'_partial_': True, '_target_': 'torch.optim.SGD', 'momentum': 0.9, 'nesterov': True}
    assert OmegaConf.to_container(config.agent.optimizer) == own
    assert 'eps' in Compose.compose(['task=atari/pong', 'agent.optimizer.eps=1e-3']).agent.optimizer


@pytest.mark.parametrize('words', [['task=classify/digits'], ['generate=true']])
def test_images_are_drawn_uniformly_whatever_the_agent_does_elsewhere(words):
    assert Compose.compose(['Agent=Rainbow']).replay.prioritized
    assert not Compose.compose(['Agent=Rainbow', *words]).replay.prioritized


# Mistakes


@pytest.mark.parametrize(
    ('words', 'parts'),
    [
        (['lrr=3'], ["'lrr'", 'Nearest: lr.', '--help']),
        (['agent.ema_deca=1'], ['agent.ema_decay']),
        (['replay.n_step=1'], ['replay.nstep']),
        (['task=atari/pongg'], ["No task 'atari/pongg'", 'Nearest: atari/pong.', '--help']),
        (['task=pong'], ['Nearest: atari/pong.']),
        (['task=dmc/cheetah_rum'], ['Nearest: dmc/cheetah_run.']),
        (['task=cheetah_run'], ['Nearest: dmc']),
        (['task=classify/mnits'], ['classify/mnist']),
        (['task=gym/default'], ['No task']),
        (['recipe=mnist_gam'], ['mnist_gan']),
        (['find_lr=100'], ['task=classify']),
        (['Agent=Agents.DQNAgnt'], ['Agents.DQNAgent']),
        (['Eyes=MyBlock'], ['<module>.MyBlock']),
        (['Eyes=CNNN'], ['CNNN', 'Nearest: CNN.']),
        (['Eyes=Blocks.Architectures.CNNN'], ['Nearest: CNN.']),
        (['Aug=RandomShift'], ['Nearest: RandomShifts.']),
        (['recipes.encoder.eye=CNN'], ['recipes.encoder.eyes']),
        (['Eyes=timm:resnet10t.c3_in1k'], ['timm:resnet10t,', 'pretrained=c3_in1k']),
        (['Eyes.depth=4'], ['recipes.encoder.eyes.depth', '<class>']),
        (['Dataset=MNISTT', 'task=classify/mnist'], ['Nearest: MNIST.']),
        (['replay.transform={RandomHorizontalFlp:{}}'], ['RandomHorizontalFlip']),
        (['replay.transform=RandomHorizontalFlip'], ['{RandomHorizontalFlip:{}}']),
        (['agent._target_=no_such_module.MyAgent'], ["no module 'no_such_module'"]),
        (['agent._target_=Agents.DQNAgnt'], ['Nearest: DQNAgent.']),
        (['lr=abc'], ['lr', "'abc'"]),
        (['agent.temperature=linear(1,2)'], ['agent.temperature', 'linear(start,end,steps)']),
        (['replay.beta=half'], ['replay.beta', "'half'"]),
        (['bins=0'], ['bins is at least 1']),
        (['discrete=3'], ['true or false']),
        (['suite._target_=no_such_module.MySuite'], ["no module 'no_such_module'"]),
        (['stddev_schedule=linear(1,2)'], ['stddev_schedule', 'linear(start,end,steps)']),
        (['batch_size=0'], ['at least 1']),
        (['train_steps=-1'], ['at least 0']),
        (['nstep=1.5'], ['whole number']),
        (['nstep=exponential(10,0.5,1000)'], ['nstep is a whole number, not 0.5']),
        (['nstep=linear(5,0,1000)'], ['nstep is at least 1, not 0.0']),
        (['nstep=exponential(10,3)'], ['nstep', 'exponential(start,end,steps,limit=0)']),
        (['replay.discount=linear(0.9,1.5,10)'], ['replay.discount is between 0 and 1']),
        (['discount=cycle(10,half)'], ['discount', "'half'"]),
        (['num_envs=0'], ['num_envs is at least 1']),
        (['threads=abc'], ['threads is a number']),
        (['threads=0'], ['threads is at least 1']),
        (['replay.capacity=abc'], ['replay.capacity is a number']),
        (['agent.clip_grad_norm=-1'], ['at least 0']),
        (['train_steps=null'], ['train_steps cannot be null']),
        (['train_steps=inf'], ['whole number']),
        (['lr=nan'], ['finite']),
        (['discount=1.5'], ['between 0 and 1']),
        (['evaluate_episodes=0'], ['at least 1']),
        (['evaluate_episodes=null'], ['evaluate_episodes=10']),
        (['experiment=../x'], ['root=']),
        (['generate=true', 'offline=false'], ['offline=false']),
        (['generate=true', 'replay.prioritized=true'], ['replay.prioritized=true']),
        (['RL=false'], ['task=classify/']),
        (['task=classify/digits', 'RL=false', 'supervise=false'], ['nothing to learn from']),
        (['RL=maybe'], ['true or false']),
        (['offline=yes'], ['true or false']),
        (['mini=maybe'], ['true or false']),
        (['replay=3'], ['replay.batch_size']),
        (['lr=${lrr}'], ["'lrr'"]),
        (['~lrr'], ['lrr']),
        (['task=gym/custom'], ['gym.id=']),
        (['task=classify/custom'], ['Dataset.root=']),
        (['seed=1,2'], ['-m']),
        (['replay.path="a'], ['replay.path']),
        (['train'], ['key=value']),
        (['--halp'], ['--help']),
        (['--cfg', 'jobb'], ['job']),
        (['--config-dir', 'no_such_folder'], ['no_such_folder']),
        (['-m', 'seed=1,2', 'task=atari/pong,atari/pongg'], ['Nearest: atari/pong.']),
    ],
)
def test_a_mistake_is_one_sentence(capsys, monkeypatch, tmp_path, words, parts):
    monkeypatch.chdir(tmp_path)
    status, out, err, configs = run(capsys, *words)
    assert (status, out, configs) == (2, [], [])
    assert len(err) == 1 and 'HYDRA' not in err[0] and len(err[0]) < 250
    for part in parts:
        assert part in err[0]
    assert not list(tmp_path.iterdir())


def test_a_broken_option_file_is_one_sentence(capsys, tmp_path):
    (tmp_path / 'task').mkdir()
    (tmp_path / 'task' / 'bad.yaml').write_text('# @package _global_\nsuite: {game: [1\n')
    status, _, err, _ = run(capsys, f'--config-dir={tmp_path}', 'task=bad')
    assert status == 2 and len(err) == 1


def test_users_errors_and_ctrl_c_in_the_program(capsys, monkeypatch):
    def fail(error):
        def main(config):
            raise error

        return main

    assert launch(fail(UserError('Do this.')), []) == 2
    assert capsys.readouterr().err == 'Do this.\n'
    assert launch(fail(KeyboardInterrupt()), []) == 130
    assert launch(fail(KeyboardInterrupt(15)), []) == 143
    for error in (
        OSError(28, 'No space left'),
        MemoryError('Unable to allocate memory'),
        RuntimeError("can't allocate memory"),
    ):
        assert launch(fail(error), []) == 2 and len(capsys.readouterr().err.splitlines()) == 1
    with pytest.raises(ZeroDivisionError):  # ours to mend: with its traceback
        launch(fail(ZeroDivisionError()), [])
    monkeypatch.setenv('HYDRA_FULL_ERROR', '1')
    with pytest.raises(UserError):
        launch(fail(UserError('Do this.')), [])


# What Hydra's users expect


def test_show_config(capsys):
    from omegaconf import OmegaConf

    status, out, _, configs = run(capsys, '--cfg', 'job', 'lr=0.5', 'task=gym/cartpole')
    shown = OmegaConf.create('\n'.join(out))
    assert status == 0 and not configs and shown.lr == 0.5 and shown.agent.lr == 0.5
    _, out, _, _ = run(capsys, '-c', 'job', '-p', 'agent', '--resolve', 'lr=0.5')
    assert OmegaConf.create('\n'.join(out)).lr == 0.5


def test_sweep(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    status, _, err, configs = run(
        capsys, '-m', 'seed=1,2', 'task=atari/pong,gym/cartpole', 'Eyes=CNN', 'Eyes.depth=2', 'mini=true,false'
    )
    jobs = [(config.seed, config.task_name, config.mini) for config in configs]
    assert status == 0 and err == []
    assert jobs == [(s, t, m) for s in (1, 2) for t in ('pong', 'cartpole') for m in (True, False)]
    assert all(config.recipes.encoder.eyes.depth == 2 for config in configs)
    assert Path.cwd() == tmp_path
    assert {path.name for path in tmp_path.rglob('*') if path.is_file()} == {'multirun.yaml'}


def test_sweep_ends_with_a_users_error(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    def main(config):
        raise UserError('Do this.')

    assert launch(main, ['-m', 'seed=1,2']) == 2
    assert capsys.readouterr().err == 'Do this.\n'


def test_a_run_writes_nothing_itself(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    status, out, err, configs = run(capsys, 'seed=3')
    assert (status, out, err, configs[0].seed) == (0, [], [], 3)
    assert not list(tmp_path.iterdir())


def test_help_is_quick_and_complete(capsys):
    status, out, _, _ = run(capsys, '--help')
    page = '\n'.join(out)
    assert status == 0
    for key in keys({'RL': 0, 'train_steps': 0, 'agent': {'ema_decay': 0}, 'replay': {'transform': 0}}):
        assert key in page
    for name in (*options('Agent'), 'breakout', 'mnist', 'cartpole', 'Eyes='):
        assert name in page
    code = (
        'import sys, time; began = time.perf_counter()\n'
        'from Hyperparams.Launch import launch; launch(print, ["--help"])\n'
        'assert not {"torch", "hydra", "omegaconf", "numpy"} & set(sys.modules)\n'
        'print(time.perf_counter() - began, file=sys.stderr)'
    )
    times = []
    for _ in range(3):
        done = subprocess.run([sys.executable, '-c', code], cwd=PROJECT, capture_output=True, text=True, check=True)
        times.append(float(done.stderr))
    assert min(times) < 0.5  # seconds; 0.06 on an idle core


# Both Hydras

COMPOSE_ALL = """
import sys, warnings
warnings.simplefilter('error')
import hydra
from omegaconf import OmegaConf
from Hyperparams import Compose
from Hyperparams.Compose import compose_only, hydra_words
from Hyperparams.Shorthands import options
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
Compose.check = lambda config: None  # torch is not installed here
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


@pytest.mark.parametrize('words', ['Agent=PPO task=atari/pong', 'Agent=DrQV2 task=dmc/walker_walk'])
def test_networks_of_control_neither_paint_nor_judge(words):
    block = 'recipes.critic.q_head'
    recipes = Compose.compose([*words.split(), 'generate=true', f'{block}=CNN', f'{block}.norm=false']).recipes
    cnn = {'_target_': 'Blocks.Architectures.CNN', '_partial_': True, 'norm': False}
    nothing = {'_target_': None, '_partial_': True}
    assert recipes.actor == {'trunk': nothing, 'pi_head': nothing}
    assert recipes.critic == {'trunk': nothing, 'q_head': cnn}
