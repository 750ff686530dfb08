"""Records of runs, runs repeated from them, and evaluations of saved agents."""

import csv
import json
import os
import subprocess
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

import Run
from Agents.Agent import Agent
from Hyperparams.Launch import launch
from Logging import Record
from Logging.Evaluation import Report

TINY = """threads=1 tensorboard=false video=false plotting.plot_experiments=false learn_per_steps=1 nstep=1
          train_steps=60 seed_steps=20 explore_steps=20 log_per_steps=30 evaluate_per_steps=0 evaluate_episodes=1
          hidden_dim=16 trunk_dim=16 batch_size=8"""
CARTPOLE = ['task=gym/cartpole', *TINY.split()]
PREFIX = 'Benchmarking/Exp/DQNAgent/gym/cartpole_1'
SAVED = Path('Checkpoints/Exp/DQNAgent/gym/cartpole_1')


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


def run(*words, status=0):
    assert launch(Run.main, list(words)) == status


def starts(name=f'{PREFIX}_Run.json'):
    return json.loads(Path(name).read_text())


def table(name):
    with open(name, newline='') as file:
        return list(csv.DictReader(file))


def saved(path):
    """Header and tensors of a saved agent."""
    with safe_open(path, 'pt') as file:
        header = json.loads(file.metadata()['run'])
        header['run']['memory'].pop('name', None)  # of the replay: its date
        return header, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def files():
    return {path.as_posix(): path.read_bytes() for path in Path().rglob('*') if path.is_file()}


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


@pytest.mark.parametrize(
    ('agent', 'task'),
    [
        *((agent, 'gym/cartpole') for agent in ('DQN', 'Rainbow', 'SPR', 'A2C', 'PPO', 'Random')),
        *((agent, 'gym/pendulum') for agent in ('DQN', 'DrQV2', 'SAC', 'TD3', 'PPO')),
    ],
)
def test_equal_seeds_give_equal_bits(folder, capsys, agent, task):
    """reproduce= runs it again: parameters, optimiser and tables."""
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


def test_every_checkpoint_is_evaluated(monkeypatch, capsys):
    run(*CARTPOLE, 'save_per_steps=10', 'keep_checkpoints=2')
    names = ['agent_20.safetensors', 'agent_40.safetensors', 'agent.safetensors']
    assert sorted(path.name for path in SAVED.glob('*.safetensors')) == sorted(names)
    before = files()
    evaluate, scores = Report.evaluate, {0: 0.0, 20: 3.0, 40: 7.0, 60: 5.0}

    def scored(args, agent, *given):
        numbers, files = evaluate(args, agent, *given)
        return numbers | {'reward': scores[agent.step]}, files

    monkeypatch.setattr(Report, 'evaluate', scored)
    capsys.readouterr()
    run(*CARTPOLE, 'evaluate_checkpoints=true')
    assert 'the best is agent_40.safetensors (step 40) with reward 7' in capsys.readouterr().out
    rows = table(f'{PREFIX}_Checkpoints.csv')
    assert [(row['file'], float(row['reward'])) for row in rows] == list(zip(names, (3, 7, 5), strict=True))
    after = files()
    assert {name for name in after if before.get(name) != after[name]} == {
        f'{PREFIX}_{kind}' for kind in ('Checkpoints.csv', 'Run.json')
    }
    run(*CARTPOLE, 'evaluate_checkpoints=true', 'hidden_dim=8', status=2)
    assert files()[f'{PREFIX}_Checkpoints.csv'] == after[f'{PREFIX}_Checkpoints.csv']

    run(*CARTPOLE, 'hidden_dim=8')  # what is there is kept under other names, of another network
    assert (SAVED / 'agent_20.1.safetensors').is_file() and not (SAVED / 'agent_20.safetensors').exists()
    run(*CARTPOLE, 'hidden_dim=8', 'evaluate_checkpoints=true')
    assert [row['file'] for row in table(f'{PREFIX}_Checkpoints.csv')] == ['agent.safetensors']
    assert capsys.readouterr().out.count('Left out') == 2 * 3 and len(table(f'{PREFIX}_Checkpoints.1.csv')) == 3


def test_the_best_agent_stays_and_is_loaded(monkeypatch, capsys):
    evaluate, scores = Report.evaluate, {0: 1.0, 20: 5.0, 40: 3.0, 60: 4.0, 80: 4.5, 100: 6.0}

    def scored(args, agent, *given):
        numbers, files = evaluate(args, agent, *given)
        return numbers | {'reward': scores[agent.step]}, files

    monkeypatch.setattr(Report, 'evaluate', scored)
    words = [*CARTPOLE, 'keep_best=true', 'evaluate_per_steps=20', 'save_per_steps=20', 'keep_checkpoints=2']
    best = SAVED / 'agent_best.safetensors'
    run(*words)
    assert saved(best)[0]['step'] == 20 and saved(SAVED / 'agent.safetensors')[0]['step'] == 60
    run(*words, 'load=true', 'train_steps=80')
    assert saved(best)[0]['step'] == 20  # what was best before the run went on is remembered
    run(*words, 'load=true', 'train_steps=100')
    assert saved(best)[0]['step'] == 100
    for which, step in ('best', 100), (40, 40), (SAVED / 'agent_best.safetensors', 100), (SAVED, 100):
        run(*CARTPOLE, f'checkpoint={which}', 'train_steps=0')
        assert int(table(f'{PREFIX}_Eval.csv')[-1]['step']) == step
    capsys.readouterr()
    run(*CARTPOLE, 'checkpoint=33', 'train_steps=0', status=2)
    assert 'agent_33.safetensors' in capsys.readouterr().err


def test_a_loaded_agent_is_filmed(capsys):
    run(*CARTPOLE)
    before = files()
    run(*CARTPOLE, 'record=true')
    after = files()
    video = f'{PREFIX}_Video_Image/60_recorded.mp4'
    assert f'Recorded: {video}' in capsys.readouterr().out and b'ftyp' in after[video][:12]
    changed = {name for name in after if before.get(name) != after[name]}
    assert changed == {video, f'{PREFIX}_Eval.csv', f'{PREFIX}_Run.json'}
    evaluations = table(f'{PREFIX}_Eval.csv')
    assert [row['step'] for row in evaluations] == ['0', '60', '60']
    assert evaluations[1]['reward'] == evaluations[2]['reward']  # the same episodes
    run('task=classify/digits', 'record=true', status=2)
    assert 'none here' in capsys.readouterr().err


def test_deterministic_algorithms_for_this_run_alone():
    run(*CARTPOLE, 'train_steps=0', 'deterministic=true')
    assert torch.are_deterministic_algorithms_enabled() and torch.backends.cudnn.deterministic
    assert os.environ['CUBLAS_WORKSPACE_CONFIG']
    run(*CARTPOLE, 'train_steps=0')
    assert not torch.are_deterministic_algorithms_enabled() and not torch.backends.cudnn.deterministic
