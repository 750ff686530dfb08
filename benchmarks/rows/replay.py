"""The replay: stacks of random frames, in episodes of about 1000 steps of 16 environments; no network.

Other programs hold the same transitions. They return 1-step targets in all rows, which is less work than n-step ones.
"""

from __future__ import annotations

import itertools
import math
import tempfile
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch

from benchmarks.contest import LESS, Contender, Measure, Row, Size, peak, rate
from Support.Machine import tune_processor

ENVS = 16  # environments
ATARI_BYTES = 7100  # per transition: the goal
FULL = 20_000  # transitions in a full replay


class Pixels(NamedTuple):
    """The shape of observations."""

    frame: tuple[int, int, int]  # (C, H, W)
    stack: int

    @property
    def obs_shape(self) -> tuple[int, int, int]:
        return self.stack * self.frame[0], *self.frame[1:]


PIXELS = {'gray4': Pixels((1, 84, 84), 4), 'rgb3': Pixels((3, 84, 84), 3)}


def transitions(steps: int, pixels: Pixels, single: bool = False) -> Iterator[tuple[np.ndarray, ...]]:
    """Yields (obs, next_obs, action, reward, ended), all [ENVS, ...], for `steps` of each environment.

    single: frames instead of stacks.
    """
    random = np.random.default_rng(0)
    shape = pixels.frame if single else pixels.obs_shape
    obs = [random.integers(256, size=(ENVS, *shape), dtype=np.uint8) for _ in range(3)]
    for t in range(steps):
        ended = random.random(ENVS) < 1e-3
        yield obs[t % 3], obs[(t + 1) % 3], random.integers(6, size=ENVS), np.ones(ENVS, np.float32), ended


class Ours:
    """This program's replay."""

    def __init__(
        self,
        pixels: Pixels,
        capacity: int,
        batch: int = 32,
        nstep: int = 1,
        prioritized: bool = False,
        ram: bool = False,
    ) -> None:
        from Datasets.Experience import Spec
        from Datasets.Replay.Replay import Replay

        tune_processor()
        self.folder = tempfile.TemporaryDirectory(dir='/dev/shm' if ram else None)
        self.buffer = Replay(Spec(pixels.frame, 'uint8', (), 6), f'{self.folder.name}/replay', ENVS, capacity,
                             pixels.stack, batch, nstep, prioritized=prioritized)  # fmt: skip
        self.prioritized, self.single = prioritized, True

    def add(
        self, obs: np.ndarray, next_obs: np.ndarray, action: np.ndarray, reward: np.ndarray, ended: np.ndarray
    ) -> None:
        self.buffer.add(obs, action, reward, ended, ended & False, next_obs)

    def sample(self) -> None:
        batch = next(self.buffer.batches())
        if self.prioritized:
            self.buffer.reprioritize(batch.index, batch.reward.numpy())

    def bytes(self) -> float:
        held = sum(path.stat().st_size for path in self.buffer.path.iterdir())
        return held / (self.buffer.num_envs * self.buffer.capacity)


class StableBaselines:
    """Stores whole stacks, of this step and the next."""

    single = False

    def __init__(self, pixels: Pixels, capacity: int, batch: int = 32) -> None:
        from gymnasium.spaces import Box, Discrete
        from stable_baselines3.common.buffers import ReplayBuffer

        space = Box(0, 255, pixels.obs_shape, np.uint8)
        self.buffer = ReplayBuffer(capacity, space, Discrete(6), 'cpu', ENVS)
        self.batch = batch
        self.infos: list[dict] = [{}] * ENVS

    def add(
        self, obs: np.ndarray, next_obs: np.ndarray, action: np.ndarray, reward: np.ndarray, ended: np.ndarray
    ) -> None:
        self.buffer.add(obs, next_obs, action, reward, ended, self.infos)

    def sample(self) -> None:
        self.buffer.sample(self.batch)

    def bytes(self) -> float:
        obs = self.buffer.observations  # [capacity / ENVS, ENVS, C, H, W]
        return (obs.nbytes + self.buffer.next_observations.nbytes) / math.prod(obs.shape[:2])


