"""Objects from configs, and what is wrong with a config that gives none."""

import sys
from functools import partial
from typing import NamedTuple

import pytest
import torch
from omegaconf import OmegaConf

from Hyperparams.Instantiate import instantiate
from Hyperparams.Keys import expected
from Support.Errors import UserError


class Shape(NamedTuple):
    height: int
    width: int


class Parent:
    def __init__(self, depth=1, shape=None):
        self.depth, self.shape = depth, shape


class Child(Parent):
    def __init__(self, *args, width=2, block=None, **common):
        self.args, self.width, self.block = args, width, block
        super().__init__(**common)


@pytest.fixture
def config():
    child = {'_target_': f'{__name__}.Child', 'width': '${width}', 'block': {'_target_': None, '_partial_': True}}
    return OmegaConf.create({'width': 5, 'missing': '???', 'targets': [__name__], 'agent': child})


def test_instantiate(config):
    child = instantiate(config.agent, shape=Shape(2, 3), depth=4)
    assert (child.width, child.depth, child.block) == (5, 4, None)
    assert child.shape == Shape(2, 3) and isinstance(child.shape, Shape)  # Hydra 1.3 makes a list of it


def test_instantiate_partial_nested_and_positional(config):
    config.agent.block = {'_target_': 'torch.optim.AdamW', '_partial_': True, 'betas': [0.5, 0.9]}
    config.agent._args_ = [7]
    child = instantiate(config.agent)
    assert isinstance(child.block, partial) and child.block.func is torch.optim.AdamW and child.args == (7,)
    assert child.block.keywords == {'betas': [0.5, 0.9]} and type(child.block.keywords['betas']) is list
    assert instantiate({'eyes': {'_target_': None, '_partial_': True}, 'sizes': [1, 2]}) == {
        'eyes': None,
        'sizes': [1, 2],
    }


@pytest.mark.parametrize(
    ('change', 'parts'),
    [
        ({'depht': 3}, ['agent.depht', 'Nearest: depth.']),  # through **common, up the base classes
        ({'_target_': f'{__name__}.Childd'}, ['agent', 'Nearest: Child.']),
        ({'_target_': 'os.system', 'command': 'true'}, ['agent._target_', 'os.system', 'targets=[os]']),
        ({'_target_': None}, ['agent.', '_target_=']),
        ({'width': '???'}, ['agent.width must be given']),
        ({'width': '${missing}'}, ['missing must be given']),
        ({'width': '${no_such}'}, ['agent.width', 'no_such']),
        ({'block': {'_target_': None, 'depth': 3}}, ['agent.block.depth', 'not named']),
        ({'block': {'_target_': 'torch.nn.Linear', 'in_feature': 3}}, ['agent.block.in_feature', 'in_features.']),
        ({'block': {'_target_': 'torch.nn.Linear'}}, ['agent.block', 'torch.nn.Linear', 'in_features']),
        ({'block': {'_target_': 'torch.nn.Dropout', 'p': 7}}, ['agent.block', 'Dropout', 'ValueError', 'between 0']),
    ],
)  # fmt: skip
def test_instantiate_says_what_is_wrong(config, change, parts):
    config.agent = {**config.agent, **change}
    with pytest.raises(UserError) as caught:
        instantiate(config.agent)
    for part in parts:
        assert part in str(caught.value)


def test_instantiate_passes_a_users_error_on(config, monkeypatch):
    def refuse():
        raise UserError('Do this.')

    monkeypatch.setattr(sys.modules[__name__], 'refuse', refuse, raising=False)
    with pytest.raises(UserError, match=r'^Do this\.$'):
        instantiate(OmegaConf.create({'targets': [__name__], 'suite': {'_target_': f'{__name__}.refuse'}}).suite)


def test_an_agent_that_lacks_a_key_says_what_to_type():
    from Datasets.Experience import Spec

    config = OmegaConf.create({'agent': expected('Agents.RandomAgent')['agent']})
    config.agent._target_ = 'Agents.PPOAgent'
    with pytest.raises(UserError, match=r'agent.clip must be given to Agents.PPOAgent: agent.clip=<value>'):
        instantiate(config.agent, spec=Spec((4,), 'float32', (), 2))
    config.agent.clp = 0.2
    with pytest.raises(UserError, match=r"agent.clp: Agents.PPOAgent takes no 'clp'. Nearest: clip."):
        instantiate(config.agent, spec=Spec((4,), 'float32', (), 2))
