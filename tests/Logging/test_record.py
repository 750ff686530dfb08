"""The record of a run: all that it takes to run it again."""

import os
import subprocess

import pytest
import torch

from Agents.Agent import Agent
from Logging import Record
from tests.Runs.tiny import CARTPOLE, PREFIX, files, run, starts


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def checkout(folder, monkeypatch):
    """A committed checkout of its own in the place of the program's."""
    place = folder / 'program'
    place.mkdir()
    (place / 'code.py').write_text('x = 1\n')
    for words in (['init', '-q'], ['add', '.'], ['commit', '-q', '-m', 'first']):
        author = ['-c', 'user.name=A', '-c', 'user.email=a@b.c', '-c', 'commit.gpgsign=false']
        subprocess.run(['git', *author, *words], cwd=place, check=True)
    monkeypatch.setattr(Record, 'PROJECT', place)
    return place


def test_the_record_of_a_run_and_of_what_continues_it():
    run(*CARTPOLE, 'description=a first try')
    (first,) = starts()
    assert (first['description'], first['seed'], first['step']) == ('a first try', 1, 60)
    assert first['config']['hidden_dim'] == 16 and first['config']['device'] and first['config']['threads'] == 1
    assert first['started'] <= first['ended'] and 0 < first['seconds'] < 60 and first['command']
    assert first['versions']['torch'] == torch.__version__.split('+')[0] or '+' in first['versions']['torch']
    assert first['hardware']['cpu'] and first['hardware']['cores'] >= 1
    run(*CARTPOLE, 'load=true', 'train_steps=70')
    assert starts()[0] == first and [start['step'] for start in starts()] == [60, 70]
    run(*CARTPOLE)
    assert len(starts()) == 1 and len(starts(f'{PREFIX}_Run.1.json')) == 2


def test_a_run_that_was_stopped_says_how_far_it_came(monkeypatch):
    learn, count = Agent.learn, []

    def stop(self, memory):
        count.append(1)
        if len(count) == 15:
            raise KeyboardInterrupt
        learn(self, memory)

    monkeypatch.setattr(Agent, 'learn', stop)
    run(*CARTPOLE, status=130)
    (start,) = starts()
    assert start['ended'] and start['seconds'] > 0 and 30 <= start['step'] < 60


def test_of_what_was_not_committed(checkout, monkeypatch):
    clean = Record.checkout()
    assert clean['changed'] == [] and clean['diff'] == '' and len(clean['commit']) == 40
    (checkout / 'code.py').write_text('x = 2\n')
    (checkout / 'new.py').write_text('')
    dirty = Record.checkout()
    assert dirty['commit'] == clean['commit'] and dirty['changed'] == [' M code.py', '?? new.py']
    assert '-x = 1\n+x = 2\n' in dirty['diff'] and not dirty['diff_cut']
    (checkout / 'code.py').write_text('y\n' * Record.DIFF)
    cut = Record.checkout()
    assert len(cut['diff']) == Record.DIFF and cut['diff_cut']

    (checkout / 'inside').mkdir()
    monkeypatch.setattr(Record, 'PROJECT', checkout / 'inside')
    assert Record.checkout() is None  # someone else's checkout
    monkeypatch.setattr(Record, 'PROJECT', checkout)
    monkeypatch.setenv('PATH', '')
    assert Record.checkout() is None


def test_reproducible_refuses_what_is_not_committed(checkout, capsys):
    run(*CARTPOLE, 'train_steps=0', 'reproducible=true')
    assert starts()[0]['reproducible'] is True
    (checkout / 'code.py').write_text('x = 2\n')
    before = files()
    run(*CARTPOLE, 'train_steps=0', 'reproducible=true', status=2)
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1 and 'code.py' in err and 'allow_dirty=true' in err and files() == before
    run(*CARTPOLE, 'train_steps=0', 'reproducible=true', 'allow_dirty=true')
    assert starts()[0]['reproducible'] is False and '+x = 2' in starts()[0]['git']['diff']


def test_deterministic_algorithms_for_this_run_alone():
    run(*CARTPOLE, 'train_steps=0', 'deterministic=true')
    assert torch.are_deterministic_algorithms_enabled() and torch.backends.cudnn.deterministic
    assert os.environ['CUBLAS_WORKSPACE_CONFIG']
    run(*CARTPOLE, 'train_steps=0')
    assert not torch.are_deterministic_algorithms_enabled() and not torch.backends.cudnn.deterministic
