"""Scripts of benchmarks/: which runs they start or skip, their tables, and their messages."""

import os
import runpy
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch

import Run
import Utils
from benchmarks import gpu, growth, run, settings, transfer
from benchmarks.contest import ABOVE, LESS, MORE, Contender, Row, Size, contest
from benchmarks.rows import learner
from Hyperparams.Compose import compose
from Hyperparams.Launch import launch
from Logging.Saving.SavedParts import part
from tests.program import runs


@pytest.fixture(scope='module', autouse=True)
def server():
    """Contenders are forked from the tests' own server, which has imported more than theirs."""
    runs.start_server()


def by_its_path(words):
    """Does what `python words...` does in a process that has imported the libraries, but nothing of the project."""
    project = str(Utils.PROJECT)
    for name, module in list(sys.modules.items()):
        path = getattr(module, '__file__', None) or ''
        if path.startswith(project + os.sep) and 'site-packages' not in path:
            del sys.modules[name]
    sys.path[:] = [os.path.dirname(words[0]), *(path for path in sys.path if path not in ('', project))]
    sys.argv = words
    runpy.run_path(words[0], run_name='__main__')


@pytest.mark.parametrize('script', ['gpu', 'growth', 'run', 'saving', 'transfer'])
def test_a_script_runs_by_its_path(script, tmp_path):
    done = runs.run([Utils.PROJECT / 'benchmarks' / f'{script}.py', '--help'], tmp_path, program=by_its_path)
    assert (done.status, done.err) == (0, '') and 'usage:' in done.out


def test_without_a_gpu_it_says_so_in_one_sentence(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    assert gpu.main([f'--root={tmp_path}']) == 2
    out, err = capsys.readouterr()
    assert err.count('\n') == 1 and '--device cpu --shorten' in err
    lines = gpu.read(tmp_path / 'Benchmarking' / 'GPU' / 'table.csv')
    assert [line['row'] for line in lines] == list(gpu.ROWS) and 'table.md' in out
    assert {line['figure'] for line in lines} == {'not measured: no GPU'}
    lines[0]['figure'] = '-5.0'  # measured on a GPU of another machine
    gpu.write(tmp_path / 'Benchmarking' / 'GPU' / 'table.csv', lines, gpu.COLUMNS)
    assert gpu.main([f'--root={tmp_path}']) == 2
    assert gpu.read(tmp_path / 'Benchmarking' / 'GPU' / 'table.csv') == lines


def test_a_learner_has_the_threads_of_its_peers():
    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            settings.agent_of(settings.DQN, learner.PONG, 'fp32')
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    ('name', 'score', 'source'),
    [
        ('pong', '-5.41 (deviation 10.64 over 100 runs)', 'SPR.json'),
        ('breakout', '19.58 (deviation 13.23 over 100 runs)', 'SPR.json'),
        ('cheetah', '602.9 (deviation 35.3 over 10 runs)', 'facebookresearch/drqv2'),
    ],
)
def test_published_figures_and_commands(name, score, source):
    row = gpu.ROWS[name]
    assert gpu.published(row)[0] == score and source in gpu.published(row)[1]
    config = compose([f'Agent={row.agent}', f'task={row.task}', *row.words.split()])
    assert row.frames == row.steps * config.action_repeat


def test_a_row_is_run_once_and_one_that_fails_is_named(capsys, monkeypatch, tmp_path):
    words = ['--device', 'cpu', '--shorten', '--rows', 'pong', '--root', str(tmp_path)]
    monkeypatch.setattr(subprocess, 'run', lambda command, check: runs.run(command[2:]))
    assert gpu.main(words) == 0
    path = tmp_path / 'Benchmarking' / 'GPU' / 'table.csv'
    (line,) = gpu.read(path)
    assert (line['row'], line['seed'], line['steps']) == ('pong', '1', '24') and line['published'].startswith('-5.41')
    assert line['command'].startswith('python Run.py Agent=SPR task=atari/pong learn_per_steps=0.5 train_steps=24')
    assert 'CPU' in line['hardware'] and f'torch {torch.__version__.split("+")[0]}' in line['versions']
    header, rule, row = path.with_suffix('.md').read_text().splitlines()
    assert header.split(' | ')[1:4] == ['command', 'seed', 'steps'] and line['figure'] in row and '---' in rule

    def fail(*_, **__):
        raise AssertionError('a process was started')

    monkeypatch.setattr(subprocess, 'run', fail)
    assert gpu.main(words) == 0 and gpu.read(path) == [line]
    monkeypatch.setattr(subprocess, 'run', lambda *_, **__: None)  # a run that ends before its last step
    capsys.readouterr()
    assert gpu.main([*words, '--seeds', '1', '2']) == 1 and gpu.read(path) == [line]
    assert 'Not finished: pong, seed 2.' in capsys.readouterr().err


