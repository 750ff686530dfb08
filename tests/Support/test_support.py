"""Names, instantiation, schedules, seeds, atomic files."""

import errno
import math
import os
import subprocess
import sys
from functools import partial
from typing import NamedTuple

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

import Utils
from Hyperparams.Instantiate import instantiate
from Support import Machine
from Support.Classes import resolve
from Support.Errors import UserError, nearest
from Support.Files import atomic, atomic_write
from Support.Schedules import extremes, schedule


def test_import_is_light():
    code = 'import sys, Utils; assert not {"torch", "numpy", "hydra", "omegaconf", "yaml"} & set(sys.modules)'
    subprocess.run([sys.executable, '-c', code], cwd=Utils.PROJECT, check=True)


# Names


def test_nearest():
    assert nearest('atari/pongg', ['atari/pong', 'atari/pooyan']) == 'atari/pong'
    assert nearest('vit', ['CNN', 'ViT']) == 'ViT'
    assert nearest('AdamWW', ['adamw', 'AdamW']) == 'AdamW'  # letter case decides between equals
    assert nearest('xyz', ['CNN']) is None and nearest('x', []) is None


def test_resolve():
    assert resolve('torch.optim.AdamW') is torch.optim.AdamW
    assert resolve('torch.nn.functional.relu') is torch.nn.functional.relu
    assert resolve('torch.nn.Linear.forward') is torch.nn.Linear.forward


def test_resolve_takes_a_class_from_the_module_of_its_name(tmp_path, monkeypatch):
    (tmp_path / 'some_package').mkdir()
    (tmp_path / 'some_package' / 'Block.py').write_text('class Block:\n    pass\n')
    monkeypatch.syspath_prepend(tmp_path)
    assert resolve('some_package.Block').__name__ == 'Block' and isinstance(resolve('some_package.Block'), type)


def test_resolve_names_the_nearest_and_the_cause(tmp_path, monkeypatch):
    (tmp_path / 'needs_more.py').write_text('import not_installed_at_all\n')
    monkeypatch.syspath_prepend(tmp_path)
    for path, parts in {
        'torch.optim.AdamWW': ['AdamWW', 'torch.optim', 'Nearest: AdamW.'],
        'torch.nn.Linearr': ['Nearest: Linear.'],
        'no_such_module.X': ['no_such_module'],
        'needs_more.X': ['needs_more', 'not_installed_at_all'],
        'a..b': ['a..b'],
        '': ['torch.optim.AdamW'],
    }.items():
        with pytest.raises(UserError) as caught:
            resolve(path)
        for part in parts:
            assert part in str(caught.value)


# Instantiation


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


# Schedules


@pytest.mark.parametrize(
    ('value', 'step', 'expected'),
    [
        (0.1, 10**9, 0.1),
        (1, 0, 1.0),
        ('0.3', 5, 0.3),
        ('linear(1.0,0.1,100)', 0, 1.0),
        ('linear(1.0,0.1,100)', 50, 0.55),
        ('linear(1.0, 0.1, 100)', 1000, 0.1),
        ('linear(1.0,0.1,0)', 0, 0.1),
        ('step_linear(1,0.5,10,0.1,20)', 5, 0.75),
        ('step_linear(1,0.5,10,0.1,20)', 10, 0.5),
        ('step_linear(1,0.5,10,0.1,20)', 20, 0.3),
        ('step_linear(1,0.5,10,0.1,20)', 99, 0.1),
        ('exponential(16,1,4)', 0, 16),  # a half of it at every step
        ('exponential(16,1,4)', 1, 8),
        ('exponential(16, 1, 4)', 3, 2),
        ('exponential(16,1,4)', 5, 1),
        ('exponential(1,16,4)', 3, 8),
        ('exponential(0.2,0.95,4,1)', 2, 0.8),  # 1 - it: 0.8, 0.4, 0.2, 0.1, 0.05
        ('exponential(0.2,0.95,4,1)', 4, 0.95),
        ('cycle(10,exponential(16,1,4))', 9, 1),
        ('cycle(10,exponential(16,1,4))', 10, 16),
        ('cycle(10,exponential(16,1,4))', 22, 4),
        ('cycle(3, linear(0,1,4))', 5, 0.5),
        ('cycle(10,7)', 5, 7),
        ('cosine(2,0,8)', 2, 1 + math.sqrt(0.5)),
        ('cosine(2,0,8)', 4, 1),
        ('cosine(2,1,12,4)', 3, 1.5),  # linearly up in 4 steps, down in the other 8
        ('cosine(2,1,12,4)', 8, 1.5),
        ('cosine(2,1,12,4)', 99, 1),
        ('one_cycle(1,100)', 0, 0.04),
        ('one_cycle(1,100)', 30, 1),
        ('one_cycle(1,100)', 65, (1 + 4e-6) / 2),
        ('stairs(1,0.1,10,2)', 9, 1),
        ('stairs(1,0.1,10,2)', 10, 0.1),
        ('stairs(1,0.1,10,2)', 99, 0.01),
    ],
)
def test_schedule(value, step, expected):
    assert schedule(value, step) == pytest.approx(expected)


@pytest.mark.parametrize('step', [0, 10, 30, 70, 100])
def test_one_cycle_is_torchs(step):
    import torch

    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 1.0)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.5, total_steps=1001)
    for _ in range(10 * step):
        optimizer.step()
        cycle.step()
    # torch's ramps are a step shorter each
    assert schedule('one_cycle(0.5,1000)', 10 * step) == pytest.approx(cycle.get_last_lr()[0], rel=0.02, abs=1e-4)


@pytest.mark.parametrize(
    ('value', 'least', 'greatest'),
    [(3, 3, 3), ('step_linear(1,5,10,-2,20)', -2, 5), ('cycle(10,exponential(10,3,4))', 3, 10)],
)
def test_extremes_of_a_schedule(value, least, greatest):
    assert extremes(value) == (least, greatest)


