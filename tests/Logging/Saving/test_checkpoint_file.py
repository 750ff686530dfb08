"""Saved agents: the same afterwards, bit for bit; broken files change nothing; a failed write loses nothing."""

import errno
import json
import math
import os
import re
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import safetensors.torch
import torch

import Utils
from Agents import DQNAgent, RandomAgent
from Datasets.Experience import Experience, Spec
from Logging.Saving import CheckpointFile
from tests.make import make

PIXELS = Spec((1, 16, 16), 'uint8', (), 3)
DIGITS = Spec((1, 16, 16), 'uint8', (3,), 3, kind='classify')
CONTINUOUS = Spec((4,), 'float32', (2,), None)
DOMAINS = {
    'control': (PIXELS, {'dueling': True}),
    'continuous': (CONTINUOUS, {'num_critics': 2, 'num_proposals': 4}),
    'classify': (DIGITS, {}),
    'generate': (DIGITS, {'generate': True}),
}


def build(spec=PIXELS, Agent=DQNAgent, seed=0, **arguments):
    torch.manual_seed(seed)
    common = dict(hidden_dim=16, trunk_dim=8, latent_dim=4, lr='linear(0.01,0.001,10)', ema=True, target_tau=0.1)
    return make(Agent, spec, **common | arguments)


class Memory:
    """The same batch again and again."""

    prioritized = False

    def __init__(self, spec, size=6, labels=False):
        random = torch.Generator().manual_seed(5)
        images, self.labels = len(spec.obs_shape) == 3, labels
        self.obs = [torch.rand(size, *spec.obs_shape, generator=random) for _ in range(2)]
        if images:
            self.obs = [(255 * obs).byte() for obs in self.obs]
        self.index = torch.randint(3, (size,), generator=random)
        self.action = (
            2 * torch.rand(size, *spec.action_shape, generator=random) - 1 if spec.action_shape else self.index
        )

    def batches(self):
        size = len(self.index)
        control = {'action': self.action, 'reward': torch.arange(size).float(), 'discount': torch.full((size,), 0.9)}
        if self.labels:
            control = {'label': self.index}
        yield Experience(obs=self.obs[0], next_obs=self.obs[1] if 'action' in control else None, **control)


def learn(agent, memory, updates, seed=7):
    torch.manual_seed(seed)
    for _ in range(updates):
        agent.learn(memory)
        agent.step += 1


def everything(agent):
    """Every tensor and counter that the next update depends on."""
    tensors = {name: tensor.clone() for name, tensor in CheckpointFile.tensors_of(agent).items()}
    return tensors | {'step': torch.tensor(agent.step), 'updates': torch.tensor(agent.updates)}


def assert_equal(one, other):
    assert one.keys() == other.keys()
    assert [name for name in one if not torch.equal(one[name], other[name])] == []


@pytest.fixture
def saved(tmp_path):
    """An agent that has learned, and its file."""
    agent, path = build(), tmp_path / 'agent.safetensors'
    learn(agent, Memory(PIXELS), 2)
    CheckpointFile.save(path, agent, {'episodes': 3, 'cursor': 9})
    return agent, path


@pytest.mark.parametrize('precision', ['fp32', 'bf16'])
@pytest.mark.parametrize('domain', DOMAINS)
def test_a_loaded_agent_is_the_same_and_learns_on_the_same(domain, precision, tmp_path):
    spec, arguments = DOMAINS[domain]
    agent, memory = (
        build(spec, precision=precision, **arguments),
        Memory(spec, labels=domain in ('classify', 'generate')),
    )
    learn(agent, memory, 3)
    path = tmp_path / 'folder' / 'agent.safetensors'
    CheckpointFile.save(path, agent, {'episodes': 3, 'cursor': 9})
    other = build(spec, seed=1, precision=precision, **arguments)
    assert not torch.equal(next(other.creator.parameters()), next(agent.creator.parameters()))
    assert CheckpointFile.load(path, other) == {'episodes': 3, 'cursor': 9}
    assert_equal(everything(agent), everything(other))
    assert {'agent.target', 'agent.average', 'agent.creator', 'optimizer.0'} <= {
        '.'.join(name.split('.')[:2]) for name in everything(other)
    }

    outputs = []
    for each in (agent, other):
        torch.manual_seed(3)
        outputs.append(
            each.domain.create(2) if domain == 'generate' else torch.from_numpy(each.act(memory.obs[0].numpy(), False))
        )
        learn(each, memory, 2)
    assert torch.equal(*outputs)
    assert_equal(everything(agent), everything(other))


