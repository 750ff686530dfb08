"""What the program fills in: whole numbers, names, shares of the run."""

import pytest
from omegaconf import OmegaConf

import Hyperparams.Compose as Compose
from Hyperparams.Complete import fill_in


def test_names_may_be_numbers():
    assert Compose.compose(['experiment=1', 'root=2']).experiment == '1'


def test_whole_numbers_may_be_written_as_floats():
    assert repr(Compose.compose(['train_steps=1e5']).train_steps) == '100000'


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


def test_an_older_config_gets_the_keys_that_are_new():
    config = Compose.compose(['Agent=IQL', 'task=gym/pendulum', 'lr=0.5', 'agent.optimizer._target_=torch.optim.SGD'])
    old = OmegaConf.create(OmegaConf.to_container(config))
    del old.agent.huber, old.agent.noise_clip, old.agent.gan.r2, old.replay.horizon, old.keep_best
    assert fill_in(old) == config and fill_in(old).agent.lr == 0.5
    old.agent._target_ = 'my.Agent'
    assert 'noise_clip' not in fill_in(old).agent and fill_in(old).agent.huber is False
