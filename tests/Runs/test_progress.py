"""Progress: what is due depends on the step alone, and the best evaluation is remembered."""

from types import SimpleNamespace

import pytest

from Runs.Progress import Progress


def progress(stride=1, step=0, resumed=None):
    environment = SimpleNamespace(episodes=3)
    args, agent = SimpleNamespace(num_envs=stride), SimpleNamespace(step=step)
    return Progress(SimpleNamespace(args=args, agent=agent, environment=environment, frames_per_step=4,
                                    resumed=resumed or {}))  # fmt: skip


@pytest.mark.parametrize('stride', [1, 2, 3])
@pytest.mark.parametrize('period', [0.5, 1, 2, 7])
def test_every_multiple_of_a_period_is_due_once(stride, period):
    at, counts = progress(stride), []
    for _ in range(20):
        at.parts.agent.step += stride
        counts.append(at.due(period))
    assert sum(counts) == 20 * stride // period
    assert progress(stride, step=7 * stride).due(period) == counts[6]  # also after a resume
    assert not at.due(0)


def test_a_resumed_run_has_the_scores_and_the_best_of_before():
    log = {'scores': [1.0], 'evaluated': 40, 'best': 5.0}
    at = progress(step=50, resumed={'log': log})
    assert at.state() == log and at.counts == {'step': 50, 'frame': 200, 'episode': 3}
    assert not at.improves({'reward': 5.0}) and at.improves({'reward': 6.0}) and at.best == 6
    assert not at.improves({})
    assert progress().improves({'fid': 9.0})  # the first is the best


def test_a_pause_counts_not_as_training():
    at = progress()
    before = at.mark[1]
    with at.paused():
        sum(range(100_000))
    assert at.mark[1] > before