@pytest.mark.parametrize(
    'value',
    [
        *('linear(1,2)', 'linear(1,2,3,4)', 'linear(a,b,c)', 'linear(nan,1,5)', 'sine(1,2,3)', 'fast', '', '1,2'),
        *('exponential(1,0,5)', 'exponential(-1,1,5)', 'exponential(0.9,1.1,5,1)'),  # no factor leads through the limit
        *('cosine(1,0)', 'cosine(1,0,5,6)', 'one_cycle(1)', 'stairs(1,0.1,10,1.5)'),
        *('cycle(5)', 'cycle(0,linear(1,0,5))', 'cycle(x,3)', 'cycle(5,cycle(3,linear(1,0,2)))'),
    ],
)
def test_no_schedule(value):
    with pytest.raises(UserError, match='no schedule'):
        schedule(value, 0)


# Seeds, devices, threads


def test_seed_everything():
    import random

    def draw():
        return random.random(), np.random.rand(), torch.rand(1).item()  # noqa: NPY002

    Utils.seed_everything(3)
    first = draw()
    Utils.seed_everything(4)
    assert draw() != first
    Utils.seed_everything(3)
    assert draw() == first


def test_choose_device():
    assert Utils.choose_device('cpu') == torch.device('cpu')
    assert Utils.choose_device().type in ('cuda', 'mps', 'cpu')
    for wrong in ('cud', 'cuda:99', 'cpu!'):
        with pytest.raises(UserError, match='device=cpu'):
            Utils.choose_device(wrong)


@pytest.mark.parametrize('fast', [True, False])
def test_choose_precision(monkeypatch, fast):
    monkeypatch.setattr(Machine, 'computes_in_bf16', lambda device: fast)
    cpu = torch.device('cpu')
    for auto in ('auto', None):
        assert Utils.choose_precision(auto, cpu, images=True) == ('bf16' if fast else 'fp32')
        assert Utils.choose_precision(auto, cpu, images=False) == 'fp32'
    assert Utils.choose_precision('bf16', cpu, images=False) == 'bf16'
    assert Utils.choose_precision('fp32', cpu, images=True) == 'fp32'
    with pytest.raises(Utils.UserError, match='precision=auto'):
        Utils.choose_precision('fp8', cpu, images=True)


def test_choose_threads():
    before = torch.get_num_threads()
    try:
        assert Utils.choose_threads(1) == torch.get_num_threads() == 1
        chosen = Utils.choose_threads()
        assert 1 <= chosen == torch.get_num_threads() <= os.cpu_count()
        assert Utils.choose_threads(images=True) == torch.get_num_threads() == Utils.physical_cores()
    finally:
        torch.set_num_threads(before)


@pytest.mark.skipif(not hasattr(os, 'sched_getaffinity'), reason='Linux tells which cores are whose')
def test_cores(monkeypatch):
    files = {f'cpu{n}/topology': f'{n % 4},{n % 4 + 4}\n' for n in range(8)}  # 8 hyperthreads of 4 cores

    def read_text(path):
        for name, text in files.items():
            if name in str(path):
                return text
        raise FileNotFoundError(path)

    monkeypatch.setattr(os, 'sched_getaffinity', lambda process: {0, 1, 2, 4, 5})
    monkeypatch.setattr(Machine.Path, 'read_text', read_text)
    assert (Utils.usable_cores(), Utils.physical_cores()) == (5, 3)
    for limit, usable, physical in (('max 100000', 5, 3), ('150000 100000', 2, 2), ('10000 100000', 1, 1)):
        files['cpu.max'] = limit
        assert (Utils.usable_cores(), Utils.physical_cores()) == (usable, physical)
    files.clear()
    assert (Utils.usable_cores(), Utils.physical_cores()) == (5, 2)


# Files


def test_what_a_killed_writer_left_goes(tmp_path):
    """A half file of a process that is gone; not that of one at work, nor anyone else's."""
    gone = subprocess.Popen([sys.executable, '-c', ''])
    gone.wait()
    names = {f'.a[1].txt.{gone.pid}.tmp', f'.a[1].txt.{os.getppid()}.tmp', '.a[1].txt.mine.tmp', f'.b.{gone.pid}.tmp'}
    for name in names:
        (tmp_path / name).touch()
    atomic_write(tmp_path / 'a[1].txt', 'whole')
    assert {path.name for path in tmp_path.iterdir()} == names - {f'.a[1].txt.{gone.pid}.tmp'} | {'a[1].txt'}


def test_atomic_write(tmp_path):
    path = tmp_path / 'new' / 'file.json'
    atomic_write(path, 'first')
    atomic_write(path, b'second')
    assert path.read_bytes() == b'second'
    assert os.listdir(path.parent) == ['file.json']


@pytest.mark.parametrize('error', [KeyboardInterrupt, ValueError])
def test_what_fails_while_writing_leaves_the_old_file(tmp_path, error):
    path = tmp_path / 'file'
    path.write_text('old')
    with pytest.raises(error), atomic(path) as temporary:
        temporary.write_text('half')
        raise error
    assert path.read_text() == 'old' and os.listdir(tmp_path) == ['file']


@pytest.mark.parametrize('call', ['fsync', 'replace'])
def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch, call):
    path = tmp_path / 'file'
    path.write_text('old')

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, full)
    with pytest.raises(UserError, match=r'file: No space left on device; .*root='):
        atomic_write(path, 'new')
    assert path.read_text() == 'old' and os.listdir(tmp_path) == ['file']


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(UserError, match='Cannot write'):
        atomic_write(tmp_path / 'file' / 'below', 'new')
