"""Whole training: act, step, store, learn and log; environment steps per second, with the same work per step."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from benchmarks import settings
from benchmarks.contest import Contender, Measure, Row, Size, rate

SHORT = 'seed_steps=8 batch_size=16'  # only to see that it runs
ASIDE = ('precision=fp32', 'overlap=false')  # turn defaults off
SHORT_ROLLOUT = 'learn_per_steps=32 batch_size=16'


def ours(words: str, steps: int, short: str = SHORT) -> Contender:
    """Returns Run.py's own loop without evaluation; `steps` at a time."""

    def build(size: Size) -> Measure:
        folder = tempfile.TemporaryDirectory()
        training = settings.training_of(f'{words} {short if size.quick else ""}', folder.name)

        def train(count: int, kept: Any = folder) -> None:  # deleted with the last reference to it
            training.parts.args.train_steps = training.parts.agent.step + count
            training.run()

        train(size.of(128, 32))  # seed steps are over
        return rate(partial(train, size.of(steps, 32)), size.of(steps, 32), size)

    return Contender(build)


def theirs(agent: Callable[[bool], Any], steps: int) -> Contender:
    """Returns stable-baselines3's `learn`, `steps` at a time; `agent(quick)` builds the agent."""

    def build(size: Size) -> Measure:
        model, count = agent(size.quick), size.of(steps, 32)
        model.learning_starts = size.of(100, 8)  # of agents that have it
        model.learn(size.of(128, 32))  # learning has started

        def train() -> None:
            model.learn(count, reset_num_timesteps=False)

        return rate(train, count, size)

    return Contender(build, 'stable-baselines3')


def pong(count: int) -> Any:
    """Returns stable-baselines3's environments."""
    import ale_py  # noqa: F401  registers the games
    from stable_baselines3.common.env_util import make_atari_env
    from stable_baselines3.common.vec_env import VecFrameStack

    return VecFrameStack(make_atari_env('PongNoFrameskip-v4', count, seed=1), 4)


def dqn_on_pong(count: int) -> Contender:
    """Returns a DQN with one update for every four steps of any environment."""
    often = dict(train_freq=max(1, 4 // count), gradient_steps=max(1, count // 4))
    return theirs(lambda quick: settings.sb3_dqn(pong(count), **often), 200)


def ppo_on_pong(quick: bool) -> Any:
    rollout = dict(n_steps=4, batch_size=16) if quick else dict(n_steps=128, batch_size=256)
    return settings.sb3_ppo(pong(8), n_epochs=4, **rollout)


def ppo_on_cartpole(quick: bool) -> Any:
    from stable_baselines3 import PPO
    from stable_baselines3.common.env_util import make_vec_env

    rollout = dict(n_steps=4, batch_size=16) if quick else dict(n_steps=128, batch_size=256)
    return PPO('MlpPolicy', make_vec_env('CartPole-v1', 8), learning_rate=3e-4, n_epochs=10, **rollout)


def sac_on_cheetah(quick: bool) -> Any:
    import gymnasium
    import numpy as np
    from dm_control import suite

    class Cheetah(gymnasium.Env):
        """dm_control's task with a flat state."""

        observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (17,), np.float32)
        action_space = gymnasium.spaces.Box(-1, 1, (6,), np.float32)

        def __init__(self):
            self.env = suite.load('cheetah', 'run', {'random': 1})

        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            return self.flat(self.env.reset()), {}

        def step(self, action):
            step = self.env.step(action)
            return self.flat(step), step.reward, False, step.last(), {}

        def flat(self, step):
            return np.concatenate(list(step.observation.values()), dtype=np.float32)

    return settings.sb3_sac(Cheetah(), train_freq=1, gradient_steps=1)


def row(
    equal: str, words: str, peer: Contender, goal: float, steps: int, short: str = SHORT, others: Sequence[str] = ()
) -> Row:
    """Returns ours with its defaults and with each of `others`, beside stable-baselines3."""
    contenders = {'ours': ours(words, steps, short)}
    contenders |= {f'ours, {setting}': ours(f'{words} {setting}', steps, short) for setting in others}
    return Row(equal, 'steps/s', contenders | {'stable-baselines3': peer}, {'stable-baselines3': goal})


NATURE = 'the Nature CNN of 1.7 million weights, batches of 32 1-step transitions, one update per four steps'
ROWS = {
    'dqn-pong-1': row(f'DQN on Pong: {NATURE}', f'{settings.DQN} num_envs=1', dqn_on_pong(1), 2.0, 200, others=ASIDE),
    'dqn-pong-8': row(f'DQN on Pong, 8 at once: {NATURE}', f'{settings.DQN} num_envs=8', dqn_on_pong(8), 2.5, 200,
                      others=ASIDE),
    'ppo-pong': row('PPO on Pong: the Nature CNN, 8 x 128 steps, 4 epochs of 4 minibatches',
                    settings.PPO, theirs(ppo_on_pong, 1024), 2.0, 1024, SHORT_ROLLOUT, others=ASIDE[:1]),
    'sac-cheetah': row('SAC on cheetah_run from the state: two layers of 256, batches of 256, one update per step',
                       settings.SAC, theirs(sac_on_cheetah, 200), 1.5, 200),
    'ppo-cartpole': row('PPO on CartPole: two layers of 64, 8 x 128 steps, 10 epochs of 4 minibatches',
                        settings.CARTPOLE, theirs(ppo_on_cartpole, 1024), 3.0, 1024, SHORT_ROLLOUT),
}  # fmt: skip
