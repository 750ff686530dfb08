"""The log of a run: rows are never lost, a resume continues where the run stood, an earlier run is kept."""

import csv
import re
import sys
import time

import numpy as np
import pytest
import torch

from Logging import Tables
from Logging.Logger import number, open_log
from Logging.Sinks import Console, human
from Support.Errors import UserError


def rows(path):
    with open(path, newline='') as file:
        return list(csv.DictReader(file))


def logger(tmp_path, **arguments):
    return open_log(tmp_path / 'Exp/DQNAgent/atari/pong_1', 1000, **{'tensorboard': False} | arguments)


def path(tmp_path, kind):
    return tmp_path / f'Exp/DQNAgent/atari/pong_1_{kind}.csv'


def entry(step, **more):
    return {'step': step, 'frame': 4 * step, 'episode': step // 100, **more}


def test_columns_begin_with_the_counters_and_kinds_have_their_own_file(tmp_path):
    log = logger(tmp_path)
    log.log('Eval', {'reward': -20.5, 'step': 0, 'episode': 3, 'frame': 0})
    log.log('Train', entry(100, reward=-21.0, fps=312.7))
    assert list(rows(path(tmp_path, 'Eval'))[0]) == ['step', 'frame', 'episode', 'time', 'reward']
    train = rows(path(tmp_path, 'Train'))[0]
    assert list(train) == ['step', 'frame', 'episode', 'time', 'reward', 'fps']
    assert (train['step'], train['frame'], train['episode'], train['fps']) == ('100', '400', '1', '312.7')


def test_a_new_key_widens_the_table_and_loses_no_row(tmp_path):
    log = logger(tmp_path)
    for step in range(0, 500, 100):
        log.log('Train', entry(step, reward=step / 7))
    log.log('Train', entry(500, reward=1.5, critic_loss=0.25))
    log.log('Train', entry(600, actor_loss=2.0))  # one key missing, one new
    log.log('Train', entry(700, reward=3.5))
    found = rows(path(tmp_path, 'Train'))
    assert [int(row['step']) for row in found] == list(range(0, 800, 100))
    assert [float(row['reward'] or 'nan') for row in found[:6]] == [step / 7 for step in range(0, 500, 100)] + [1.5]
    assert [row['critic_loss'] for row in found] == [''] * 5 + ['0.25', '', '']
    assert [row['actor_loss'] for row in found] == [''] * 6 + ['2.0', '']
    assert found[6]['reward'] == ''


def test_the_old_table_stays_when_widening_fails(tmp_path, monkeypatch):
    log = logger(tmp_path)
    log.log('Train', entry(0, reward=1.0))
    before = path(tmp_path, 'Train').read_bytes()

    def full(*_):
        raise UserError('No space left on device')

    monkeypatch.setattr(Tables, 'atomic_write', full)
    with pytest.raises(UserError, match='No space'):
        log.log('Train', entry(100, loss=1.0))
    assert path(tmp_path, 'Train').read_bytes() == before


def test_a_full_disk_is_one_sentence_and_leaves_no_half_row(tmp_path):
    resource = pytest.importorskip('resource')  # POSIX: a limit of file size stands for the full disk
    log = logger(tmp_path)
    log.log('Train', entry(0))
    before = path(tmp_path, 'Train').read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 5, hard))
    try:
        with pytest.raises(UserError, match='Cannot write the log'):
            log.log('Train', entry(100))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path(tmp_path, 'Train').read_bytes() == before
    log.log('Train', entry(100))
    assert [row['step'] for row in rows(path(tmp_path, 'Train'))] == ['0', '100']


def test_resume_cuts_later_rows_and_time_goes_on(tmp_path):
    log = logger(tmp_path, began=time.monotonic() - 3600)
    for step in range(0, 500, 100):
        log.log('Train', entry(step, reward=float(step)))
    log.log('Eval', entry(300, reward=9.0))
    log.close()
    log = logger(tmp_path, resume=True, step=200)
    log.log('Train', entry(300, reward=-1.0))
    found = rows(path(tmp_path, 'Train'))
    assert [(int(row['step']), float(row['reward'])) for row in found] == [(0, 0), (100, 100), (200, 200), (300, -1)]
    assert 3600 <= float(found[-1]['time']) < 3660
    assert float(found[-1]['time']) >= float(found[-2]['time'])
    assert rows(path(tmp_path, 'Eval')) == []
    assert not list(tmp_path.rglob('*.1.csv'))


def test_resume_without_a_step_keeps_every_row_and_without_files_starts(tmp_path):
    logger(tmp_path, resume=True).log('Eval', entry(100))
    logger(tmp_path, resume=True).log('Eval', entry(200))
    logger(tmp_path, resume=True)
    assert [row['step'] for row in rows(path(tmp_path, 'Eval'))] == ['100', '200']


def test_a_row_cut_short_by_a_crash_is_dropped_and_the_rest_kept(tmp_path):
    log = logger(tmp_path)
    log.log('Train', entry(0, reward=1.0))
    log.log('Train', entry(100, reward=2.0))
    with path(tmp_path, 'Train').open('a') as file:
        file.write('200,80')
    log.log('Train', entry(300, reward=4.0))
    assert [row['step'] for row in rows(path(tmp_path, 'Train'))] == ['0', '100', '300']


def test_a_file_that_is_no_log_is_one_sentence(tmp_path):
    logger(tmp_path)
    path(tmp_path, 'Train').write_text('a,b\n1,2\n')
    with pytest.raises(UserError, match='is no log'):
        logger(tmp_path, resume=True, step=5)