class Cpprb:
    """Stores each frame once, by its stack compression; receives one environment after the other."""

    single = False

    def __init__(self, pixels: Pixels, capacity: int, batch: int = 32, prioritized: bool = False) -> None:
        import cpprb

        kind = cpprb.PrioritizedReplayBuffer if prioritized else cpprb.ReplayBuffer
        shape = (*pixels.frame[1:], pixels.obs_shape[0])
        fields = {'obs': {'shape': shape, 'dtype': np.uint8}, 'act': {'dtype': np.int64}, 'rew': {}, 'done': {}}
        # its stacks slide by one along the last axis, so frames of several channels are stored whole
        compress = {'next_of': 'obs', **({'stack_compress': 'obs'} if pixels.frame[0] == 1 else {})}
        self.before, self.batch, self.prioritized = peak(), batch, prioritized
        self.buffer = kind(capacity, fields, **compress)

    def add(
        self, obs: np.ndarray, next_obs: np.ndarray, action: np.ndarray, reward: np.ndarray, ended: np.ndarray
    ) -> None:
        obs, next_obs = (np.moveaxis(each, 1, -1) for each in (obs, next_obs))
        for i in range(ENVS):
            self.buffer.add(obs=obs[i], next_obs=next_obs[i], act=action[i], rew=reward[i], done=ended[i])
            if ended[i]:
                self.buffer.on_episode_end()

    def sample(self) -> None:
        batch = self.buffer.sample(self.batch)
        if self.prioritized:
            self.buffer.update_priorities(batch['indexes'], np.ones(self.batch))

    def bytes(self) -> float:
        """Returns the growth of the process per transition, since cpprb has no size of its own."""
        return (peak() - self.before) * 1e6 / self.buffer.get_stored_size()


class TorchRL:
    """Stores whole stacks, of this step and the next, as a tensordict."""

    single = False

    def __init__(self, pixels: Pixels, capacity: int, batch: int = 32, prioritized: bool = False) -> None:
        from tensordict import TensorDict
        from torchrl.data import LazyTensorStorage, TensorDictPrioritizedReplayBuffer, TensorDictReplayBuffer

        kind = TensorDictPrioritizedReplayBuffer if prioritized else TensorDictReplayBuffer
        options = dict(alpha=0.6, beta=0.4) if prioritized else {}
        self.buffer = kind(storage=LazyTensorStorage(capacity), batch_size=batch, **options)
        self.kind, self.prioritized = TensorDict, prioritized

    def add(
        self, obs: np.ndarray, next_obs: np.ndarray, action: np.ndarray, reward: np.ndarray, ended: np.ndarray
    ) -> None:
        step = {'obs': obs, 'next_obs': next_obs, 'action': action, 'reward': reward, 'ended': ended}
        self.buffer.extend(self.kind({name: torch.as_tensor(field) for name, field in step.items()}, [ENVS]))

    def sample(self) -> None:
        batch = self.buffer.sample()
        if self.prioritized:
            batch['td_error'] = torch.ones(len(batch))
            self.buffer.update_tensordict_priority(batch)

    def bytes(self) -> float:
        stored = self.buffer.storage[:ENVS]
        return sum(stored[name].nbytes for name in ('obs', 'next_obs')) / ENVS


class Tianshou:
    """Stores each frame once, by its own options, and gathers stacks."""

    single = True

    def __init__(self, pixels: Pixels, capacity: int, batch: int = 32, prioritized: bool = False) -> None:
        from tianshou.data import Batch, PrioritizedVectorReplayBuffer, VectorReplayBuffer

        kind = PrioritizedVectorReplayBuffer if prioritized else VectorReplayBuffer
        options = dict(alpha=0.6, beta=0.4) if prioritized else {}
        self.buffer = kind(capacity, ENVS, stack_num=pixels.stack, ignore_obs_next=True, **options)
        self.kind, self.batch, self.prioritized, self.never = Batch, batch, prioritized, np.zeros(ENVS, bool)

    def add(
        self, obs: np.ndarray, next_obs: np.ndarray, action: np.ndarray, reward: np.ndarray, ended: np.ndarray
    ) -> None:
        self.buffer.add(self.kind(obs=obs, act=action, rew=reward, terminated=ended, truncated=self.never,
                                  obs_next=next_obs, info=self.kind()))  # fmt: skip

    def sample(self) -> None:
        _, index = self.buffer.sample(self.batch)
        if self.prioritized:
            self.buffer.update_weight(index, np.ones(self.batch))

    def bytes(self) -> float:
        return self.buffer.obs.nbytes / self.buffer.maxsize


PEERS = {
    'stable-baselines3': (StableBaselines, 'stable-baselines3', False),  # without priorities
    'cpprb': (Cpprb, 'cpprb', True),
    'torchrl': (TorchRL, 'torchrl', True),
    'tianshou': (Tianshou, 'tianshou', True),
}


