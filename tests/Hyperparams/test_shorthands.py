"""Shorthands: what they are rewritten to, and what arrives."""

import pytest
from omegaconf import OmegaConf

import Hyperparams.Compose as Compose
from Hyperparams.Instantiate import instantiate
from Hyperparams.Shorthands import rewrite


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


@pytest.mark.parametrize('words', ['Agent=PPO task=atari/pong', 'Agent=DrQV2 task=dmc/walker_walk'])
def test_networks_of_control_neither_paint_nor_judge(words):
    block = 'recipes.critic.q_head'
    recipes = Compose.compose([*words.split(), 'generate=true', f'{block}=CNN', f'{block}.norm=false']).recipes
    cnn = {'_target_': 'Blocks.Architectures.CNN', '_partial_': True, 'norm': False}
    nothing = {'_target_': None, '_partial_': True}
    assert recipes.actor == {'trunk': nothing, 'pi_head': nothing}
    assert recipes.critic == {'trunk': nothing, 'q_head': cnn}