def test_a_rerun_keeps_what_an_earlier_run_left(tmp_path, capsys):
    for run in range(3):
        log = logger(tmp_path)
        log.log('Train', entry(run))
        if run != 1:
            log.log('Eval', entry(run))
        video = path(tmp_path, 'Train').with_name('pong_1_Video_Image')
        video.mkdir()
        (video / '0.mp4').write_text(str(run))
    (folder,) = {path.parent for path in tmp_path.rglob('*.csv')}
    assert sorted(path.name for path in folder.iterdir()) == [
        'pong_1_Eval.1.csv', 'pong_1_Eval.csv', 'pong_1_Train.1.csv', 'pong_1_Train.2.csv', 'pong_1_Train.csv',
        'pong_1_Video_Image', 'pong_1_Video_Image.1', 'pong_1_Video_Image.2']  # fmt: skip
    steps = [rows(folder / f'pong_1_Train{n}.csv')[0]['step'] for n in ('.1', '.2', '')]
    assert steps == ['0', '1', '2']
    assert (folder / 'pong_1_Video_Image.2/0.mp4').read_text() == '1'
    assert capsys.readouterr().out.count('are kept as') == 2


def test_tensors_become_numbers():
    assert number('x', torch.tensor([1.0, 2.0], requires_grad=True)) == 1.5
    assert number('x', torch.tensor(3)) == 3
    assert number('x', torch.tensor([True, False])) == 0.5
    assert number('x', torch.tensor(0.5, dtype=torch.bfloat16)) == 0.5
    assert type(number('x', np.float64(0.5))) is float
    assert number('x', np.array([1, 2])) == 1.5
    assert number('x', None) is None
    with pytest.raises(TypeError, match='note='):
        number('note', 'text')


def test_the_line_for_people(tmp_path, capsys):
    log = logger(tmp_path)
    log.log('Train', entry(0, reward=-20.7))
    log.began -= 60
    (console,) = (sink for sink in log.sinks if isinstance(sink, Console))
    console.recent[0] = (0, 0.0)
    log.log('Train', entry(500, reward=-19.0, fps=1234.5, loss=torch.tensor([0.1, 0.3])))
    log.log('Eval', entry(500, accuracy=0.98765))
    first, second, third = capsys.readouterr().out.splitlines()
    assert first.startswith('Train  step     0  frame     0  episode     0  reward  -20.70') and 'left' not in first
    assert 'fps  1,234' in second and second.endswith('time 0:01:00  left 0:01:00  loss 0.2000')
    assert third.startswith('Eval   step   500  frame 2,000') and '98.77 %' in third and 'left' not in third
    assert '\033' not in first + second + third  # no color codes where the output is piped
    assert second.index('frame') == third.index('frame')


def test_numbers_for_people():
    assert human('step', 1234567) == '1,234,567'
    assert human('time', 90061.4) == '25:01:01'
    assert human('loss', 0.0000123) == '1.23e-05'
    assert human('loss', 0.0) == '0.000'
    assert human('loss', float('nan')) == 'nan'


def test_tensorboard_events_hold_what_was_logged(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    log = logger(tmp_path, tensorboard=True)
    assert not list(tmp_path.rglob('events*'))  # made at the first line
    for step in (0, 100, 200):
        log.log('Eval', entry(step, reward=step / 8))
    log.close()
    log = logger(tmp_path, tensorboard=True, resume=True, step=100)
    log.log('Eval', entry(200, reward=7.0))
    log.close()
    folder = path(tmp_path, 'Train').with_name('pong_1_TensorBoard')
    events = EventAccumulator(str(folder)).Reload()
    assert set(events.Tags()['scalars']) == {'Eval/reward', 'Eval/frame', 'Eval/episode', 'Eval/time'}
    assert [(event.step, event.value) for event in events.Scalars('Eval/reward')] == [(0, 0.0), (100, 12.5), (200, 7.0)]


def test_progress_is_silent_when_piped(tmp_path, capfd):
    log = logger(tmp_path)
    for step in range(1000):
        log.progress(step)
    log.close()
    assert capfd.readouterr() == ('', '')


@pytest.mark.skipif(sys.platform == 'win32', reason='pseudo-terminals are POSIX')
def test_progress_bar_on_a_terminal_leaves_lines_whole(tmp_path):
    import fcntl
    import os
    import pty
    import struct
    import subprocess
    import termios

    code = f"""
import sys, time
from Logging.Logger import open_log
log = open_log({str(tmp_path / 'pong_1')!r}, 100, tensorboard=False)
for step in range(100):
    log.progress(step)
    time.sleep(0.01)
    if step % 40 == 0:
        log.log('Train', dict(step=step, frame=step, episode=0))
log.close()
"""
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack('HHHH', 40, 120, 0, 0))
    environment = os.environ | {'PYTHONPATH': os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, '-c', code], stdout=side, stderr=side, env=environment)
    os.close(side)
    output = b''
    while True:
        try:
            chunk = os.read(main, 65536)
        except OSError:  # Linux reports the closed terminal so
            break
        if not chunk:
            break
        output += chunk
    os.close(main)
    assert process.wait() == 0
    text = re.sub(r'\033\[[0-9;]*m', '', output.decode())
    lines = [line for line in re.split(r'[\r\n]+', text) if line.startswith('Train')]
    assert [line.split()[2] for line in lines] == ['0', '40', '80']
    assert not any('|' in line for line in lines)
    assert 'steps/s]' in text and ' left, ' in text
    assert '\033[36mTrain' in output.decode()
