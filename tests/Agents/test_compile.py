"""compile=true: the same numbers, the same files, and a word where there is no compiler."""

import copy

import pytest
import torch

from Agents import DQNAgent
from Agents.Compile import compile_blocks
from Datasets.Experience import Experience, Spec
from tests.make import make

SPEC = Spec((4,), 'float32', (), 2)


class Memory:
    """The same batch each time."""

    prioritized = False

    def batches(self):
        generator = torch.Generator().manual_seed(0)
        obs, next_obs = torch.randn(2, 8, 4, generator=generator)
        yield Experience(obs, torch.arange(8) % 2, torch.ones(8), torch.full((8,), 0.9), next_obs)


def build():
    torch.manual_seed(0)
    return make(DQNAgent, SPEC, trunk_dim=8, hidden_dim=16, ema=True, lr=1e-2)


def test_compiled_blocks_learn_the_same():
    plain, compiled = build(), build()
    compile_blocks(compiled)
    if not any(part._compiled_call_impl for part in compiled.creator.children()):
        pytest.skip('no C++ compiler here')
    for _ in range(3):
        for agent in (plain, compiled):
            agent.learn(Memory())
    assert plain.state_dict().keys() == compiled.state_dict().keys()
    torch.testing.assert_close(dict(compiled.state_dict()), dict(plain.state_dict()), rtol=1e-4, atol=1e-5)
    assert (compiled.act(torch.zeros(3, 4), explore=False) == plain.act(torch.zeros(3, 4), explore=False)).all()


def test_without_a_compiler_a_word_and_the_blocks_as_they_are(monkeypatch, capsys):
    def fail(*arguments, **options):
        raise RuntimeError('No working C++ compiler found')

    agent = build()
    before = copy.deepcopy(agent.state_dict())
    monkeypatch.setattr(torch, 'compile', fail)
    compile_blocks(agent)
    assert (
        'compile=true is left out, since nothing compiles here: No working C++ compiler found'
        in capsys.readouterr().err
    )
    agent.learn(Memory())
    assert any((agent.state_dict()[name] != value).any() for name, value in before.items())
