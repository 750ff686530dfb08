"""Tasks whose solution is known: the identity, and a chain that needs bootstrapping."""

import numpy as np

from Datasets.Experience import Spec, Step


class Suite:
    """N environments of one-hot states [N, D]; subclasses define rewards and transitions."""

    frames_per_step, num_envs = 1, 8

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)

    def reset(self):
        self.begin(np.ones(self.num_envs, bool))
        return self.obs()

    def step(self, action):
        reward, terminated, truncated = self.act(action)
        final_obs = self.obs()
        self.begin(terminated | truncated)
        return Step(self.obs(), reward.astype(np.float32), terminated, truncated, final_obs)


class Identity(Suite):
    """Episodes of 5 steps: the action that names the observed class earns 1."""

    spec = Spec((4,), 'float32', (), 4)

    def begin(self, which):
        self.state = self.random.integers(4, size=self.num_envs)
        self.time = np.where(which, 0, getattr(self, 'time', 0))

    def obs(self):
        return np.eye(4, dtype=np.float32)[self.state]

    def act(self, action):
        reward = action == self.state
        self.time = self.time + 1
        self.state = self.random.integers(4, size=self.num_envs)
        return reward, self.time == 5, np.zeros(self.num_envs, bool)


class Bits(Identity):
    """Identity with two choices at once, the bits of the class: each right bit earns one half."""

    spec = Spec((4,), 'float32', (4,), None, one_hots=(2, 2))

    def act(self, action):
        bits = action.reshape(-1, 2, 2).argmax(-1)
        right = bits == np.stack([self.state // 2, self.state % 2], -1)
        return right.mean(-1), super().act(self.state)[1], np.zeros(self.num_envs, bool)


class Number(Identity):
    """Identity with a number in [-1, 1]: the reward is 1 minus twice the distance to it."""

    spec = Spec((1,), 'float32', (1,), None, -np.ones(1), np.ones(1))

    def begin(self, which):
        self.state = self.random.uniform(-1, 1, size=self.num_envs)
        self.time = np.where(which, 0, getattr(self, 'time', 0))

    def obs(self):
        return self.state[:, None].astype(np.float32)

    def act(self, action):
        reward = 1 - 2 * np.abs(action[:, 0] - self.state)
        self.time = self.time + 1
        self.state = self.random.uniform(-1, 1, size=self.num_envs)
        return reward, self.time == 5, np.zeros(self.num_envs, bool)


class Chain(Suite):
    """Five states in a row, started at any: 0 moves left, 1 right; right at the last ends the episode with reward 1.

    A limit of 8 steps truncates, which must not count as a termination.
    """

    spec = Spec((5,), 'float32', (), 2)

    def begin(self, which):
        self.state = np.where(which, self.random.integers(5, size=self.num_envs), getattr(self, 'state', 0))
        self.time = np.where(which, 0, getattr(self, 'time', 0))

    def obs(self):
        return np.eye(5, dtype=np.float32)[np.minimum(self.state, 4)]

    def act(self, action):
        self.state, self.time = np.maximum(self.state + 2 * action - 1, 0), self.time + 1
        terminated = self.state == 5
        return terminated, terminated, (self.time == 8) & ~terminated


class Recall(Suite):
    """Episodes of 3 steps: only the first shows a sign; naming it at the last earns 1."""

    spec = Spec((3,), 'float32', (), 2)

    def begin(self, which):
        self.time = np.where(which, 0, getattr(self, 'time', 0))
        self.sign = np.where(which, self.random.integers(2, size=self.num_envs), getattr(self, 'sign', 0))

    def obs(self):
        seen = np.eye(3, dtype=np.float32)[self.sign]
        seen[self.time > 0] = [0, 0, 1]
        return seen

    def act(self, action):
        self.time = self.time + 1
        ended = self.time == 3
        return ended & (action == self.sign), ended, np.zeros(self.num_envs, bool)
