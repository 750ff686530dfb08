"""Environments alone: agent steps per second. Each call steps all environments, with the same actions in each run."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks.contest import Contender, Measure, Row, Size, rate
from Support.Machine import tune_processor, usable_cores


def discrete(number: int, count: int) -> Iterator[np.ndarray]:
    """Yields actions int64 [N] below `number`, endlessly."""
    return itertools.cycle(np.random.default_rng(0).integers(number, size=(64, count)))


def ours_on(suite: Any, stack: int, actions: Iterator[np.ndarray], size: Size) -> Measure:
    """Measures a suite of this program, with the frame stacks and scores of a run."""
    from Environment import Environment

    tune_processor()  # as a run does
    environment = Environment(suite, stack, overlap=False)
    environment.reset()
    return rate(lambda: environment.step(next(actions)), suite.num_envs, size)


def vector(envs: Any, count: int, actions: Iterator[np.ndarray], size: Size) -> Measure:
    """Measures anything with `reset` and `step`, such as vector environments of Gymnasium and stable-baselines3."""
    envs.reset()
    return rate(lambda: envs.step(next(actions)), count, size)


def pong_ours(count: int, size: Size) -> Measure:
    from Datasets.Suites.Atari import Atari

    suite = Atari('pong', count, num_threads=min(count, usable_cores()))
    return ours_on(suite, 4, discrete(6, count), size)


def pong_raw(count: int, size: Size, batch_size: int) -> Measure:
    """Measures ale-py's class, which waits for `batch_size` games at a time."""
    from ale_py.vector_env import AtariVectorEnv
    from gymnasium.vector import AutoresetMode

    envs = AtariVectorEnv(
        'pong', count, batch_size=batch_size, num_threads=min(count, usable_cores()), thread_affinity_offset=-1,
        autoreset_mode=AutoresetMode.SAME_STEP, stack_num=4, reward_clipping=False, episodic_life=False, noop_max=30,
        repeat_action_probability=0.0, use_fire_reset=False,
    )  # fmt: skip
    actions = discrete(6, batch_size)
    envs.reset(seed=0)

    def update() -> None:
        envs.send(next(actions))
        envs.recv()  # from the games that are ready, while the others run

    for _ in range(count // batch_size):  # until every game has begun
        update()
    return rate(update, batch_size, size)


def pong_sb3(count: int, size: Size) -> Measure:
    import ale_py  # noqa: F401  registers the games
    from stable_baselines3.common.env_util import make_atari_env
    from stable_baselines3.common.vec_env import VecFrameStack

    options = dict(clip_reward=False, terminal_on_life_loss=False)
    envs = VecFrameStack(make_atari_env('PongNoFrameskip-v4', count, seed=0, wrapper_kwargs=options), 4)
    return vector(envs, count, discrete(6, count), size)


def pong_envpool(count: int, size: Size) -> Measure:
    import envpool

    threads = min(count, usable_cores())
    envs = envpool.make_gymnasium('Pong-v5', num_envs=count, num_threads=threads, seed=0, stack_num=4)
    return vector(envs, count, discrete(6, count), size)


def continuous(count: int) -> Iterator[np.ndarray]:
    """Yields actions float [N, 6] in -1..1 for cheetah, endlessly."""
    return itertools.cycle(np.random.default_rng(0).uniform(-1, 1, (64, count, 6)))


def cheetah_ours(count: int, size: Size) -> Measure:
    from Datasets.Suites.DMC import DMC

    return ours_on(DMC('cheetah_run', count, pixels=None, action_repeat=1), 1, continuous(count), size)


def cheetah_raw(count: int, size: Size) -> Measure:
    """Measures dm_control's own environments, one after the other, reset at the end of an episode."""
    from dm_control import suite

    envs = [suite.load('cheetah', 'run', {'random': i}) for i in range(count)]
    actions = continuous(count)

    def step() -> None:
        for env, action in zip(envs, next(actions), strict=True):
            if env.step(action).last():
                env.reset()

    for env in envs:
        env.reset()
    return rate(step, count, size)


def cheetah_envpool(count: int, size: Size) -> Measure:
    import envpool

    envs = envpool.make_gymnasium('CheetahRun-v1', num_envs=count, num_threads=min(count, usable_cores()))
    return vector(envs, count, continuous(count), size)


def cartpole_ours(count: int, size: Size) -> Measure:
    from Datasets.Suites.Gym import Gym

    return ours_on(Gym('CartPole-v1', count), 1, discrete(2, count), size)


def cartpole_gymnasium(count: int, size: Size) -> Measure:
    from gymnasium import make_vec

    return vector(make_vec('CartPole-v1', count, vectorization_mode='sync'), count, discrete(2, count), size)


def cartpole_sb3(count: int, size: Size) -> Measure:
    from stable_baselines3.common.env_util import make_vec_env

    return vector(make_vec_env('CartPole-v1', count), count, discrete(2, count), size)


def cartpole_envpool(count: int, size: Size) -> Measure:
    import envpool

    envs = envpool.make_gymnasium('CartPole-v1', num_envs=count, num_threads=1)
    return vector(envs, count, discrete(2, count), size)


def of(count: int, build: Callable[..., Measure], package: str | None = None, **options: Any) -> Contender:
    """Returns the contender of `build(count, size, **options)`."""
    return Contender(lambda size: build(count, size, **options), package)


def pong(count: int) -> Row:
    contenders = {
        'ours': of(count, pong_ours),
        'ale-py, all at a time': of(count, pong_raw, batch_size=count),
        'ale-py, a quarter at a time': of(count, pong_raw, batch_size=max(1, count // 4)),
        'stable-baselines3': of(count, pong_sb3, 'stable-baselines3'),
        'envpool': of(count, pong_envpool, 'envpool'),
    }
    if count == 1:
        del contenders['ale-py, a quarter at a time']
    goals = {'ale-py, all at a time': 0.9, 'ale-py, a quarter at a time': 0.9, 'stable-baselines3': 2.5}
    return Row(
        'Pong, 84x84 gray, 4 frames skipped and stacked, no sticky actions, whole games; native environments on all '
        'cores, waiting for as many games as named',
        'steps/s', contenders, goals if count == 16 else {},
    )  # fmt: skip


def cheetah(count: int) -> Row:
    contenders = {
        'ours': of(count, cheetah_ours),
        'dm_control': of(count, cheetah_raw),
        'envpool': of(count, cheetah_envpool, 'envpool'),
    }
    return Row('cheetah_run from the state, one frame per step', 'steps/s', contenders)


def cartpole(count: int) -> Row:
    contenders = {
        'ours': of(count, cartpole_ours),
        'gymnasium': of(count, cartpole_gymnasium),
        'stable-baselines3': of(count, cartpole_sb3, 'stable-baselines3'),
        'envpool': of(count, cartpole_envpool, 'envpool'),
    }
    return Row('CartPole-v1, one thread', 'steps/s', contenders)


ROWS = {
    **{f'pong-{count}': pong(count) for count in (1, 8, 16, 64)},
    **{f'cheetah-{count}': cheetah(count) for count in (1, 8)},
    **{f'cartpole-{count}': cartpole(count) for count in (1, 8)},
}
