"""Ctrl-C and SIGTERM wait for the end of a step."""

import os
import signal

import pytest

from Support.Interrupts import Interrupts


def test_a_signal_comes_at_the_end_of_the_block_and_a_second_one_at_once():
    with pytest.raises(KeyboardInterrupt) as caught, Interrupts() as interrupts:
        with interrupts.held():
            os.kill(os.getpid(), signal.SIGTERM)
            done = True
        pytest.fail('it should have come by now')
    assert done and caught.value.args == (signal.SIGTERM,)
    with pytest.raises(KeyboardInterrupt), Interrupts() as interrupts, interrupts.held():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        pytest.fail('the second comes at once')


def test_handlers_of_before_come_back():
    before = signal.getsignal(signal.SIGTERM)
    with Interrupts():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before
