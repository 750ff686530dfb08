"""Runs repeated from their records: equal bit for bit, and differences are told."""

import json
from pathlib import Path

import pytest
import torch

from tests.Runs.tiny import CARTPOLE, PREFIX, TINY, files, run, saved, starts, table


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ('agent', 'task'),
    [
        *((agent, 'gym/cartpole') for agent in ('DQN', 'Rainbow', 'SPR', 'A2C', 'PPO', 'Random')),
        *((agent, 'gym/pendulum') for agent in ('DQN', 'DrQV2', 'SAC', 'TD3', 'PPO')),
    ],
)
def test_equal_seeds_give_equal_bits(folder, capsys, agent, task):
    """reproduce= runs it again: parameters, optimizer and tables."""
    period = ['learn_per_steps=20'] if agent in ('A2C', 'PPO') else []  # the length of a rollout
    run(f'Agent={agent}', f'task={task}', *TINY.split(), *period, 'agent.log=true')
    (first,) = folder.glob('Checkpoints/**/agent.safetensors')
    torch.rand(7)  # nothing that was drawn before matters
    capsys.readouterr()
    run('reproduce=Benchmarking')
    assert capsys.readouterr().out.splitlines()[-1].startswith('Equal to ')
    (second,) = folder.glob('Reproduced/*/Checkpoints/**/agent.safetensors')
    (header, tensors), (header_again, again) = saved(first), saved(second)
    assert header == header_again and (header['updates'] > 1 or agent == 'Random')
    assert tensors.keys() == again.keys() and all(torch.equal(tensors[name], again[name]) for name in tensors)


def test_reproduce_tells_what_differs(capsys):
    run(*CARTPOLE)
    run(*CARTPOLE, 'load=true', 'train_steps=0')  # a line more, which is not the first start's
    before = files()
    run(f'reproduce={PREFIX}', 'root=elsewhere')
    assert '2 Eval lines and 2 Train lines' in capsys.readouterr().out
    after = files()
    assert {name: after[name] for name in before} == before  # nothing is overwritten
    assert all(name.startswith('elsewhere/Reproduced/') for name in after.keys() - before.keys())

    path = Path(f'{PREFIX}_Eval.csv')
    rows = table(path)
    path.write_text(path.read_text().replace(f',{rows[1]["reward"]},', ',12345,'))
    with pytest.raises(SystemExit) as left:
        run(f'reproduce={PREFIX}_Run.json')
    out = capsys.readouterr().out.splitlines()[-1]
    assert left.value.code == 1 and out.startswith('Not equal') and 'Eval line' in out and 'not 12345' in out

    path.unlink()  # as after a run that was stopped: the first line of Train and no more
    lines = Path(f'{PREFIX}_Train.csv').read_text().splitlines(keepends=True)
    Path(f'{PREFIX}_Train.csv').write_text(''.join(lines[:2]))
    stopped = starts()[:1]
    stopped[0] |= {'step': None, 'ended': None}
    Path(f'{PREFIX}_Run.json').write_text(json.dumps(stopped))
    run(f'reproduce={PREFIX}_Run.json')
    assert '0 Eval lines and 1 Train lines' in capsys.readouterr().out


def test_an_offline_run_reads_its_replay_where_it_lay(capsys):
    run(*CARTPOLE, 'replay.save=true')
    run(*CARTPOLE, 'offline=true', 'train_steps=5')
    assert starts()[0]['config']['replay']['path'].startswith('Datasets/ReplayBuffer/')
    before = files()
    run(f'reproduce={PREFIX}')
    assert 'Equal to' in capsys.readouterr().out
    assert {name: files()[name] for name in before} == before
    run(*CARTPOLE, 'replay.load=true', 'replay.save=true', 'train_steps=5')
    run(f'reproduce={PREFIX}', status=2)
    assert 'wrote into the saved replay' in capsys.readouterr().err


def test_what_cannot_be_reproduced_is_one_sentence(capsys):
    def refused(*words):
        before = files()
        run(*words, status=2)
        err = capsys.readouterr().err
        assert len(err.splitlines()) == 1 and files() == before
        return err

    assert 'No record at nowhere' in refused('reproduce=nowhere')
    run(*CARTPOLE, 'train_steps=0', 'experiment=A')
    run(*CARTPOLE, 'train_steps=0', 'experiment=B')
    capsys.readouterr()
    assert 'holds 2 records' in refused('reproduce=Benchmarking')
    record = Path('Benchmarking/A/DQNAgent/gym/cartpole_1_Run.json')
    assert 'leave seed out' in refused(f'reproduce={record}', 'seed=2')
    written = starts(record)
    for change, word in (
        ({'load': True}, 'saved agent'),
        ({'load_per_steps': 1}, 'another process'),
        ({'targets': ['os'], 'suite': {'_target_': 'os.system', 'command': 'touch hacked'}}, 'targets=[os]'),
    ):
        record.write_text(json.dumps([written[0] | {'config': written[0]['config'] | change}]))
        assert word in refused(f'reproduce={record}')
    for text in ('', '{}', '[]', '[1]', '[{"config": 1}]'):
        record.write_text(text)
        assert 'is no record' in refused(f'reproduce={record}')
