"""Ctrl-C and SIGTERM that wait for the end of a step."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupts:
    """Turns Ctrl-C and SIGTERM into KeyboardInterrupt(number of the signal), within `held()` at the end of the block.

    A second signal interrupts at once. A context manager, for the main thread only.
    """

    def __init__(self) -> None:
        self.holding = 0
        self.waiting: int | None = None

    def __enter__(self) -> Interrupts:
        self.before = {number: signal.signal(number, self._receive) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.holding and self.waiting is None:
            self.waiting = number
            print('\nStopping at the end of this step (again: at once)', file=sys.stderr)
        else:
            raise KeyboardInterrupt(number)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Holds signals back until the block ends."""
        self.holding += 1
        try:
            yield
        finally:
            self.holding -= 1
            if self.waiting is not None and not self.holding:
                number, self.waiting = self.waiting, None
                raise KeyboardInterrupt(number)
