"""Learning alone, from one fixed batch: the overhead of this program over a loop written for the same work.

Ours is `agent.learn`. The bare loop has the same network and augmentation, in the same precision, and one fused
optimizer, but no phases, casts, policies or logs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from gymnasium import spaces

from benchmarks import settings
from benchmarks.contest import Contender, Measure, Row, Size, rate
from benchmarks.rows import bare
from Datasets.Experience import Experience, Spec
from Support.Machine import choose_precision, tune_processor

PONG, CHEETAH = Spec((1, 84, 84), 'uint8', (), 6), Spec((17,), 'float32', (6,), None)
PIXELS = Spec((3, 84, 84), 'uint8', (6,), None)


class Again:
    """A replay that returns the same batch every time."""

    prioritized = False

    def __init__(self, batch: Experience) -> None:
        self.batch = batch

    def batches(self) -> Iterator[Experience]:
        yield self.batch


def precision_of(images: bool) -> str:
    """Returns the precision that a run chooses."""
    return choose_precision('auto', torch.device('cpu'), images)


def transition(shape: tuple[int, ...], count: int, actions: int | tuple[int]) -> Experience:
    """Returns `count` transitions of uint8 images or float states. actions: number of discrete ones, or (A,)."""
    seen = [torch.randint(256, (count, *shape), dtype=torch.uint8) if len(shape) == 3 else torch.randn(count, *shape)
            for _ in range(2)]  # fmt: skip
    action = torch.randint(actions, (count,)) if isinstance(actions, int) else torch.rand(count, *actions) * 2 - 1
    return Experience(obs=seen[0], action=action, reward=torch.randn(count), discount=torch.full((count,), 0.99),
                      next_obs=seen[1], last=torch.zeros(count, dtype=torch.bool))  # fmt: skip


def rollout(count: int) -> Experience:
    """Returns a minibatch [count, 1] of a rollout on Pong."""
    batch = transition((4, 84, 84), count, 6)
    batch = batch._replace(next_obs=None, log_prob=torch.full((count,), -1.8), advantage=torch.randn(count),
                           returns=torch.randn(count), first=torch.zeros(count, dtype=torch.bool))  # fmt: skip
    return Experience(*(None if field is None else field.unsqueeze(1) for field in batch))


def dqn(size: Size) -> Experience:
    return transition((4, 84, 84), size.of(32, 4), 6)


def ppo(size: Size) -> Experience:
    return rollout(size.of(256, 4))


def sac(size: Size) -> Experience:
    return transition((17,), size.of(256, 4), (6,))


def drqv2(size: Size) -> Experience:
    return transition((9, 84, 84), size.of(256, 2), (6,))


def ours(
    words: str, spec: Spec, batch_of: Callable[[Size], Experience], precision: str | None,
    loop: Callable[..., Callable[[], None]] | None = None,
) -> Contender:  # fmt: skip
    """Returns this program's agent, or the bare `loop` of its networks, in a precision; None: the one a run chooses."""

    def build(size: Size) -> Measure:
        tune_processor()
        torch.manual_seed(0)
        agent, args = settings.agent_of(words, spec, precision or precision_of(spec.images))
        agent.train()
        replay = Again(batch_of(size))
        agent.batches = Again.batches  # type: ignore[assignment, method-assign]  # without PPO's advantages, as in the bare loop
        return rate(loop(agent, args, replay.batch) if loop else partial(agent.learn, replay), 1, size)

    return Contender(build)


def sb3_env(spec: Spec, stack: int) -> Any:
    """Returns an environment that is never stepped, for its spaces."""
    import gymnasium

    class Idle(gymnasium.Env):
        shape = (stack * spec.obs_shape[0], *spec.obs_shape[1:])
        observation_space = spaces.Box(0, 255, shape, np.uint8) if spec.images else spaces.Box(-9, 9, shape, np.float32)
        action_space = spaces.Discrete(6) if spec.num_actions else spaces.Box(-1, 1, (6,), np.float32)

    return Idle()


def sb3_off_policy(make: Callable[..., Any], spec: Spec, stack: int, count: int) -> Contender:
    """Returns stable-baselines3's `train`, from one fixed batch."""

    def build(size: Size) -> Measure:
        from stable_baselines3.common.logger import configure

        model, batch = make(sb3_env(spec, stack), device='cpu'), size.of(count, 4)
        model.set_logger(configure(None, []))
        obs = np.stack([model.observation_space.sample()])
        action = np.array([model.action_space.sample()])
        for _ in range(8):
            model.replay_buffer.add(obs, obs, action, np.ones(1), np.zeros(1), [{}])
        samples = model.replay_buffer.sample(batch)
        model.replay_buffer.sample = lambda *_, **__: samples
        return rate(lambda: model.train(1, batch), 1, size)

    return Contender(build, 'stable-baselines3')


def sb3_on_policy(count: int) -> Contender:
    """Returns stable-baselines3's `train`, from one fixed minibatch."""

    def build(size: Size) -> Measure:
        from stable_baselines3.common.logger import configure
        from stable_baselines3.common.vec_env import DummyVecEnv

        batch = size.of(count, 4)
        envs = DummyVecEnv([lambda: sb3_env(PONG, 4)])
        model = settings.sb3_ppo(envs, n_epochs=1, n_steps=batch, batch_size=batch, device='cpu')
        model.set_logger(configure(None, []))
        obs = np.stack([envs.observation_space.sample()])
        while not model.rollout_buffer.full:
            model.rollout_buffer.add(obs, np.zeros((1, 1)), np.ones(1), np.zeros(1), torch.zeros(1), -torch.ones(1))
        model.rollout_buffer.compute_returns_and_advantage(torch.zeros(1), np.zeros(1))
        minibatches = list(model.rollout_buffer.get(batch))
        model.rollout_buffer.get = lambda _: minibatches
        return rate(model.train, 1, size)

    return Contender(build, 'stable-baselines3')


def row(
    equal: str, words: str, spec: Spec, batch_of: Callable[[Size], Experience], loop: Callable[..., Callable[[], None]],
    peer: Contender | None = None,
) -> Row:  # fmt: skip
    """Returns ours in the default precision and in fp32, beside a bare loop, and `peer` if given."""
    own = partial(ours, words, spec, batch_of)
    contenders = {'ours': own(None), 'bare loop': own(None, loop)}
    if spec.images:
        contenders |= {'ours, fp32': own('fp32'), 'bare loop, fp32': own('fp32', loop)}
    contenders |= {'stable-baselines3': peer} if peer else {}
    return Row(equal, 'updates/s', contenders, {'bare loop': 0.95})


ROWS = {
    'dqn': row('DQN: the Nature CNN, 1-step, batches of 32', settings.DQN, PONG, dqn, bare.dqn,
               sb3_off_policy(settings.sb3_dqn, PONG, 4, 32)),
    'ppo': row('PPO: the Nature CNN, shared, minibatches of 256', settings.PPO, PONG, ppo, bare.ppo,
               sb3_on_policy(256)),
    'sac': row('SAC from the state: two layers of 256, batches of 256', settings.SAC, CHEETAH, sac, bare.sac,
               sb3_off_policy(settings.sb3_sac, CHEETAH, 1, 256)),
    'drqv2': row('DrQ-v2: 9x84x84, two layers of 1024, batches of 256, images shifted', settings.DRQ, PIXELS, drqv2,
                 bare.drqv2),
}  # fmt: skip