@pytest.mark.parametrize('name', [name for name, row in gpu.ROWS.items() if row.figure])
def test_rows_of_speed_compose(name):
    row = gpu.ROWS[name]
    words = gpu.command(row, 1, SimpleNamespace(root='.', data='.', device='cpu', shorten=True))
    config = compose(words)
    assert (config.train_steps, config.experiment, config.save) == (row.steps, 'GPU', False)


def test_speed_is_the_median_line_but_the_first():
    every = enumerate(['1', '400', '800', '480'], 1)
    lines = [{'step': str(k * 10), 'frame': str(k * 40), 'fps': fps} for k, fps in every]
    assert gpu.speed()([], lines) == '120.0 steps/s' and gpu.speed(updates=2)([], lines) == '240.0 updates/s'
    assert gpu.speed()([], lines[:1]) == '0.2 steps/s'


def test_seconds_to_an_accuracy():
    lines = [{'time': time, 'accuracy': share} for time, share in (('1.5', '0.5'), ('20', '0.9406'), ('30', '0.95'))]
    assert gpu.seconds_to(0.94)(lines, []) == '20.0 s' and gpu.seconds_to(0.99)(lines, []) == 'not reached: 95.00%'


SHORT = """task=classify/digits Eyes=CNN mini=true train_steps=4 evaluate_per_steps=0 threads=1 tensorboard=false
           plotting.plot_experiments=false"""


def test_transfer_runs_what_is_missing_and_draws_it(monkeypatch, tmp_path):
    """Later runs start from the eyes of the first, which stay the same while they are frozen."""
    ran = []

    def run(command, check):
        ran.append(command[2:])
        return SimpleNamespace(returncode=launch(Run.main, command[2:]))

    monkeypatch.setattr(transfer, 'subprocess', SimpleNamespace(run=run))
    frozen = 'agent.rates.encoder=0'
    monkeypatch.setattr(transfer, 'THAW', frozen)
    folders = [f'--root={tmp_path}', f'--out={tmp_path / "out"}']
    assert transfer.main([*folders, '--seeds', '2', '--', *SHORT.split()]) == 0
    experiments = [word for words in ran for word in words if word.startswith('experiment=')]
    assert experiments == ['experiment=Before', 'experiment=Scratch', 'experiment=Transfer']
    assert frozen in ran[2] and frozen not in ran[1]
    folder = tmp_path / 'Checkpoints' / 'Before' / 'DQNAgent' / 'classify' / 'digits_1'
    after = tmp_path / 'Checkpoints' / 'Transfer' / 'DQNAgent' / 'classify' / 'digits_2'
    theirs, ours = (part(path, 'encoder.eyes').state_dict() for path in (folder, after))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    table = gpu.read(tmp_path / 'out' / 'classify_table.csv')
    assert [line['experiment'] for line in table] == ['Scratch', 'Transfer']
    assert (tmp_path / 'out' / 'classify_curves.png').exists()
    assert transfer.main([*folders, '--seeds', '2', '--', *SHORT.split()]) == 0 and len(ran) == 3
    stopped = SimpleNamespace(returncode=130)
    monkeypatch.setattr(transfer, 'subprocess', SimpleNamespace(run=lambda *_, **__: stopped))
    assert transfer.main([*folders, '--seeds', '3', '--', *SHORT.split()]) == 130


KINDS = (
    *('envs/pong-1', 'envs/cartpole-1', 'replay/sample-b32-n3-gray4-prioritized', 'replay/insert-rgb3'),
    *('replay/bytes-gray4', 'classify/small-cnn', 'goals/c*'),
)
LONG = ('learner', 'loops/*-c*', 'start', 'growth/*-32')


