"""Continuous suites in which one chooses."""

import numpy as np
import pytest

from Datasets.Experience import Spec, Step
from Datasets.Suites import fit
from Datasets.Suites.Discrete import Discrete
from Datasets.Suites.Gym import Gym
from Support.Errors import UserError


class Echo:
    """Two environments of `dimensions` actions, whose observation is the action that came."""

    num_envs, frames_per_step, episodes = 2, 3, None
    closed = False

    def __init__(self, dimensions=2):
        bound = np.ones(dimensions, np.float32)
        self.spec = Spec((dimensions,), 'float32', (dimensions,), None, -bound, bound)

    def reset(self):
        return np.zeros((2, *self.spec.obs_shape), np.float32)

    def step(self, action):
        ended = np.zeros(2, bool)
        return Step(action, action.sum(1), ended, ended, action)

    def render(self, envs=None):
        return [np.full((2, 2, 3), i, np.uint8) for i in envs or range(2)]

    def close(self):
        self.closed = True


def test_the_table_by_hand():
    suite = Discrete(Echo(), bins=3)
    table = [[-1, -1], [-1, 0], [-1, 1], [0, -1], [0, 0], [0, 1], [1, -1], [1, 0], [1, 1]]
    assert suite.table.tolist() == table and suite.table.dtype == np.float32
    assert Discrete(Echo(1), bins=5).table.tolist() == [[-1], [-0.5], [0], [0.5], [1]]
    assert Discrete(Echo(3), bins=2).table[6].tolist() == [1, 1, -1]
    step = suite.step(np.array([1, 8]))
    assert step.obs.tolist() == [[-1, 0], [1, 1]] and step.reward.tolist() == [-1, 2]


def test_all_else_is_the_inner_suites():
    inner = Echo()
    suite = Discrete(inner, bins=3)
    assert suite.spec == Spec((2,), 'float32', (), 9)
    assert (suite.num_envs, suite.frames_per_step, suite.episodes) == (2, 3, None)
    assert np.array_equal(suite.reset(), inner.reset())
    assert [frame[0, 0, 0] for frame in suite.render()] == [0, 1] and suite.render([1])[0][0, 0, 0] == 1
    suite.close()
    assert inner.closed


def test_only_continuous_suites_are_wrapped():
    discrete, continuous = Gym('CartPole-v1'), Gym('Pendulum-v1')
    assert fit(discrete, 3) is discrete and fit(continuous) is continuous
    assert fit(continuous, 3).inner is continuous


@pytest.mark.parametrize(
    ('dimensions', 'bins', 'message'),
    [
        (21, 3, r'3\^21 choices .* more than 4,096: leave discrete=true out'),
        (12, 3, r'3\^12 choices .*: bins=2 is the most here'),
        (6, 5, r'5\^6 choices .*: bins=4 is the most here'),
        (1, 1, 'bins is at least 2'),
    ],
)
def test_too_many_choices_and_too_few(dimensions, bins, message):
    with pytest.raises(UserError, match=message):
        Discrete(Echo(dimensions), bins)
    assert Discrete(Echo(12), 2).spec.num_actions == 4096  # as many as there may be


def test_a_class_that_is_no_suite_is_told_what_it_lacks():
    class Half(Echo):
        render = property()
        frames_per_step = property()

    with pytest.raises(UserError, match=r'Half is no suite: it has no frames_per_step, render \(see'):
        fit(Half())
    suite = Echo()
    suite.spec = ((2,), 'float32')
    with pytest.raises(UserError, match=r'its spec is no Datasets\.Experience\.Spec'):
        fit(suite)
