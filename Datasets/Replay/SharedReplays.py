"""Replays that other processes may still be writing, as one memory: a learner beside its collectors."""

import time

import numpy as np
import torch

PERIOD = 1.0  # seconds between looks for new replays


class SharedReplays:
    """Samples of several replays, from each in proportion to what it holds (to its priorities, if it has some).

    Same interface as Replay; of one replay the samples are that one's own. What is added to a replay is there at once,
    what a new collector writes within PERIOD.

    Arguments:
        find: () -> paths of the replays. They may become more; what is once open stays so.
        follow: path -> Replay that reads it (mode 'r').
    """

    def __init__(self, find, follow, batch_size, seed):
        self.find, self.follow, self.batch_size, self.seed = find, follow, batch_size, seed
        self.parts, self.cursor = {}, 0  # path -> Replay
        self.look()

    def look(self):
        """Opens the replays that are new."""
        self.looked = time.monotonic()
        for path in self.find():
            if path not in self.parts:
                self.parts[path] = self.follow(path)

    @property
    def replays(self):
        """Those that a sample can be drawn from."""
        if time.monotonic() - self.looked > PERIOD:
            self.look()
        return [replay for replay in self.parts.values() if replay.ready]

    @property
    def ready(self):
        return bool(self.replays)

    @property
    def prioritized(self):
        return next(iter(self.parts.values())).prioritized

    @property
    def path(self):
        """Of the newest."""
        return max(self.parts)

    def __len__(self):
        return sum(map(len, self.parts.values()))

    def batches(self):
        """The one batch of this update, drawn by (seed, cursor)."""
        batch = self.sample(np.random.default_rng((self.seed, self.cursor)), self.batch_size)
        self.cursor += 1
        yield batch

    def sample(self, generator, size):
        """`size` samples drawn with a NumPy generator -> Experience of tensors."""
        replays = self.replays
        for replay in replays:
            replay.cursor = self.cursor  # of its schedules
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

    def starts(self):
        """Where each replay's indices begin, by its path."""
        sizes = [replay.num_envs * replay.capacity for replay in self.parts.values()]
        return dict(zip(self.parts, np.cumsum([0, *sizes[:-1]]).tolist(), strict=True))

    def reprioritize(self, index, error):
        """New priorities from absolute temporal-difference errors [B] of the samples at `index` [B]."""
        index, error = np.asarray(index), np.asarray(error)
        for path, start in self.starts().items():
            replay = self.parts[path]
            own = (index >= start) & (index < start + replay.num_envs * replay.capacity)
            if own.any():
                replay.reprioritize(index[own] - start, error[own])

    def state(self):
        """What decides, beside the replays' files, what comes next."""
        return {'cursor': self.cursor, 'names': [path.name for path in self.parts]}

    def close(self, keep=True):
        """The files are other processes'."""


def joined(batches):
    """Experiences [B_i] one after the other -> [B]; of nested ones too."""
    if batches[0] is None:
        return None
    if isinstance(batches[0], tuple):
        return type(batches[0])(*map(joined, zip(*batches, strict=True)))
    return torch.cat(batches)
