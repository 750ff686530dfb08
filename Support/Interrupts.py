"""Ctrl-C and SIGTERM that wait for the end of a step."""

import signal
import sys
from contextlib import contextmanager


class Interrupts:
    """Ctrl-C and SIGTERM as KeyboardInterrupt(number of the signal); within `held()` it comes at the block's end.

    A second signal comes at once. Use as a context manager, in the main thread.
    """

    def __init__(self):
        self.holding, self.waiting = 0, None

    def __enter__(self):
        self.before = {number: signal.signal(number, self._receive) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_):
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _receive(self, number, frame):
        if self.holding and self.waiting is None:
            self.waiting = number
            print('\nStopping at the end of this step (again: at once)', file=sys.stderr)
        else:
            raise KeyboardInterrupt(number)

    @contextmanager
    def held(self):
        self.holding += 1
        try:
            yield
        finally:
            self.holding -= 1
            if self.waiting is not None and not self.holding:
                number, self.waiting = self.waiting, None
                raise KeyboardInterrupt(number)
