"""Files that are whole or not there."""

import errno
import os
import subprocess
import sys

import pytest

from Support.Errors import UserError
from Support.Files import atomic, atomic_write


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