def test_learning_rate_and_other_settings_are_those_of_the_run(saved):
    other = build(lr=0.5, weight_decay=0.25)
    CheckpointFile.load(saved[1], other)
    assert other.optimization.optimizer.param_groups[0]['weight_decay'] == 0.25
    before = next(other.creator.parameters()).clone()
    learn(other, Memory(PIXELS), 1)
    assert (next(other.creator.parameters()) - before).abs().max() > 0.05


def test_the_file_holds_tensors_and_json_only(saved):
    agent, path = saved
    with safetensors.safe_open(path, 'pt') as file:
        header = json.loads(file.metadata()['run'])
        assert set(file.keys()) == set(CheckpointFile.tensors_of(agent))
    assert (header['step'], header['updates'], header['run']) == (2, 2, {'episodes': 3, 'cursor': 9})
    assert b'pickle' not in path.read_bytes()


def test_what_a_run_saves_comes_back_bit_for_bit(tmp_path):
    """Arrays and tensors of any type, numbers of any size, whatever they are nested in; tuples come as lists."""
    arrays = [np.arange(6).astype(kind).reshape(2, 3) for kind in ('uint8', 'bool', 'uint32', '>i4', 'float64')]
    arrays += [np.array(np.nan), np.zeros((0, 2), np.int64), np.arange(10)[::2]]
    tensors = [torch.arange(4.0).bfloat16(), torch.tensor(3), torch.arange(6).view(2, 3).T, torch.zeros(0)]
    tensors += tensors[:1]  # the same memory once more
    plain = {'many': 2**100, 'pi': math.pi, 'no': None, 'yes': True, 'text': 'x', 'none': [], 'pair': (1, (2.5,))}
    path = tmp_path / 'agent.safetensors'
    CheckpointFile.save(path, build(), {'plain': plain, 'deep': [{'arrays': arrays}, tensors], 'one': np.float32(0.1)})
    found = CheckpointFile.load(path, build())
    assert found['plain'] == plain | {'pair': [1, [2.5]]} and found['one'] == float(np.float32(0.1))
    for array, again in zip(arrays, found['deep'][0]['arrays'], strict=True):
        assert again.dtype == array.dtype and np.array_equal(again, array, equal_nan=array.dtype.kind == 'f')
    for tensor, again in zip(tensors, found['deep'][1], strict=True):
        assert again.dtype == tensor.dtype and torch.equal(again, tensor)


def test_a_missing_file(tmp_path):
    with pytest.raises(Utils.UserError, match=r'No saved agent at .*load=true'):
        CheckpointFile.load(tmp_path / 'agent.safetensors', build())


def refuse(path, agent, match):
    """Loading raises one sentence and changes nothing in the agent."""
    before = everything(agent)
    with pytest.raises(Utils.UserError) as error:
        CheckpointFile.load(path, agent)
    message = str(error.value)
    assert '\n' not in message and str(path) in message and re.search(match, message), message
    assert_equal(before, everything(agent))


def rewrite(path, **changes):
    """The same file with other fields in its header."""
    with safetensors.safe_open(path, 'pt') as file:
        header = json.loads(file.metadata()['run']) | changes
    run = json.dumps(header)
    metadata = {'run': run, 'checksum': str(CheckpointFile.zlib.crc32(run.encode()))}
    safetensors.torch.save_file(safetensors.torch.load_file(path), path, metadata)


