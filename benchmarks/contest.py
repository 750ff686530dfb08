"""Measures contenders that do the same work, each in a process of its own, by turns."""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
import resource
import sys
import time
import warnings
from collections.abc import Callable, Iterable
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from typing import Any, NamedTuple

import torch

from Support.Errors import one_line

SECONDS = 600  # time limit for a contender's preparation, and for one measurement
SHARED = ['torch', 'torch._dynamo', 'gymnasium', 'hydra']  # imported once for all contenders: most of their preparation
Measure = Callable[[], float]  # measures once, returns the figure


class Size(NamedTuple):
    """The amount of work."""

    quick: bool  # only to see that it runs; the figures mean nothing
    seconds: float  # of one measurement

    def of(self, full: Any, quick: Any) -> Any:
        """Returns one of the two."""
        return quick if self.quick else full


class Comparison(NamedTuple):
    """A comparison of this program's figure with another's."""

    of: Callable[[float, float], float]  # ours, theirs -> number
    good: Callable[[float, float], bool]  # number, goal -> whether the goal is reached
    text: str  # format of the number


MORE = Comparison(lambda ours, theirs: ours / theirs, lambda ratio, goal: ratio >= goal, '{:.2f} x')
LESS = Comparison(lambda ours, theirs: theirs / ours, lambda ratio, goal: ratio >= goal, '1/{:.2f}')
ABOVE = Comparison(lambda ours, theirs: ours - theirs, lambda excess, goal: excess <= goal, '{:+.2f}')


class Contender(NamedTuple):
    """One that does the work: `build(size)` prepares and returns a function that measures once."""

    build: Callable[[Size], Measure]
    package: str | None = None  # that it needs, of the extra `bench`


class Row(NamedTuple):
    """One comparison. The first contender is this program."""

    equal: str  # one sentence: which work is the same
    unit: str
    contenders: dict[str, Contender]
    goals: dict[str, float] = {}  # of the comparison with a contender: at least (ABOVE: at most)
    comparison: Comparison = MORE


def rate(update: Callable[[], Any], units: float, size: Size) -> Measure:
    """Returns a function that measures `units` per second, where each `update` makes `units`, over `size.seconds`."""
    update()  # builds what is built on first use

    def measure() -> float:
        began, count, passed = time.perf_counter(), 0, 0.0
        while passed < size.seconds:
            update()
            count += 1
            passed = time.perf_counter() - began
        return units * count / passed

    return measure


class Process:
    """A contender in a process of its own, so that contenders share no threads, settings or memory.

    Attributes:
        figures: its measurements.
        memory: peak memory in MB, or None.
        absent: why it could not be measured, or None.
    """

    def __init__(self, context: ForkServerContext, row: str, name: str, size: Size, threads: int) -> None:
        self.figures: list[float] = []
        self.memory: float | None = None
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=serve, args=(other, row, name, size, threads), daemon=True)
        self.process.start()
        other.close()
        _, self.absent, _ = self.answer()  # None: it is ready

    def measure(self) -> None:
        """Measures once more, unless it failed before."""
        if self.absent:
            return
        self.pipe.send(True)
        figure, self.absent, self.memory = self.answer()
        self.figures += [] if figure is None else [figure]

    def answer(self) -> tuple[float | None, str | None, float | None]:
        """Waits for (figure, failure, peak MB) of the process."""
        if not self.pipe.poll(SECONDS):
            return None, f'no answer within {SECONDS} s', None
        try:
            return self.pipe.recv()
        except EOFError:
            self.process.join()
            return None, f'its process ended with status {self.process.exitcode}', None

    def close(self) -> None:
        self.pipe.close()
        self.process.join(10)
        if self.process.is_alive():
            self.process.kill()


def serve(pipe: Connection, row: str, name: str, size: Size, threads: int) -> None:
    """Runs in the process: prepares, then measures on each request. Answers are (figure, failure, peak MB)."""
    torch.set_num_threads(threads)
    warnings.simplefilter('ignore')
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # stdout is for the table alone
    try:
        measure = find(row).contenders[name].build(size)
        pipe.send((None, None, None))
        while pipe.recv():
            pipe.send((measure(), None, peak()))
    except EOFError:
        return  # no more requests
    except Exception as error:  # a library may fail for any reason, which the table shows
        pipe.send((None, f'{type(error).__name__}: {one_line(error)}', None))


def peak() -> float:
    """Returns the peak memory of this process in MB. ru_maxrss is in bytes on macOS, in kB elsewhere (getrusage(2))."""
    unit = 1 if sys.platform == 'darwin' else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def rows(file: str) -> dict[str, Row]:
    """Returns the rows of a file, by their names '<file>/<row>'."""
    module = importlib.import_module(f'benchmarks.rows.{file}')
    return {f'{file}/{name}': row for name, row in module.ROWS.items()}


def find(name: str) -> Row:
    """Returns a row by its name."""
    return rows(name.split('/')[0])[name]


def contest(name: str, row: Row, size: Size, threads: int, repeats: int, peers: Iterable[str]) -> dict[str, Process]:
    """Measures a row's contenders by turns, those of packages outside `peers` excepted.

    Returns {contender: Process}, closed.
    """
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
