"""Replay against stable-baselines3's ReplayBuffer in one run: python benchmarks/replay.py [steps]

Batches of 256 stacks of four 84x84 frames, ours with 3-step returns, theirs with 1-step; insertion in batches of 64
environments, into a new replay and over the steps of a full one; bytes per transition. Interleaved repeats, medians
(min - max).
"""

import statistics
import sys
import tempfile
import time

import numpy as np
import torch
from gymnasium.spaces import Box, Discrete
from stable_baselines3.common.buffers import ReplayBuffer

import Utils
from Datasets.Experience import Spec
from Datasets.Replay import Replay

BATCH, ENVS, REPEATS = 256, 64, 9


def speed(action, count):
    """Calls per second."""
    began = time.perf_counter()
    for _ in range(count):
        action()
    return count / (time.perf_counter() - began)


def fill(add, steps, stack):
    """`steps` environment steps of random frames, ENVS at once -> steps per second."""
    random = np.random.default_rng(0)
    frames = [random.integers(256, size=(ENVS, stack, 84, 84), dtype=np.uint8) for _ in range(2)]
    began = time.perf_counter()
    for t in range(steps // ENVS):
        ended = random.random(ENVS) < 1e-3
        add(frames[t % 2], frames[(t + 1) % 2], random.integers(6, size=ENVS), np.ones(ENVS, np.float32), ended)
    return steps / (time.perf_counter() - began)


def main(steps=100_000):
    torch.set_num_threads(1)
    Utils.tune_processor()
    folder = tempfile.TemporaryDirectory()
    ours = Replay(Spec((1, 84, 84), 'uint8', (), 6), f'{folder.name}/r', ENVS, steps, 4, BATCH, nstep=3)
    theirs = ReplayBuffer(steps, Box(0, 255, (4, 84, 84), np.uint8), Discrete(6), 'cpu', n_envs=ENVS)
    inserted = [fill(lambda o, n, a, r, e: ours.add(o, a, r, e, e & False, n), steps, 1) for _ in range(2)]
    their_inserted = [fill(lambda o, n, a, r, e: theirs.add(o, n, a, r, e, [{}] * ENVS), steps, 4) for _ in range(2)]
    source = torch.zeros(BATCH * 7 * 84 * 84, dtype=torch.uint8)  # stacks of 4 and 3 steps
    contenders = {
        'ours, n-step 3': lambda: next(ours.batches()),
        'stable-baselines3, 1-step': lambda: theirs.sample(BATCH),
        'memcpy of as many bytes': source.clone,
    }
    speeds = {name: [] for name in contenders}
    for _ in range(REPEATS):
        for name, action in contenders.items():
            speeds[name].append(speed(action, 100))
    for name, values in speeds.items():
        print(f'{name:28} {statistics.median(values):8.0f} batches/s ({min(values):.0f} - {max(values):.0f})')
    ratio = statistics.median(speeds['ours, n-step 3']) / statistics.median(speeds['stable-baselines3, 1-step'])
    held = sum(path.stat().st_size for path in ours.path.iterdir()) / (ours.num_envs * ours.capacity)
    their_bytes = theirs.observations.nbytes + theirs.next_observations.nbytes
    print(f'ratio {ratio:.2f}; bytes per transition: ours {held:.0f}, theirs {their_bytes / steps:.0f}')
    for number, when in enumerate(('into a new replay', 'over the steps of a full one')):
        ours_now, theirs_now = inserted[number], their_inserted[number]
        print(f'insertion, {ENVS} at once, {when}: ours {ours_now:,.0f} steps/s, theirs {theirs_now:,.0f}')


if __name__ == '__main__':
    main(*map(int, sys.argv[1:]))
