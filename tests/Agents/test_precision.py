"""Weights that are cast once give what autocast gives, bit for bit, and follow every change."""

from contextlib import nullcontext

import pytest
import torch
from torch import nn

import Agents
from Agents.Precision import Bf16Weights
from benchmarks.rows.learner import Again, transition
from Blocks.Architectures.MLP import Readout
from Datasets.Experience import Spec
from tests.make import make

SEEN = Spec((2, 84, 84), 'uint8', (), 3), Spec((5,), 'float32', (2,), None)


@pytest.mark.parametrize('name, spec', [('DQN', SEEN[0]), ('SAC', SEEN[1]), ('TD3', SEEN[1]), ('Rainbow', SEEN[0])])
def test_as_with_autocast_alone(name, spec):
    memory, ends = Again(transition(spec.obs_shape, 4, spec.num_actions or spec.action_shape)), []
    for cast_once in (True, False):
        torch.manual_seed(0)
        agent = make(
            getattr(Agents, f'{name}Agent'), spec, trunk_dim=8, hidden_dim=16, precision='bf16', target_tau=0.5
        )
        if not cast_once:
            agent.precision.cast_once = lambda module: nullcontext()
        seen = []
        for _ in range(4):
            agent.learn(memory)
            seen.append(torch.as_tensor(agent.act(memory.batch.obs.numpy(), explore=False)))
            with agent.precision.autocast(agent.device):
                seen.append(agent.creator.critic(agent.creator.encoder(memory.batch.obs), memory.batch.action).detach())
        assert bool(agent.precision._casts) == cast_once
        ends.append([*seen, *agent.state_dict().values()])
    assert all(torch.equal(*pair) for pair in zip(*ends, strict=True))


def test_weights_are_their_own_again_whatever_happens():
    layers = nn.Sequential(nn.Linear(2, 3), Readout(3, 1))
    own = list(layers.parameters())
    with pytest.raises(ZeroDivisionError), Bf16Weights(layers):
        assert layers[0].weight.dtype == torch.bfloat16 and layers[1].weight.dtype == torch.float32
        raise ZeroDivisionError
    assert all(mine is each for mine, each in zip(own, layers.parameters(), strict=True))


def test_cast_when_it_changed_and_only_then():
    layer = nn.Linear(1, 1)
    lowered = Bf16Weights(layer)
    with lowered:
        first = layer.weight
    with lowered:
        assert layer.weight is first
    with torch.no_grad():
        layer.weight.fill_(3.0)
    with lowered:
        assert layer.weight.item() == 3.0


class Interrupted(dict):
    """The first time that something is put into it, the user presses Ctrl-C."""

    pressed = False

    def __setitem__(self, name, value):
        if not self.pressed:
            self.pressed = True
            raise KeyboardInterrupt
        super().__setitem__(name, value)


def test_ctrl_c_in_the_midst_of_it_leaves_the_weights():
    layers = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    second = layers[1]._parameters = Interrupted(layers[1]._parameters)
    own, lowered = list(layers.parameters()), Bf16Weights(layers)
    with pytest.raises(KeyboardInterrupt), lowered:
        pass
    assert second.pressed and all(mine is each for mine, each in zip(own, layers.parameters(), strict=True))
    with lowered:
        second.pressed = False
        with pytest.raises(KeyboardInterrupt):
            lowered.__exit__()
    assert second.pressed and all(mine is each for mine, each in zip(own, layers.parameters(), strict=True))
