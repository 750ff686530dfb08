"""Weights that are cast once give what autocast gives, bit for bit, and follow every change."""

from contextlib import nullcontext

import numpy as np
import pytest
import torch
from torch import nn

import Agents
from Agents.Lowered import Lowered
from Blocks.Architectures.MLP import Readout
from Datasets.Experience import Experience, Spec

SEEN = Spec((2, 84, 84), 'uint8', (), 3), Spec((5,), 'float32', (2,), None)


class Again:
    """A memory that gives the same batch every time."""

    prioritized = False

    def __init__(self, spec):
        chance = np.random.default_rng(0)
        obs = torch.from_numpy(chance.integers(256, size=(2, 4, *spec.obs_shape)).astype(spec.obs_dtype))
        action = torch.arange(4) % 3 if spec.num_actions else torch.linspace(-1, 1, 8).view(4, 2)
        self.batch = Experience(obs=obs[0], action=action, reward=torch.arange(4.0), discount=torch.full((4,), 0.9),
                                next_obs=obs[1], last=torch.zeros(4, dtype=torch.bool))  # fmt: skip

    def batches(self, agent):
        yield self.batch


@pytest.mark.parametrize('name, spec', [('DQN', SEEN[0]), ('SAC', SEEN[1]), ('TD3', SEEN[1]), ('Rainbow', SEEN[0])])
def test_as_with_autocast_alone(name, spec):
    memory, ends = Again(spec), []
    for cast_once in (True, False):
        torch.manual_seed(0)
        agent = getattr(Agents, f'{name}Agent')(spec, trunk_dim=8, hidden_dim=16, precision='bf16', target_tau=0.5)
        if not cast_once:
            agent.lowered = lambda creator: nullcontext()
        seen = []
        for _ in range(4):
            agent.learn(memory)
            seen.append(torch.as_tensor(agent.act(memory.batch.obs.numpy(), explore=False)))
            with agent.autocast():
                seen.append(agent.creator.critic(agent.creator.encoder(memory.batch.obs), memory.batch.action).detach())
        assert bool(agent.lowerings) == cast_once
        ends.append([*seen, *agent.state_dict().values()])
    assert all(torch.equal(*pair) for pair in zip(*ends, strict=True))


def test_weights_are_their_own_again_whatever_happens():
    layers = nn.Sequential(nn.Linear(2, 3), Readout(3, 1))
    own = list(layers.parameters())
    with pytest.raises(ZeroDivisionError), Lowered(layers):
        assert layers[0].weight.dtype == torch.bfloat16 and layers[1].weight.dtype == torch.float32
        raise ZeroDivisionError
    assert all(mine is each for mine, each in zip(own, layers.parameters(), strict=True))


def test_cast_when_it_changed_and_only_then():
    layer = nn.Linear(1, 1)
    lowered = Lowered(layer)
    with lowered:
        first = layer.weight
    with lowered:
        assert layer.weight is first
    with torch.no_grad():
        layer.weight.fill_(3.0)
    with lowered:
        assert layer.weight.item() == 3.0


def test_ctrl_c_in_the_midst_of_it_leaves_the_weights(monkeypatch):
    layers = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    own, lowered = list(layers.parameters()), Lowered(layers)
    put, interrupted = lowered.put, []

    def interrupt(tensors):
        if not interrupted:
            interrupted.append(True)
            layers[0]._parameters['weight'] = tensors[0]
            raise KeyboardInterrupt
        put(tensors)

    monkeypatch.setattr(lowered, 'put', interrupt)
    with pytest.raises(KeyboardInterrupt), lowered:
        pass
    assert interrupted and all(mine is each for mine, each in zip(own, layers.parameters(), strict=True))
