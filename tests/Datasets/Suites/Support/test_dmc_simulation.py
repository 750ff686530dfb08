"""One simulation: rewards, ends, bounds and instability, by a counter in the place of dm_control."""

from types import SimpleNamespace

import numpy as np
import pytest

from Datasets.Suites.DMC import DMC
from Datasets.Suites.Support import Renderer


def state(name, **options):
    return DMC(name, **{'pixels': None, 'action_repeat': 1, **options})


class Counter:
    """A dm_control environment that counts its steps, rewards 1.5 each and ends as told."""

    physics = SimpleNamespace(model=SimpleNamespace(vis=SimpleNamespace(global_=SimpleNamespace()), ptr=None),
                              data=SimpleNamespace(ptr=None))  # fmt: skip

    def __init__(self, length=5, discount=0.0, unstable=None):
        self.length, self.discount, self.unstable, self.actions = length, discount, unstable, []
        self.task = SimpleNamespace(random=np.random.RandomState(0))

    def action_spec(self):
        return SimpleNamespace(shape=(2,), minimum=np.array([-2.0, 0.0]), maximum=np.array([2.0, 10.0]))

    def observation_spec(self):
        return {'count': np.zeros(1), 'square': np.zeros((2, 1))}

    def reset(self):
        self.count = 0
        return self._timestep(None, 1.0)

    def step(self, action):
        from dm_control.rl.control import PhysicsError

        self.count += 1
        self.actions.append(action)
        if self.count == self.unstable:
            raise PhysicsError('mjWARN_BADQACC')
        return self._timestep(1.5, self.discount if self.count == self.length else 1.0)

    def _timestep(self, reward, discount):
        count = float(self.count)
        return SimpleNamespace(reward=reward, discount=discount, last=lambda: count == self.length,
                               observation={'count': count, 'square': np.full((2, 1), count**2)})  # fmt: skip


@pytest.fixture
def counter(monkeypatch):
    from Datasets.Suites.Support import DMCSimulation

    def make(action_repeat=1, **arguments):
        monkeypatch.setattr(DMCSimulation, 'load_task', lambda *_, **__: Counter(**arguments))
        suite = state('counter', action_repeat=action_repeat)
        suite.reset()
        return suite

    Renderer.choose()
    return make


@pytest.mark.parametrize('discount', [0.0, 1.0])
def test_discount_zero_is_a_terminal_and_rewards_stop_at_the_end(counter, discount):
    suite = counter(action_repeat=3, discount=discount)
    first, second, third = (suite.step(np.zeros((1, 2))) for _ in range(3))
    assert (first.reward[0], first.obs[0].tolist(), first.terminated[0]) == (4.5, [3, 9, 9], False)
    assert (second.reward[0], second.final_obs[0].tolist(), second.obs[0].tolist()) == (3.0, [5, 25, 25], [0, 0, 0])
    assert (second.terminated[0], second.truncated[0]) == (discount == 0, discount == 1)
    assert (third.reward[0], third.obs[0, 0]) == (4.5, 3)


def test_actions_are_rescaled_to_the_bounds(counter):
    suite = counter()
    for action in ([-1, -1], [1, 0], [-9, 9]):
        suite.step(np.array([action], np.float32))
    assert np.allclose(suite.vector.envs[0].env.actions, [[-2, 0], [2, 5], [-2, 10]])


def test_an_unstable_simulation_is_a_truncation(counter, capsys):
    suite = counter(unstable=2)
    steps = [suite.step(np.zeros((1, 2))) for _ in range(3)]
    assert [bool(step.truncated[0]) for step in steps] == [False, True, False]
    assert not steps[1].terminated[0] and steps[1].reward[0] == 0
    assert (steps[1].final_obs[0, 0], steps[1].obs[0, 0]) == (1, 0)  # the last one before; the next episode's first
    assert 'mjWARN_BADQACC' in capsys.readouterr().err
