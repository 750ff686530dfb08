"""The tables of docs/agents are what docs/update_hyperparameters.py prints, and name the blocks that are built."""

import pytest

from Datasets.Experience import Spec
from docs import update_hyperparameters
from Hyperparams.Compose import compose
from Hyperparams.Nested import to_plain
from Utils import create_agent

SPECS = {
    'atari/pong': Spec((1, 84, 84), 'uint8', (), 6),
    'dmc/cheetah_run': Spec((3, 84, 84), 'uint8', (6,), None),
    'dmc_state/cheetah_run': Spec((17,), 'float32', (6,), None),
    'gym/cartpole': Spec((4,), 'float32', (), 2),
    'gym/pendulum': Spec((3,), 'float32', (1,), None),
}
PARTS = {  # of a creator, by the keys of the blocks config
    'recipes.encoder.eyes': 'encoder.eyes', 'recipes.encoder.pool': 'encoder.pool',
    'recipes.actor.trunk': 'actor.trunk', 'recipes.actor.pi_head': 'actor.pi_head',
    'recipes.critic.trunk': 'critic.trunk', 'recipes.critic.q_head': 'critic.q_heads.0',
}  # fmt: skip


def built(block):
    """A block in the words of the tables."""
    name = type(block).__name__
    if name in ('Null', 'Flat'):
        return 'none'
    if name == 'Dueling':
        return built(block.value)
    if name == 'Trunk':
        return f'{block.layers[1].out_features}: linear, layer norm, tanh'
    if name not in ('MLP', 'Noisy'):
        return f'`{name}`'
    *hidden, last = (layer for layer in block.layers if hasattr(layer, 'out_features'))
    if name == 'MLP' and len(block.output_shape) == 1 and type(last).__name__ != 'Readout':
        hidden.append(last)
    if not hidden:
        return 'linear'
    kind = 'noisy' if name == 'Noisy' else type(block.layers[2]).__name__
    return f'{len(hidden)} layer{"s" * (len(hidden) > 1)} of {hidden[0].out_features}, {kind}'


@pytest.mark.parametrize('agent', update_hyperparameters.AGENTS)
def test_pages_show_what_the_option_files_compose(agent):
    page = update_hyperparameters.page(agent).read_text()
    assert page == update_hyperparameters.renewed(agent), 'run: python docs/update_hyperparameters.py'


@pytest.mark.parametrize('task', SPECS)
@pytest.mark.parametrize('agent', ['A2CAgent', 'BCAgent', 'DQNAgent', 'RainbowAgent', 'SACAgent', 'SPRAgent'])
def test_the_tables_name_the_blocks_that_are_built(agent, task):
    words = [f'Agent={agent}', f'task={task}']
    creator = create_agent(SPECS[task], *words).creator
    config = to_plain(compose(words))
    for key, path in PARTS.items():
        part = getattr(creator, path.split('.')[0])
        if part is not None and hasattr(part, path.split('.')[1]):  # DQN proposes at random; BC has no critic
            assert update_hyperparameters.cell(key, config, agent) == built(creator.get_submodule(path)), key


def test_values_are_shown_as_one_types_them():
    shown = [1e-4, 6.25e-5, 1.5e-4, 0.005, 0.99, 1.0, 1600, 1500000, None, False, [-10.0, 10.0], 'RMSprop']
    words = [
        '1e-4',
        '6.25e-5',
        '1.5e-4',
        '0.005',
        '0.99',
        '1',
        '1600',
        '1,500,000',
        'none',
        'false',
        '[-10, 10]',
        'RMSprop',
    ]
    assert [update_hyperparameters.text(value) for value in shown] == words
    ramp = 'linear(1.0,0.1,100000)'
    assert update_hyperparameters.text(ramp) == '1 to 0.1 in 100,000 steps'
    assert update_hyperparameters.text(ramp, run=100000) == '1 to 0.1 over the run'
    assert update_hyperparameters.text('cosine(1e-3,0,500)') == '`cosine(1e-3,0,500)`'
