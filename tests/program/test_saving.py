"""Saving, resuming, interruptions and failures of whole runs."""

import json
import os
import shutil
import signal
import time

import pytest
import torch

import Utils
from Agents.Agent import Agent
from tests.program.results import CARTPOLE, DIGITS, TINY, checkpoint, column, files, replays, table
from tests.program.runs import finish, process, run, run_here


def test_resume(folder, capsys):
    run_here(*CARTPOLE, 'replay.save=true', 'replay.capacity=500')
    run_here(*CARTPOLE, 'replay.save=true', 'replay.load=true', 'load=true', 'train_steps=120')
    train, evaluations = table('Train'), table('Eval')
    assert column(train, 'step') == [30, 60, 90, 120] and column(evaluations, 'step') == [0, 60, 120]
    times = column(train, 'time')
    assert times == sorted(times) and times[0] < times[1] < times[2]
    header, _ = checkpoint()
    assert (header['step'], header['updates'], header['run']['memory']['cursor']) == (120, 100, 100)  # as in one go
    assert header['run']['episodes'] == column(train, 'episode')[-1] > column(train, 'episode')[0]
    (replay,) = replays(folder)
    assert json.loads(replay.read_text())['size'] == 120 + header['run']['episodes']

    # A resumed run uses its own replay, whose files change only with replay.save=true.
    before = files(replay.parent)
    run_here(*CARTPOLE, 'load=true', 'train_steps=130')
    assert checkpoint()[0]['updates'] == 100 + 10 and files(replay.parent) == before

    # Without its replay, a resumed run collects seed_steps again before it learns.
    shutil.rmtree(replay.parent)
    run_here(*CARTPOLE, 'load=true', 'train_steps=160')
    assert checkpoint()[0]['updates'] == 110 + 10

    # An evaluation adds one line and nothing else, also after the last step.
    before = files(folder)
    for words in (['train_steps=0'], ['train_steps=160']):
        run_here(*CARTPOLE, 'load=true', *words)
    after = files(folder)
    assert {name for name in after if before.get(name) != after[name]} == {
        f'Benchmarking/Exp/DQNAgent/gym/cartpole_1_{kind}' for kind in ('Eval.csv', 'Run.json')
    }
    assert column(table('Eval'), 'step') == [0, 60, 120, 130, 160, 160, 160]

    # A new run keeps the earlier files under other names.
    run_here(*CARTPOLE, 'train_steps=25')
    new = files(folder)
    assert column(table('Eval'), 'step') == [0, 25] and checkpoint()[0]['step'] == 25
    for name in ('Checkpoints/Exp/DQNAgent/gym/cartpole_1/{}', 'Benchmarking/Exp/DQNAgent/gym/cartpole_1_{}'):
        for old in ('agent.safetensors', 'config.yaml') if 'Check' in name else ('Eval.csv', 'Train.csv', 'Run.json'):
            kept = name.format(old.replace('.', '.1.'))
            assert new[kept] == after[name.format(old)]
    assert 'kept as' in capsys.readouterr().out


def test_save_per_steps(folder):
    run_here(*CARTPOLE, 'save=false', 'save_per_steps=25')
    assert checkpoint()[0]['step'] == 50
    run_here(*CARTPOLE, 'learn_steps_after=7', 'experiment=after')
    assert checkpoint('after')[0]['updates'] == 40 + 7
    run_here(*CARTPOLE, 'save=false', 'experiment=none')
    assert not (folder / 'Checkpoints/none').exists()


@pytest.mark.parametrize('words', [[*DIGITS, 'generate=true', 'samples=12'], ['task=gym/pendulum', *TINY]])
def test_how_often_one_evaluates_changes_nothing_in_training(words):
    """Both draw random numbers during evaluation: latent noise, or candidate actions."""
    saved, task = [], words[0].removeprefix('task=')
    for period in (0, 1):
        run_here(*words, 'train_steps=30', f'evaluate_per_steps={10 * period}', f'experiment={period}')
        assert len(table('Eval', str(period), task=task)) == (4 if period else 2)
        saved.append(checkpoint(str(period), task=task)[1])
    agents = [{name: x for name, x in tensors.items() if not name.startswith('run.')} for tensors in saved]
    assert all(torch.equal(tensor, agents[1][name]) for name, tensor in agents[0].items())


