"""Agents, blocks, environments and suites of the user's own, named on the command line."""

import Environment
from tests.program.results import CARTPOLE, TINY, checkpoint, column, table
from tests.program.runs import run, run_here


def test_an_agent_and_a_block_of_the_users_own(folder):
    (folder / 'my_module.py').write_text("""
from torch import nn
from Agents import DQNAgent

class MyAgent(DQNAgent):
    pass

class MyBlock(nn.Module):
    def __init__(self, input_shape, output_shape=None, width=8):
        super().__init__()
        self.layer = nn.Linear(input_shape[0], width)

    def forward(self, x):
        return self.layer(x)
""")
    words = ['agent._target_=my_module.MyAgent', 'Eyes=my_module.MyBlock', 'Eyes.width=5']
    done = run([*CARTPOLE, 'train_steps=25', *words])
    assert done.status == 0, done.err
    _, tensors = checkpoint(agent='MyAgent')
    assert tensors['agent.creator.encoder.eyes.layer.weight'].shape == (5, 4)


def test_environments_of_the_users_own(folder, monkeypatch, capsys):
    (folder / 'my_env.py').write_text("""
import gymnasium
import numpy as np

class Endless(gymnasium.Env):
    metadata = {'render_modes': ['rgb_array'], 'render_fps': 10}
    observation_space = gymnasium.spaces.Box(-1, 1, (2,))
    action_space = gymnasium.spaces.Discrete(2)
    count = 0

    def __init__(self, render_mode=None, limit=None):
        self.render_mode, self.limit = render_mode, limit

    def reset(self, seed=None, options=None):
        self.count = 0
        return np.zeros(2, np.float32), {}

    def step(self, action):
        self.count += 1
        return np.zeros(2, np.float32), 1.0, self.count == self.limit, False, {}

    def render(self):
        return np.zeros((4, 4 + self.count, 3), np.uint8)  # each frame of another size

gymnasium.register('Endless-v0', Endless)
""")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(Environment, 'LONGEST', 50)
    words = ['task=gym/custom', 'gym.id=my_env:Endless-v0', *TINY, 'video=true', 'train_steps=10']
    run_here(*words, status=2)
    assert 'did not end' in capsys.readouterr().err
    run_here(*words, '++suite.options.limit=5')  # a video that cannot be written stops nothing
    assert column(table('Eval', task='gym/my_env_Endless-v0'), 'reward') == [5, 5]


def test_a_suite_and_an_environment_of_the_users_own_package(folder, capsys):
    (folder / 'my_pkg').mkdir()
    (folder / 'my_pkg' / 'my_module.py').write_text("""
import gymnasium
import numpy as np
from Datasets.Experience import Spec, Step

class MySuite:
    frames_per_step, episodes = 1, None

    def __init__(self, num_envs, seed, train, x=1):
        self.num_envs, self.spec = num_envs, Spec((x,), 'float32', (), 2)

    def reset(self):
        self.count = 0
        return np.zeros((self.num_envs, *self.spec.obs_shape), np.float32)

    def step(self, action):
        self.count += 1
        ended = np.full(self.num_envs, self.count % 5 == 0)
        obs = np.full((self.num_envs, *self.spec.obs_shape), self.count % 5, np.float32)
        return Step(obs, np.ones(self.num_envs, np.float32), ended, ~ended & False, obs)

    def render(self, envs=None):
        return None

    def close(self):
        pass

class Half:
    def __init__(self, num_envs, seed, train):
        pass

    reset = step = spec = None

gymnasium.register('MyEnv-v0', 'gymnasium.envs.classic_control:PendulumEnv', max_episode_steps=7)
""")
    run_here('suite._target_=my_pkg.my_module.MySuite', '++suite.x=3', *TINY)
    assert column(table('Eval', task='custom/my_pkg.my_module.MySuite'), 'reward') == [5, 5]
    run_here('task=gym/custom', 'gym.id=my_pkg.my_module:MyEnv-v0', *TINY)
    assert column(table('Eval', task='gym/my_pkg.my_module_MyEnv-v0'), 'length') == [7, 7]
    run_here('suite._target_=my_pkg.my_module.Half', *TINY, status=2)
    err = capsys.readouterr().err
    assert 'my_pkg.my_module.Half is no suite: it has no num_envs, frames_per_step, episodes, render, close' in err
