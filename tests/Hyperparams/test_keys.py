"""Ranges and kinds of keys, as the comments of the option files tell them."""

import pytest
from omegaconf import OmegaConf

from Hyperparams.Keys import ARGS, Key, facts, read, tag
from Hyperparams.Nested import keys
from Hyperparams.Options import FOLDER, options


@pytest.mark.parametrize(
    ('comment', 'fields'),
    [
        ('samples per update', {}),
        ('[int >=1] samples per update', {'kind': int, 'least': 1, 'most': float('inf')}),
        ('[0..1, schedule] per agent step', {'least': 0, 'most': 1, 'schedule': True}),
        ('[bool, null] or [this]', {'kind': bool, 'null': True}),
        ('[-inf..inf]', {'least': float('-inf'), 'most': float('inf')}),
        ('[e.g. CartPole-v1]', {'example': 'CartPole-v1'}),
    ],
)
def test_tags(comment, fields):
    assert tag(comment) == fields


def test_a_tag_that_says_nothing_known_is_an_error():
    with pytest.raises(ValueError, match='positive'):
        tag('[int positive]')


def test_every_key_of_every_option_file_is_read():
    for file in [ARGS, *(FOLDER / 'Agent').glob('*.yaml'), *(FOLDER / 'task').glob('*/default.yaml')]:
        config = OmegaConf.to_container(OmegaConf.load(file))
        config.pop('defaults', None)
        assert set(keys(config)) <= set(read(file)), file


def test_keys_of_args():
    known = read(ARGS)
    assert known['agent.gan.loss'].value == 'least_squares' and known['agent.gan.loss'].heading.startswith('Objects')
    assert known['bins'][:2] == ('bins', '3') and known['bins'].comment.startswith('[int >=1] ')


def test_a_key_that_points_to_another_has_its_range():
    assert facts()['agent.lr'].schedule and facts()['replay.nstep'].least == 1
    assert facts()['replay.discount'].most == 1 and facts()['agent.hidden_dim'].least == 1


def test_ranges_of_an_agents_own_keys():
    assert facts('Agents.PPOAgent')['agent.trace'].most == 1
    assert 'agent.trace' not in facts('my.Agent')  # where it may mean something else
    assert facts()['agent.epsilon'].schedule and facts('my.Agent')['agent.temperature'].schedule
    assert not facts('Agents.SACAgent')['agent.temperature'].schedule


@pytest.mark.parametrize('file', [ARGS.stem, *(f'Agent/{name}' for name in options('Agent'))])
def test_defaults_are_in_their_own_range(file):
    for key in read(FOLDER / f'{file}.yaml').values():
        try:
            value = float(key.value)
        except ValueError:
            continue
        assert key.least <= value <= key.most, key
    assert Key('x', '1').least == 0