@pytest.mark.parametrize(
    ('rows', 'contenders'),
    [
        (KINDS, {'ours', 'gymnasium'}),
        pytest.param(LONG, {'ours', 'ours, fp32', 'bare loop', 'import torch'}, marks=pytest.mark.slow),
    ],
    ids=['kinds', 'long kinds'],
)
def test_rows_of_every_kind_run_and_are_written(rows, contenders, tmp_path):
    """Without peers, which a plain installation lacks."""
    assert run.main([*rows, '--quick', '--alone', '--out', str(tmp_path)]) == 0
    lines = gpu.read(tmp_path / 'table.csv')
    assert {line['contender'] for line in lines} >= contenders
    for line in lines:
        assert not line['absent'] and float(line['min']) <= float(line['median']) <= float(line['max']), line
        assert line['load'] and 'cores' in line['hardware'] and 'torch' in line['versions'] and line['equal']
    for line in lines:
        if (line['row'], line['contender']) == ('replay/bytes-gray4', 'goal'):
            assert line['reached'] in ('yes', 'no') and line['ours'].startswith('1/')
    text = (tmp_path / 'table.md').read_text()
    assert all(f'## {line["row"]}\n' in text for line in lines)


class Said:
    """A stand-in for a process that has measured these figures."""

    def __init__(self, *figures, absent=None):
        self.figures, self.memory, self.absent = list(figures), 100.0, absent


def test_our_median_beside_another_and_its_goal():
    row = Row('Equal work', 'steps/s', {}, {'slow': 2.0, 'fast': 2.0})
    found = {'ours': Said(5, 3, 4), 'slow': Said(2.0, 1.0), 'fast': Said(4), 'gone': Said(absent='ImportError: no')}
    ours, slow, fast, gone = run.lines_of('envs/row', row, found, {'load': '1.00'})
    assert (ours['median'], ours['min'], ours['max'], ours['repeats']) == ('4', '3', '5', 3)
    assert (slow['ours'], slow['goal'], slow['reached']) == ('2.67 x', '2.00 x', 'yes')
    assert (fast['ours'], fast['reached']) == ('1.00 x', 'no')
    assert gone['absent'] == 'ImportError: no' and gone['median'] == '' and gone['ours'] == ''


def test_comparisons():
    assert MORE.of(6, 3) == 2 and MORE.good(2, 2) and not MORE.good(1.9, 2)
    assert LESS.of(3, 6) == 2 and LESS.good(1, 1)
    assert ABOVE.of(2.5, 2.0) == 0.5 and not ABOVE.good(0.5, 0.4) and ABOVE.good(0.4, 0.4)


def test_who_fails_is_named_with_the_reason():
    """A contender that fails is listed with its error; peers that are not asked for are left out."""
    row = run.chosen(['envs/pong-1'])['envs/pong-1']
    found = contest('envs/pong-1', row, Size(True, 0.01), 1, 1, [])
    assert 'envpool' not in found and 'stable-baselines3' not in found and not found['ours'].absent
    row = row._replace(contenders={'nobody': Contender(None)})
    (nobody,) = contest('envs/pong-1', row, Size(True, 0.01), 1, 1, []).values()
    assert nobody.absent == "KeyError: 'nobody'" and not nobody.figures


def test_a_name_of_no_row_gets_the_nearest(capsys):
    assert run.main(['envs/pong-2']) == 2
    assert "No row 'envs/pong-2'" in capsys.readouterr().err
    assert run.main(['--list', 'replay/*-n10-*', 'start']) == 0
    assert len(capsys.readouterr().out.splitlines()) == 9


def test_growth_is_drawn_by_size(tmp_path):
    lines = [
        {'row': f'growth/{kind}-{size}', 'median': str(speed), 'peak_mb': '500', 'unit': 'steps/s'}
        for kind in growth.SIZES
        for size, speed in ((64, 20), (8, 30), (16, 40))
    ]
    sizes, speeds, memory, unit = growth.points([*lines, {'row': 'envs/pong-1', 'median': '1'}], 'envs')
    assert (sizes, speeds, memory, unit) == ([8, 16, 64], [30.0, 40.0, 20.0], [500.0] * 3, 'steps/s')
    growth.draw(lines, tmp_path / 'growth.png')
    assert (tmp_path / 'growth.png').stat().st_size > 10_000
