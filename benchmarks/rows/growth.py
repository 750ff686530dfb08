"""Costs of this program against the size of the replay, the number of environments and the size of a batch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from benchmarks import settings
from benchmarks.contest import Contender, Measure, Row, Size
from benchmarks.rows import envs, learner, replay
from Datasets.Experience import Experience

SIZES = {
    'capacity': (10_000, 30_000, 100_000, 300_000, 1_000_000),
    'envs': (1, 2, 4, 8, 16, 32, 64),
    'batch': (32, 64, 128, 256, 512, 1024),
}
WORK = {
    'capacity': ('Batches of 256 pairs of 4 frames of 84x84, 3 steps apart, from a full replay on disk', 'batches/s'),
    'envs': ('Steps of Pong, native environments on all cores, with the frame stacks and scores of a run', 'steps/s'),
    'batch': ('DQN with the Nature CNN, updates from a batch that is always the same', 'updates/s'),
}


def drawing(capacity: int) -> Callable[[Size], Measure]:
    """Returns a contender that samples from a full replay."""

    def build(size: Size) -> Measure:
        full = size.of(capacity, 640)
        own = replay.Ours(replay.PIXELS['gray4'], full, batch=256, nstep=3)
        for step in replay.transitions(full // replay.ENVS, replay.PIXELS['gray4'], single=True):
            own.add(*step)
        return replay.rate(own.sample, 1, size)

    return build


def updating(batch: int) -> Callable[[Size], Measure]:
    """Returns a contender that makes updates of DQN."""

    def pairs(size: Size) -> Experience:
        return learner.transition((4, 84, 84), size.of(batch, 4), 6)

    return learner.ours(settings.DQN, learner.PONG, pairs, None).build


BUILD: dict[str, Callable[[int], Callable[[Size], Measure]]] = {
    'capacity': drawing,
    'envs': lambda count: partial(envs.pong_ours, count),
    'batch': updating,
}
ROWS = {
    f'{kind}-{size}': Row(f'{WORK[kind][0]}: {size:,} of {kind}', WORK[kind][1], {'ours': Contender(BUILD[kind](size))})
    for kind, sizes in SIZES.items()
    for size in sizes
}