def test_truncated_files(saved):
    data, other = saved[1].read_bytes(), build(seed=1)
    for size in (0, 5, 8, 100, len(data) // 2, len(data) - 1):
        saved[1].write_bytes(data[:size])
        refuse(saved[1], other, 'cannot be read.*move it away')


def test_flipped_bits(saved):
    """A single wrong bit anywhere, in the header or in the tensors, is found."""
    data, other = saved[1].read_bytes(), build(seed=1)
    header = 8 + int.from_bytes(data[:8], 'little')
    run = data.index(b'episodes')
    random = np.random.default_rng(0)
    places = [
        0,
        7,
        *range(run - 30, run + 30),
        *random.integers(8, header, 20),
        *random.integers(header, len(data), 20),
    ]
    before, unharmed = everything(other), everything(saved[0])
    for place in places:
        flipped = bytearray(data)
        flipped[place] ^= 1 << int(random.integers(8))
        saved[1].write_bytes(flipped)
        try:
            counters = CheckpointFile.load(saved[1], other)
        except Utils.UserError as error:
            assert re.search('cannot be read|not that of this run', str(error)) and '\n' not in str(error)
            assert_equal(everything(other), before)
        else:  # padding of the header: nothing that counts
            assert counters == {'episodes': 3, 'cursor': 9}
            assert_equal(everything(other), unharmed)
            other = build(seed=1)


def test_foreign_files(saved, tmp_path):
    agent, path = saved
    for data in (b'hello', b'\x80\x04K\x01.', os.urandom(5000), b'PK\x03\x04' + bytes(100)):
        path.write_bytes(data)
        refuse(path, agent, 'cannot be read')
    for metadata in (None, {}, {'format': 'pt'}, {'run': 'no json'}, {'run': '3'}, {'run': '{}'}, {'run': '[]'}):
        safetensors.torch.save_file({'weight': torch.zeros(2)}, path, metadata)
        refuse(path, agent, 'cannot be read')
    refuse_folder = tmp_path / 'folder'
    refuse_folder.mkdir()
    with pytest.raises(Utils.UserError):
        CheckpointFile.load(refuse_folder, agent)


def test_a_newer_version(saved):
    rewrite(saved[1], version=CheckpointFile.VERSION + 1)
    refuse(saved[1], build(seed=1), f'newer version .{CheckpointFile.VERSION + 1}.')


@pytest.mark.parametrize(
    'other',
    [
        dict(hidden_dim=17),
        dict(dueling=True),
        dict(num_critics=2),
        dict(spec=PIXELS._replace(num_actions=4)),
        dict(frame_stack=2),
        dict(ema=False),
        dict(target_tau=1, target_period=1),
        dict(spec=DIGITS),
        dict(optimizer=torch.optim.SGD),
        dict(Agent=RandomAgent),
    ],
    ids=str,
)
def test_another_agent(other, saved):
    """Other blocks, more or fewer of them, another class or optimizer: the error names it, and nothing is loaded."""
    refuse(saved[1], build(seed=1, **other), r'not that of this run \(\S+ differs\).*give the same')


@pytest.mark.parametrize('failing', ['os.fsync', 'os.replace', 'pathlib.Path.write_bytes'])
def test_a_failing_write_leaves_the_older_file_whole(failing, saved, monkeypatch):
    agent, path = saved
    before = path.read_bytes()

    def fail(*arguments, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    learn(agent, Memory(PIXELS), 1)
    monkeypatch.setattr(failing, fail)
    with pytest.raises(Utils.UserError, match=r'Cannot write .*No space left.*root='):
        CheckpointFile.save(path, agent, {})
    monkeypatch.undo()
    assert path.read_bytes() == before and os.listdir(path.parent) == [path.name]
    assert CheckpointFile.load(path, build(seed=1)) == {'episodes': 3, 'cursor': 9}


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='RLIMIT_FSIZE is a matter of Unix')
def test_a_disk_that_is_really_full(tmp_path):
    """The kernel refuses to write more than 50 kB, in a process of its own."""
    program = """
        import resource, signal, sys
        import torch
        import Utils
        from Logging.Saving import CheckpointFile
        from Agents import DQNAgent
        from Datasets.Experience import Spec
        from tests.make import make

        path = sys.argv[1]
        agent = make(DQNAgent, Spec((4,), 'float32', (), 2), hidden_dim=16, trunk_dim=8)
        CheckpointFile.save(path, agent, {'episodes': 1})
        big = make(DQNAgent, Spec((4,), 'float32', (), 2), hidden_dim=5000, trunk_dim=8)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
        try:
            CheckpointFile.save(path, big, {'episodes': 2})
        except Utils.UserError as error:
            print('UserError', str(error))
        print(CheckpointFile.load(path, agent))
    """
    path, root = tmp_path / 'agent.safetensors', Utils.PROJECT
    run = subprocess.run(
        [sys.executable, '-c', textwrap.dedent(program), path], capture_output=True, text=True, cwd=root, timeout=280
    )
    assert run.returncode == 0, run.stderr
    first, second = run.stdout.splitlines()
    assert re.match('UserError Cannot write .*: .*', first) and second == "{'episodes': 1}"
    assert os.listdir(tmp_path) == [path.name]
