"""Offline runs: every agent with a replay learns from a replay that another agent recorded."""

import csv
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.program.runs import run_here

SHORT = """threads=1 tensorboard=false video=false plotting.plot_experiments=false learn_per_steps=1 nstep=1
           train_steps=60 seed_steps=20 explore_steps=20 log_per_steps=30 evaluate_per_steps=0 evaluate_episodes=1
           hidden_dim=16 trunk_dim=16 batch_size=8"""
SHOWN = 'Datasets/ReplayBuffer/Exp/DQNAgent/gym'


@pytest.fixture(scope='module', autouse=True)
def folder(tmp_path_factory):
    """The folder in which a DQN recorded two tasks."""
    threads, folder = torch.get_num_threads(), tmp_path_factory.mktemp('offline')
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for task in ('cartpole', 'pendulum'):
            run(f'task=gym/{task}', 'replay.save=true')
        yield folder
    torch.set_num_threads(threads)


def run(*words, status=0):
    run_here(*SHORT.split(), *words, status=status)


def table(kind, agent, task):
    with open(f'Benchmarking/Learned/{agent}Agent/gym/{task}_1_{kind}.csv', newline='') as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize('task', ['cartpole', 'pendulum'])
@pytest.mark.parametrize(
    ('agent', 'words'),
    [
        *((agent, []) for agent in ('BC', 'TD3BC', 'IQL')),
        *((agent, ['offline=true']) for agent in ('DQN', 'Rainbow', 'SPR', 'DrQV2', 'TD3', 'SAC')),
        *((agent, ['offline=true', 'agent.conservative=1']) for agent in ('DQN', 'Rainbow', 'SAC')),
    ],
)
def test_every_agent_learns_from_what_another_did(agent, words, task, folder):
    before = {path: path.read_bytes() for path in Path(SHOWN).rglob('*') if path.is_file()}
    run(f'Agent={agent}', f'task=gym/{task}', *words, f'replay.path={SHOWN}/{task}_1', 'experiment=Learned',
        'agent.log=true', 'train_steps=6', 'log_per_steps=3')  # fmt: skip
    assert [float(row['step']) for row in table('Eval', agent, task)] == [0, 6]
    rows = table('Train', agent, task)
    assert all(float(value) == float(value) for row in rows for value in row.values() if value)  # no NaN
    assert ('conservative_loss' in rows[0]) == (len(words) == 2) and any(name.endswith('_loss') for name in rows[0])
    assert {path: path.read_bytes() for path in Path(SHOWN).rglob('*') if path.is_file()} == before


@pytest.mark.parametrize('agent', ['BC', 'TD3BC', 'IQL'])
def test_offline_runs_can_be_repeated(agent, folder, capsys):
    run(f'Agent={agent}', 'task=gym/pendulum', f'replay.path={SHOWN}/pendulum_1', f'experiment=Again{agent}',
        'agent.log=true', 'train_steps=6', 'log_per_steps=3')  # fmt: skip
    run_here(f'reproduce=Benchmarking/Again{agent}')
    assert capsys.readouterr().out.splitlines()[-1].startswith('Equal to ')


@pytest.mark.parametrize('agent', ['BC', 'TD3BC', 'IQL'])
def test_offline_runs_resume_as_if_never_stopped(agent, folder):
    for experiment, ends in (('Whole', [6]), ('Halves', [3, 6])):
        for steps in ends:
            run(f'Agent={agent}', 'task=gym/pendulum', f'replay.path={SHOWN}/pendulum_1', f'experiment={experiment}',
                f'train_steps={steps}', 'exact=true', f'load={steps > ends[0]}')  # fmt: skip
    whole, halves = (
        load_file(f'Checkpoints/{experiment}/{agent}Agent/gym/pendulum_1/agent.safetensors')
        for experiment in ('Whole', 'Halves')
    )
    assert whole.keys() == halves.keys() and all(torch.equal(whole[name], halves[name]) for name in whole)


@pytest.mark.parametrize('agent', ['TD3BC', 'IQL'])
def test_they_learn_online_too(agent, folder):
    run(f'Agent={agent}', 'task=gym/pendulum', 'offline=false', 'experiment=Learned')
    assert float(table('Train', agent, 'pendulum')[-1]['step']) == 60


def test_mistakes_are_one_sentence(folder, capsys):
    for words, part in (
        (['replay.path=Datasets/ReplayBuffer/nowhere'], 'nowhere'),
        ([], 'replay.path='),  # nobody saved one under its own name
        ([f'replay.path={SHOWN}/cartpole_1', 'replay.prioritized=true'], 'leave replay.prioritized=true out'),
    ):
        run('Agent=BC', 'task=gym/cartpole', 'replay.wait=1', *words, status=2)
        err = capsys.readouterr().err
        assert part in err and len(err.strip().splitlines()) == 1
