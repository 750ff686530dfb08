"""Runs the whole program in processes forked from one warmed server, so that a test session imports torch once.

The server is multiprocessing's forkserver, which has imported what runs import and started no threads of torch; each
worker of pytest-xdist has its own. Start-up, exit statuses and signals are tested with `python Run.py` in a fresh
interpreter instead.
"""

import atexit
import contextlib
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from multiprocessing import forkserver
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import Run
from Hyperparams.Launch import launch
from Support.Files import PROJECT

CONTEXT = multiprocessing.get_context('forkserver')
CONTEXT.set_forkserver_preload(['tests.program.warm'])


def start_server():
    """Starts the server, if there is none yet in this process."""
    one_thread = mock.patch.dict(os.environ, OMP_NUM_THREADS='1')  # read once, when the libraries are loaded
    with one_thread, contextlib.chdir(PROJECT):  # where Python 3.11's server looks for what it imports
        forkserver.ensure_running()


def fork(target, *arguments):
    """A started process that calls `target(*arguments)`, which must have a name in its module."""
    start_server()
    process = CONTEXT.Process(target=target, args=arguments)
    process.start()
    return process


class Done(NamedTuple):
    """The end of a run: exit status (-9: killed by signal 9), printed text, and CPU seconds."""

    status: int
    out: str
    err: str
    seconds: float


class Running:
    """A run in the background, with methods as in `subprocess.Popen`."""

    def __init__(self, words, folder='.', program=None, file_size=None):
        """`program(words)` runs instead of Run.py; `file_size` limits files to so many bytes, as a full disk does."""
        self.printed = tempfile.TemporaryDirectory()
        folder = Path(folder).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        arguments = [str(word) for word in words], folder, dict(os.environ), self.printed.name, program, file_size
        self.process = fork(_child, *arguments)
        atexit.register(self.kill)  # nobody waits for what a failed test left running

    def poll(self):
        """The exit status, or None while it runs."""
        return self.process.exitcode

    def wait(self, seconds=280):
        """The exit status. Fails if the run takes longer than `seconds`."""
        self.process.join(seconds)
        assert self.process.exitcode is not None, f'still running after {seconds} s: {self.output()}'
        return self.process.exitcode

    def kill(self):
        self.process.kill()

    def terminate(self):
        self.process.terminate()

    def output(self):
        """What it has printed so far: (stdout, stderr)."""
        paths = (Path(self.printed.name) / name for name in ('out', 'err'))
        return tuple(path.read_text(errors='replace') if path.exists() else '' for path in paths)


def run(words, folder='.', seconds=280, **options):
    """Runs `python Run.py words...` in a folder to its end."""
    running = Running(words, folder, **options)
    try:
        status = running.wait(seconds)
        spent = Path(running.printed.name, 'seconds')
        return Done(status, *running.output(), float(spent.read_text()) if spent.exists() else float('nan'))
    finally:
        running.kill()


def run_here(*words, status=0):
    """Runs the program in the test's own process, where monkeypatches apply. Asserts the exit status."""
    assert launch(Run.main, list(words)) == status


def process(*words, **options):
    """Starts `python Run.py words...` in a fresh interpreter, in the current folder."""
    command = [sys.executable, PROJECT / 'Run.py', *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def finish(running, status=0, seconds=280):
    """Waits for its end and asserts the status. Returns stdout and stderr."""
    out, err = running.communicate(timeout=seconds)
    assert running.returncode == status and 'Traceback' not in err, err
    return out, err


def wait_for(condition, *running, seconds=120):
    """Waits until `condition()` is true. Fails if one of the runs ends before, or after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        for process in running:
            ended = process.poll()
            assert ended is None or condition(), f'ended with {ended}: {process.output()}'
        assert time.monotonic() < end, f'nothing after {seconds} s: {[process.output() for process in running]}'
        time.sleep(0.01)


def _child(words, folder, env, printed, program, file_size):
    """Runs the program in the forked process, with its output in files."""
    for stream, name in ((sys.stdout, 'out'), (sys.stderr, 'err')):
        stream.flush()
        os.dup2(os.open(os.path.join(printed, name), os.O_WRONLY | os.O_CREAT), stream.fileno())
    os.environ.clear()
    os.environ.update(env)
    os.chdir(folder)
    sys.argv = ['Run.py', *words]
    if file_size:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
    try:
        sys.exit(program(words) if program else launch(Run.main, words))
    finally:
        Path(printed, 'seconds').write_text(str(time.process_time()))