def filled(kind: Callable[..., Any], pixels: Pixels, size: Size, **options: Any) -> Any:
    """Returns a replay that is filled to nine tenths."""
    replay = kind(pixels, size.of(FULL, 640), **options)
    for step in transitions(size.of(18_000, 560) // ENVS, pixels, replay.single):
        replay.add(*step)
    return replay


def sampling(kind: Callable[..., Any], pixels: Pixels, **options: Any) -> Callable[[Size], Measure]:
    """Returns a contender that draws batches, and sets new priorities if it has priorities."""
    return lambda size: rate(filled(kind, pixels, size, **options).sample, 1, size)


def inserting(kind: Callable[..., Any], pixels: Pixels) -> Callable[[Size], Measure]:
    """Returns a contender that adds a step of all environments at once to a full replay."""

    def build(size: Size) -> Measure:
        replay = filled(kind, pixels, size)
        steps = itertools.cycle(list(transitions(64, pixels, replay.single)))
        return rate(lambda: replay.add(*next(steps)), ENVS, size)

    return build


def holding(kind: Callable[..., Any], pixels: Pixels) -> Callable[[Size], Measure]:
    """Returns a contender that measures the bytes per transition."""

    def build(size: Size) -> Measure:
        held = filled(kind, pixels, size).bytes()
        return lambda: held

    return build


def copying(pixels: Pixels, batch: int, nstep: int) -> Callable[[Size], Measure]:
    """Returns a contender that copies as many bytes as a batch has: two stacks without their overlap, per transition.

    It copies them in one piece from a random position of as many frames as the replays hold.
    """
    frame = math.prod(pixels.frame)
    copied = batch * (pixels.stack + min(nstep, pixels.stack)) * frame

    def build(size: Size) -> Measure:
        tune_processor()
        store = torch.ones(size.of(FULL, 0) * frame + copied, dtype=torch.uint8)
        random = np.random.default_rng(0)

        def copy() -> None:
            start = random.integers(len(store) - copied + 1)
            store[start : start + copied].clone()

        return rate(copy, 1, size)

    return build


def sample_row(name: str, batch: int, nstep: int, prioritized: bool) -> Row:
    """Returns a row of batches per second."""
    pixels, ours = PIXELS[name], dict(batch=batch, nstep=nstep)
    contenders = {
        'ours': Contender(sampling(Ours, pixels, **ours, prioritized=prioritized)),
        'ours, in RAM': Contender(sampling(Ours, pixels, **ours, prioritized=prioritized, ram=True)),
    }
    if prioritized:
        contenders['ours, uniform'] = Contender(sampling(Ours, pixels, **ours))
    else:
        contenders['memcpy'] = Contender(copying(pixels, batch, nstep))
    for peer, (kind, package, has_priorities) in PEERS.items():
        if has_priorities or not prioritized:
            options = {'prioritized': True} if prioritized else {}
            contenders[f'{peer}, 1-step'] = Contender(sampling(kind, pixels, batch=batch, **options), package)
    goals = {'ours, uniform': 0.7} if prioritized else {}
    if (name, batch, nstep, prioritized) == ('gray4', 256, 3, False):
        goals = {'cpprb, 1-step': 1.0, 'stable-baselines3, 1-step': 2.2, 'memcpy': 0.8}
    work = 'drawn by priority, with new priorities afterwards' if prioritized else 'drawn uniformly'
    channels, height, width = pixels.frame
    return Row(
        f'Batches of {batch} pairs of {pixels.stack} frames of {channels}x{height}x{width}, {nstep} steps apart '
        f'(peers: one), of {FULL:,} transitions, {work}',
        'batches/s', contenders, goals,
    )  # fmt: skip


def everyone(contender: Callable[..., Callable[[Size], Measure]], pixels: Pixels) -> dict[str, Contender]:
    """Returns this program and all others."""
    kinds = {'ours': (Ours, None, True), **PEERS}
    return {name: Contender(contender(kind, pixels), package) for name, (kind, package, _) in kinds.items()}


def bytes_row(name: str) -> Row:
    """Returns a row of bytes per transition."""
    goal = {'goal': Contender(lambda size: lambda: ATARI_BYTES)} if name == 'gray4' else {}
    return Row(
        'Bytes of the stored observations per transition',
        'bytes', everyone(holding, PIXELS[name]) | goal, {'goal': 1.0} if goal else {}, LESS,
    )  # fmt: skip


ROWS = {
    **{
        f'sample-b{batch}-n{nstep}-{name}-{"prioritized" if prioritized else "uniform"}':
        sample_row(name, batch, nstep, prioritized)
        for prioritized, name, batch, nstep in itertools.product((False, True), PIXELS, (32, 256), (1, 3, 10))
    },
    **{
        f'insert-{name}': Row(f'{ENVS} transitions at once, into a full replay', 'steps/s',
                              everyone(inserting, pixels))
        for name, pixels in PIXELS.items()
    },
    **{f'bytes-{name}': bytes_row(name) for name in PIXELS},
}  # fmt: skip
