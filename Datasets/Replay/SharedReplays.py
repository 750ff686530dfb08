"""Several replays as one, while other processes write them: for a learner beside its collectors."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from Datasets.Experience import Experience
from Datasets.Replay.Draws import one_batch
from Datasets.Replay.Replay import Replay

PERIOD = 1.0  # seconds between searches for new replays


class SharedReplays:
    """Samples of several replays, each in proportion to its length, or to the sum of its priorities if it has some.

    Same interface as `Replay`; the samples of a single replay are those that it draws itself. Steps that are added to
    a replay can be drawn at once, those of a new collector within PERIOD.

    Arguments:
        find: () -> paths of the replays. There may be more each time; a replay that was opened stays open.
        follow: path -> Replay that reads it (mode 'r').
    """

    def __init__(self, find: Callable[[], Iterable[Path]], follow: Callable[[Path], Replay], batch_size: int,
                 seed: int) -> None:  # fmt: skip
        self.find, self.follow, self.batch_size, self.seed = find, follow, batch_size, seed
        self.parts: dict[Path, Replay] = {}
        self.cursor = 0
        self.look()

    def look(self) -> None:
        """Opens the replays that are new."""
        self.looked = time.monotonic()
        for path in self.find():
            if path not in self.parts:
                self.parts[path] = self.follow(path)

    @property
    def replays(self) -> list[Replay]:
        """The replays from which a sample can be drawn."""
        if time.monotonic() - self.looked > PERIOD:
            self.look()
        return [replay for replay in self.parts.values() if replay.ready]

    @property
    def ready(self) -> bool:
        """Whether a batch can be drawn."""
        return bool(self.replays)

    @property
    def prioritized(self) -> bool:
        """Whether samples are drawn by priorities."""
        return next(iter(self.parts.values())).prioritized

    @property
    def path(self) -> Path:
        """The path of the newest replay."""
        return max(self.parts)

    def __len__(self) -> int:
        return sum(map(len, self.parts.values()))

    def batches(self) -> Iterator[Experience]:
        """Yields the one batch of this update, a function of (seed, cursor)."""
        return one_batch(self)

    def sample(self, generator: np.random.Generator, size: int) -> Experience:
        """Returns `size` samples drawn with the generator, as tensors."""
        replays = self.replays
        for replay in replays:
            replay.cursor = self.cursor  # for its schedules
        if len(replays) == 1:
            return replays[0].sample(generator, size)
        mass = np.array([replay.mass for replay in replays], float)
        counts = generator.multinomial(size, mass / mass.sum())
        chosen = [(replay, count) for replay, count in zip(replays, counts, strict=True) if count]
        drawn = [replay.draw(generator, count) for replay, count in chosen]
        starts = self.starts()
        drawn = [batch._replace(index=batch.index + starts[replay.path])
                 for batch, (replay, _) in zip(drawn, chosen, strict=True)]  # fmt: skip
        return chosen[0][0].weighed(joined(drawn))

    def starts(self) -> dict[Path, int]:
        """Returns the first index of each replay, by its path."""
        sizes = [replay.num_envs * replay.capacity for replay in self.parts.values()]
        return dict(zip(self.parts, np.cumsum([0, *sizes[:-1]]).tolist(), strict=True))

    def reprioritize(self, index: np.ndarray, error: np.ndarray) -> None:
        """Sets new priorities from absolute temporal-difference errors [B] of the samples at `index` [B]."""
        index, error = np.asarray(index), np.asarray(error)
        for path, start in self.starts().items():
            replay = self.parts[path]
            own = (index >= start) & (index < start + replay.num_envs * replay.capacity)
            if own.any():
                replay.reprioritize(index[own] - start, error[own])

    def state(self) -> dict[str, Any]:
        """Returns what decides, beside the replays' files, what is drawn next."""
        return {'cursor': self.cursor, 'names': [path.name for path in self.parts]}

    def flush(self) -> None:
        """Does nothing: the files belong to other processes."""

    def close(self, keep: bool = True) -> None:
        """Does nothing: the files belong to other processes."""


def joined(batches: Any) -> Any:
    """Concatenates Experiences [B_i] to [B], nested ones too."""
    if batches[0] is None:
        return None
    if isinstance(batches[0], tuple):
        return type(batches[0])(*map(joined, zip(*batches, strict=True)))
    return torch.cat(batches)
