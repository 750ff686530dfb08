"""Device, precision, threads and cores."""

import os
import re
import subprocess
import sys

import pytest
import torch

import Utils
from Support import Machine
from Support.Errors import UserError
from Support.Files import PROJECT


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


@pytest.mark.skipif(sys.platform != 'linux', reason='other systems have another OpenMP')
@pytest.mark.parametrize('given', [None, 'ACTIVE'])
def test_threads_that_wait_sleep_unless_the_user_says_otherwise(given):
    """OpenMP itself tells what it read as torch was imported."""
    ours = ('OMP_WAIT_POLICY', 'GOMP_SPINCOUNT')
    env = {name: value for name, value in os.environ.items() if name not in ours} | {'OMP_DISPLAY_ENV': 'verbose'}
    env |= {} if given is None else {'OMP_WAIT_POLICY': given}
    code = 'import sys, Run; assert "torch" not in sys.modules; import torch'
    told = subprocess.run(
        [sys.executable, '-c', code], cwd=PROJECT, env=env, capture_output=True, text=True, check=True
    )
    (spins,) = re.findall(r"GOMP_SPINCOUNT = '(\d+)'", told.stderr)  # 300,000 by default
    assert int(spins) == 0 if given is None else int(spins) > 1e6
