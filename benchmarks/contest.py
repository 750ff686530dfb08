"""One measurement: who does the same work, each in a process of its own, and by turns."""

import contextlib
import importlib
import multiprocessing
import os
import resource
import sys
import time
import warnings
from typing import NamedTuple

import torch

import Utils

SECONDS = 600  # for a contender to get ready, or to measure once
SHARED = ['torch', 'torch._dynamo', 'gymnasium', 'hydra']  # imported once for all: most of what getting ready takes


class Size(NamedTuple):
    """How much is done."""

    quick: bool  # to see that it runs; the figures mean nothing
    seconds: float  # of one measurement

    def of(self, full, quick):
        """One of the two."""
        return quick if self.quick else full


class Comparison(NamedTuple):
    """How our figure stands beside another's."""

    of: callable  # ours, theirs -> number
    good: callable  # number, goal -> bool
    text: str


MORE = Comparison(lambda ours, theirs: ours / theirs, lambda ratio, goal: ratio >= goal, '{:.2f} x')
LESS = Comparison(lambda ours, theirs: theirs / ours, lambda ratio, goal: ratio >= goal, '1/{:.2f}')
ABOVE = Comparison(lambda ours, theirs: ours - theirs, lambda excess, goal: excess <= goal, '{:+.2f}')


class Contender(NamedTuple):
    """Who does it: `build(size)` gets ready and gives a function that measures once -> figure."""

    build: callable
    package: str | None = None  # of the extra `bench`, that it needs


class Row(NamedTuple):
    """What is measured. The first contender is this program."""

    equal: str  # one sentence: which work is the same
    unit: str
    contenders: dict  # name -> Contender
    goals: dict = {}  # name of a contender -> the least (ABOVE: the most) that the comparison with it should give
    comparison: Comparison = MORE


def rate(update, units, size):
    """A function that measures once: `units` a second, of `update`, over `size.seconds`."""
    update()  # what is built when first needed

    def measure():
        began, count, passed = time.perf_counter(), 0, 0.0
        while passed < size.seconds:
            update()
            count += 1
            passed = time.perf_counter() - began
        return units * count / passed

    return measure


class Process:
    """A contender in a process of its own, so that nobody's threads, settings or memory are others'.

    figures: what it measured. memory: its peak in MB, or None. absent: why it could not be measured, or None.
    """

    def __init__(self, context, row, name, size, threads):
        self.figures, self.memory = [], None
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=serve, args=(other, row, name, size, threads), daemon=True)
        self.process.start()
        other.close()
        _, self.absent, _ = self.answer()  # it is ready, or says why not

    def measure(self):
        """Once more, unless it failed before."""
        if self.absent:
            return
        self.pipe.send(True)
        figure, self.absent, self.memory = self.answer()
        self.figures += [] if self.absent else [figure]

    def answer(self):
        if not self.pipe.poll(SECONDS):
            return None, f'no answer within {SECONDS} s', None
        try:
            return self.pipe.recv()
        except EOFError:
            self.process.join()
            return None, f'its process ended with status {self.process.exitcode}', None

    def close(self):
        self.pipe.close()
        self.process.join(10)
        if self.process.is_alive():
            self.process.kill()


def serve(pipe, row, name, size, threads):
    """The process: gets ready, then measures each time it is asked. Answers are figure, failure, peak MB."""
    torch.set_num_threads(threads)
    warnings.simplefilter('ignore')
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the table alone is to be read there
    try:
        measure = find(row).contenders[name].build(size)
        pipe.send((None, None, None))
        while pipe.recv():
            pipe.send((measure(), None, peak()))
    except EOFError:
        return  # nobody asks any more
    except Exception as error:  # a library may fail to import, to build or to work for any reason: the table gives it
        pipe.send((None, f'{type(error).__name__}: {Utils.one_line(error)}', None))


def peak():
    """Peak memory of this process in MB; ru_maxrss is in bytes on macOS alone, else in kB (getrusage(2))."""
    unit = 1 if sys.platform == 'darwin' else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def rows(file):
    """The rows of a file, by their names '<file>/<row>'."""
    module = importlib.import_module(f'benchmarks.rows.{file}')
    return {f'{file}/{name}': row for name, row in module.ROWS.items()}


def find(name):
    """A row by its name."""
    return rows(name.split('/')[0])[name]


def contest(name, row, size, threads, repeats, peers):
    """Measures a row's contenders by turns, without packages that are no `peers` -> {contender: Process, closed}."""
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(SHARED)
    found = {}
    with contextlib.ExitStack() as stack:
        for each, contender in row.contenders.items():
            if contender.package in (None, *peers):
                found[each] = stack.enter_context(contextlib.closing(Process(context, name, each, size, threads)))
        for repeat in range(repeats):
            for process in list(found.values())[:: 1 if repeat % 2 == 0 else -1]:  # a drift of the speed cancels
                process.measure()
    return found