def test_checkpoints_that_cannot_be_loaded_stay_as_they_are(folder, capsys):
    run_here(*CARTPOLE)
    for words in (['hidden_dim=8'], ['Eyes=Null', 'recipes.critic.trunk=Trunk'], ['experiment=Other']):
        before = files(folder)
        run_here(*CARTPOLE, 'load=true', *words, status=2)
        assert len(capsys.readouterr().err.splitlines()) == 1 and files(folder) == before
    path = folder / 'Checkpoints/Exp/DQNAgent/gym/cartpole_1/agent.safetensors'
    path.write_bytes(path.read_bytes()[:-100])
    before = files(folder)
    run_here(*CARTPOLE, 'load=true', status=2)
    err = capsys.readouterr().err
    assert str(path.name) in err and len(err.splitlines()) == 1 and files(folder) == before


@pytest.mark.parametrize('kind', [signal.SIGINT, signal.SIGTERM])
def test_interrupted_in_the_middle(folder, kind):
    running = process(*CARTPOLE, 'train_steps=1000000')
    path = folder / 'Benchmarking/Exp/DQNAgent/gym/cartpole_1_Train.csv'
    while running.poll() is None and not path.exists():
        time.sleep(0.05)
    running.send_signal(kind)
    finish(running, status=128 + kind)
    header, _ = checkpoint()
    assert header['step'] >= 30 and header['updates'] == header['step'] - 20  # at the end of a step
    assert not replays(folder)


@pytest.mark.parametrize('error', [KeyboardInterrupt, ZeroDivisionError, OSError(28, 'No space left on device')])
def test_failures_in_the_middle(folder, monkeypatch, error, capsys):
    learn, count = Agent.learn, []

    def fail(self, memory):
        count.append(1)
        if len(count) == 5:
            raise error
        learn(self, memory)

    monkeypatch.setattr(Agent, 'learn', fail)
    if error is ZeroDivisionError:  # a bug: the traceback is shown
        with pytest.raises(ZeroDivisionError):
            run_here(*CARTPOLE)
    else:
        run_here(*CARTPOLE, status=130 if error is KeyboardInterrupt else 2)
    assert checkpoint()[0]['updates'] == 4
    assert not replays(folder) and not list(folder.rglob('*_unsaved'))
    assert 'Traceback' not in capsys.readouterr().err


@pytest.mark.skipif(os.name != 'posix', reason='file size limits are of POSIX')
def test_a_full_disk_loses_nothing(folder):
    run_here(*CARTPOLE, 'hidden_dim=256')
    before = files(folder)
    done = run([*CARTPOLE, 'load=true', 'train_steps=90', 'hidden_dim=256'], file_size=400_000)
    assert done.status == 2 and len(done.err.splitlines()) == 1 and 'root=' in done.err
    after = files(folder)
    name = 'Checkpoints/Exp/DQNAgent/gym/cartpole_1/agent.safetensors'
    assert len(before[name]) > 400_000 and after[name] == before[name]
    assert set(after) == set(before)  # no half file
    # A new run does not move the earlier checkpoint either
    done = run([*CARTPOLE, 'hidden_dim=256'], file_size=400_000)
    assert done.status == 2 and files(folder)[name] == before[name]
    for kind in ('Train', 'Eval'):
        name = f'Benchmarking/Exp/DQNAgent/gym/cartpole_1_{kind}.csv'
        assert after[name].startswith(before[name])


def test_interrupts_wait_for_the_end_of_a_step():
    with pytest.raises(KeyboardInterrupt) as caught, Utils.Interrupts() as interrupts:
        with interrupts.held():
            os.kill(os.getpid(), signal.SIGTERM)
            done = True
        pytest.fail('the held signal must arrive at the end of the block')
    assert done and caught.value.args == (signal.SIGTERM,)
    with pytest.raises(KeyboardInterrupt), Utils.Interrupts() as interrupts, interrupts.held():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        pytest.fail('the second signal must arrive at once')
