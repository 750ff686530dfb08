"""parallel=true: the eyes work on several GPUs at once. A stand-in for DataParallel splits batches on the CPU."""

import copy
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import nn

from Agents import DQNAgent, DrQV2Agent, PPOAgent
from Blocks import Encoders
from Blocks.Replicas import Replicas
from Datasets.Experience import Experience, Part, Spec
from Logging.Saving import CheckpointFile
from tests.make import make

PIXELS = Spec((1, 16, 16), 'uint8', (), 3)
DIGITS = Spec((1, 16, 16), 'uint8', (3,), 3, kind='classify')
PARTS = Part('hand', (2,), 'float32'), Part('image', (1, 16, 16), 'uint8')
SMALL = {'trunk_dim': 4, 'hidden_dim': 8, 'lr': 0.1}
RECORD = Spec((8 + 256,), 'uint8', (), 3, parts=PARTS)


class Halves(nn.Module):
    """DataParallel of two devices: each half of a batch goes through the module apart."""

    passes: list

    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, image):
        if list(self.module.parameters()):  # a record's state passes through unchanged
            self.passes.append((self.module, len(image)))
        return torch.cat([self.module(half) for half in image.chunk(2)])


@pytest.fixture
def passes(monkeypatch):
    """Two GPUs that are none; notes (module, batch size) of every pass through both."""
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)
    monkeypatch.setattr(Encoders, 'Replicas', Halves)
    monkeypatch.setattr(Halves, 'passes', [], raising=False)
    return Halves.passes


def build(cls, spec, parallel):
    torch.manual_seed(0)
    eyes = {'eyes': lambda input_shape: nn.Sequential(nn.Flatten(), nn.Linear(256, 8))}  # no batch normalization
    return make(cls, spec, {'encoder': eyes}, parallel=parallel, ema=True, optimizer=torch.optim.SGD, **SMALL)


class Memory:
    prioritized = False

    def __init__(self, spec):
        generator = torch.Generator().manual_seed(0)
        obs = torch.randint(256, (2, 6, *spec.obs_shape), generator=generator, dtype=torch.uint8)
        if spec.parts:
            obs[:, :, :8] = torch.ones(2, 6, 2).view(torch.uint8)
        labels = torch.arange(6) % 3
        self.batch = Experience(obs=obs[0], label=labels) if spec.kind == 'classify' else Experience(
            obs=obs[0], action=labels, reward=torch.ones(6), discount=torch.ones(6), next_obs=obs[1])  # fmt: skip

    def batches(self):
        yield self.batch


def eyes(creator):
    return (creator.encoder.encoders[1] if hasattr(creator.encoder, 'encoders') else creator.encoder).eyes


@pytest.mark.parametrize('cls', [DQNAgent, DrQV2Agent, PPOAgent])
@pytest.mark.parametrize('spec', [PIXELS, DIGITS, RECORD], ids=['control', 'classify', 'record'])
def test_it_learns_saves_copies_and_acts_through_both(cls, spec, passes, tmp_path):
    agent, bare = build(cls, spec, True), build(cls, spec, False)
    assert list(agent.state_dict()) == list(bare.state_dict())
    memory, start, control = Memory(spec), copy.deepcopy(agent.state_dict()), spec is not DIGITS
    passes.clear()

    if cls is not PPOAgent or not control:  # learns, the copies too
        torch.manual_seed(1)
        agent.learn(memory)
        used = [module for module, count in passes if count == 6]
        assert eyes(agent.creator) in used
        assert cls is DrQV2Agent or not control or eyes(agent.target) in used
        assert all(any(module is eyes(creator) for creator in (agent.creator, agent.target, agent.average))
                   for module in used)  # fmt: skip
        torch.manual_seed(1)
        bare.learn(memory)
        for name, tensor in agent.state_dict().items():
            torch.testing.assert_close(tensor, bare.state_dict()[name])
        moved = [name for name, tensor in agent.state_dict().items() if not torch.equal(tensor, start[name])]
        assert any(name.startswith('creator.encoder') for name in moved)

    passes.clear()
    obs = memory.batch.obs.numpy()
    actions = agent.act(obs, explore=False)
    assert passes == [(eyes(agent.average), 6)]
    np.testing.assert_allclose(actions, bare.act(obs, explore=False), rtol=1e-4, atol=1e-5)

    CheckpointFile.save(tmp_path / 'agent.safetensors', agent)
    for parallel in (True, False):  # saved with several GPUs, loaded with as many or one
        other = build(cls, spec, parallel)
        CheckpointFile.load(tmp_path / 'agent.safetensors', other)
        passes.clear()
        assert np.array_equal(other.act(obs, explore=False), actions) and bool(passes) == parallel


def test_one_gpu_is_left_as_it_is(passes, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 1)
    agent = build(DQNAgent, PIXELS, True)
    agent.learn(Memory(PIXELS))
    assert not passes


def test_every_gpu_computes_in_the_dtype_of_the_agent(monkeypatch):
    """torch's replicas run in threads of their own, where autocast's dtype is fp16 until it is set."""

    def in_threads(modules, inputs, kwargs, devices):
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(lambda module, given: module(*given), modules, inputs))

    monkeypatch.setattr(sys.modules[nn.DataParallel.__module__], 'parallel_apply', in_threads)
    before = torch.get_autocast_dtype('cuda')
    replicas = Replicas(nn.Identity())
    assert isinstance(replicas, nn.DataParallel)
    try:
        torch.set_autocast_dtype('cuda', torch.bfloat16)
        seen = replicas.parallel_apply([lambda x: torch.get_autocast_dtype('cuda')] * 2, [(1,), (2,)], None)
    finally:
        torch.set_autocast_dtype('cuda', before)
    assert seen == [torch.bfloat16] * 2
