"""One home for each default: the option files. No constructor has another one."""

import inspect

import pytest
from omegaconf import OmegaConf

import Agents
from Datasets.Images.Dataset import Dataset
from Datasets.Replay.Replay import Replay
from Datasets.Replay.ReplayFiles import ReplayFiles
from Datasets.Replay.Rollout import Rollout
from Environment import Environment
from Hyperparams.Compose import compose
from Hyperparams.Keys import defaults, expected
from Hyperparams.Options import options

AGENT_KEYS = {key for name in options('Agent') for key in expected(name)['agent']}
NOT_THE_SAME = {
    'capacity',
    'seed',
}  # null in args.yaml: from the length of the run; a parameter that seeds nothing else


def constructors(cls):
    """The constructors of a class and its bases in this project, with their parameters."""
    for base in cls.__mro__:
        if '__init__' in vars(base) and not base.__module__.startswith('torch') and base is not object:
            yield base, inspect.signature(base.__init__).parameters.values()


@pytest.mark.parametrize('name', Agents.__all__)
def test_an_agents_constructor_has_no_default_for_a_key_of_the_option_files(name):
    for base, parameters in constructors(getattr(Agents, name)):
        twice = {each.name for each in parameters if each.default is not each.empty} & AGENT_KEYS
        assert not twice, f'{base.__name__} has defaults of its own for {twice}'


@pytest.mark.parametrize('name', options('Agent'))
def test_the_option_files_give_an_agent_every_key_that_it_takes(name):
    given = expected(name)['agent']
    for base, parameters in constructors(getattr(Agents, name.removeprefix('Agents.'))):
        needed = {each.name for each in parameters if each.kind is each.KEYWORD_ONLY and each.default is each.empty}
        assert needed <= set(given), base


@pytest.mark.parametrize('cls', [Replay, ReplayFiles, Rollout, Dataset, Environment])
def test_other_constructors_have_the_defaults_of_args(cls):
    args = OmegaConf.to_container(defaults(), resolve=True)
    args |= args['replay']
    for base, parameters in constructors(cls):
        for each in parameters:
            if each.name in args and each.default is not each.empty and each.name not in NOT_THE_SAME:
                assert each.default == args[each.name], (base.__name__, each.name)


def test_what_run_builds_is_what_python_builds():
    import torch

    from Datasets.Experience import Spec
    from Hyperparams.Instantiate import instantiate
    from Utils import create_agent, seed_everything

    words, spec = ['Agent=DQN', 'task=gym/cartpole', 'lr=1e-3', 'device=cpu'], Spec((4,), 'float32', (), 2)
    seed_everything(1)
    agent = create_agent(spec, *words)
    config = compose(words)
    config.precision = 'fp32'
    seed_everything(1)
    same = instantiate(config.agent, spec=spec, recipes=instantiate(config.recipes), frame_stack=1)
    assert type(agent) is type(same) is Agents.DQNAgent and agent.epsilon == same.epsilon == 'linear(1.0,0.05,10000)'
    assert agent.optimization.lr == same.optimization.lr == 1e-3
    for name, tensor in same.state_dict().items():
        torch.testing.assert_close(agent.state_dict()[name], tensor, rtol=0, atol=0)
