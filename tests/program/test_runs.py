"""The helpers of the other tests in this folder."""

import sys

from tests.program.runs import Running, fork, run, wait_for


def ends_with_warmth():
    sys.exit(7 if {'torch._dynamo', 'matplotlib.pyplot', 'sklearn.datasets'} <= set(sys.modules) else 8)


def test_processes_are_forked_from_one_that_has_imported_everything():
    process = fork(ends_with_warmth)
    process.join(60)
    assert process.exitcode == 7


def test_a_run_prints_ends_and_is_stopped_like_a_program(tmp_path):
    done = run(['lrr=3'], tmp_path)
    assert (done.status, done.out) == (2, '') and done.err.startswith("No key 'lrr'") and done.seconds > 0
    running = Running(['task=gym/cartpole', 'threads=1'], tmp_path / 'other')
    wait_for(lambda: 'Train' in running.output()[0], running)
    assert running.poll() is None
    running.terminate()
    assert running.wait() == 128 + 15 and 'Train' in running.output()[0]
