"""Measures the cost of saving and resuming a run on Pong: python benchmarks/saving.py [steps ...]

By default of 100,000 and of 1,000,000 steps; prints a table of seconds and megabytes, like that of docs/saving.md.

The replay is filled with noise, then 10,000 further steps are added, as between two checkpoints with
save_per_steps=10000.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # run by its path, it does not find the project's packages

import numpy as np

from Agents.Agent import Agent
from Datasets.Experience import Spec
from Datasets.Replay.Replay import Replay
from Hyperparams.Compose import compose
from Hyperparams.Instantiate import instantiate
from Logging.Saving import CheckpointFile
from Support.RandomState import random_state

SPEC, BETWEEN, REPEATS = Spec((1, 84, 84), 'uint8', (), 6), 10_000, 3


def main(steps: Sequence[int] = (100_000, 1_000_000)) -> None:
    """Prints the table."""
    print('| steps | replay | MB of replay | MB of checkpoint | replay to disk, s | checkpoint, s | resuming, s |')
    print('|---|---|---|---|---|---|---|')
    for count in steps:
        for prioritized in (False, True):
            folder = Path(tempfile.mkdtemp(dir='.'))
            try:
                row = measure(folder, count, prioritized)
            finally:
                shutil.rmtree(folder)
            kind = 'prioritized' if prioritized else 'uniform'
            print(f'| {count:,} | {kind} | ' + ' | '.join(f'{value:,.2f}' for value in row) + ' |', flush=True)


def measure(folder: Path, steps: int, prioritized: bool) -> list[float]:
    """Returns medians: MB of replay and checkpoint, seconds to save each, seconds to load both."""
    args = compose(['task=atari/pong', 'device=cpu'])
    agent = instantiate(args.agent, spec=SPEC, recipes=instantiate(args.recipes), frame_stack=4)
    replay = Replay(SPEC, folder / 'replay', capacity=steps, frame_stack=4, slack=BETWEEN, prioritized=prioritized)
    write(replay, steps)
    agent.learn(replay)  # only then the optimizer has a state
    replay.flush()
    flushes, saves, loads = [], [], []
    for _ in range(REPEATS):
        write(replay, BETWEEN)
        flushes.append(seconds(replay.flush))
        state = {'chance': random_state(), 'agent': agent.state(), 'memory': replay.state()}
        saves.append(seconds(lambda: CheckpointFile.save(folder / 'agent.safetensors', agent, state)))  # noqa: B023
        loads.append(seconds(lambda: load(folder, agent, prioritized)))
    megabytes = [sum(path.stat().st_size for path in (folder / 'replay').iterdir()) / 1e6]
    megabytes.append((folder / 'agent.safetensors').stat().st_size / 1e6)
    return [*megabytes, *map(np.median, (flushes, saves, loads))]


def write(replay: Replay, steps: int) -> None:
    """Adds steps of noise."""
    frames, no = np.random.default_rng(0).integers(256, size=(16, 1, 1, 84, 84), dtype=np.uint8), np.zeros(1, bool)
    for step in range(steps):
        ended = np.array([step % 1000 == 999])
        replay.add(frames[step % 16], np.array([step % 6]), np.ones(1), ended, no, frames[step % 16])


def load(folder: Path, agent: Agent, prioritized: bool) -> None:
    """Loads checkpoint and replay, as a resumed run does."""
    left = CheckpointFile.load(folder / 'agent.safetensors', agent)
    Replay(SPEC, folder / 'replay', frame_stack=4, prioritized=prioritized, mode='r+').restore(left['memory'])


def seconds(function: Callable[[], Any]) -> float:
    """Returns how long a call takes."""
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('steps', nargs='*', type=int, default=(100_000, 1_000_000))
    main(parser.parse_args().steps)
