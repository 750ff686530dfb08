"""Experience replay: memory-mapped rings that store each frame once, and uniform or prioritized samples from them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from Datasets.Experience import Experience, Spec, to
from Datasets.Replay.Draws import one_batch
from Datasets.Replay.Gather import Gather
from Datasets.Replay.ReplayFiles import FINAL, LIFE_LOST, TERMINATED, TRUNCATED, ReplayFiles
from Datasets.Replay.SumTree import SumTree
from Support.Schedules import schedule


class Replay(Gather):
    """Uniform or prioritized n-step samples of experience, a function of (seed, cursor) and the content alone.

    Stacks, n-step returns and futures are computed as a batch is drawn, so they are options of the reader.

    Arguments:
        spec: of the suite, with the `extras` of the agent. path: a folder of its own. num_envs: rings, one for each
            environment that writes.
        capacity: slots in all, rounded up to whole rings. frame_stack: frames in an observation; an episode's first
            frame is repeated in front of it.
        nstep, discount: rewards r_0 + discount r_1 + ... of up to n steps, bootstrapped with discount^k at the end.
            Both may be schedules over the batches drawn, n the nearest whole number.
        horizon: K, to also return the next K steps (`Experience.future`); 0 for none.
        reward_clip: rewards are stored raw and clipped to [-reward_clip, reward_clip] when drawn; None for never.
        life_loss_cuts: a lost life counts as the end in the returns, though the episode goes on.
        prioritized, alpha, beta: proportional prioritized sampling (arXiv:1511.05952); beta may be such a schedule.
        mode: 'w+' a new replay; 'r+' appends to the one at `path`; 'c' continues from it without changing its files;
            'r' follows it while another process writes.
        source: a replay whose newest steps a new one begins with.
        slack: steps of each environment that can be taken back, see `ReplayFiles`.
        device: where batches go. If all images fit there (a GPU's memory), a copy of them is kept there, of which
            batches are gathered; mode 'r' keeps none, since it would miss what other processes write.

    Raises UserError if the disk is too small or the files at `path` are not a whole replay.
    """

    def __init__(self, spec: Spec, path: Path | str, num_envs: int = 1, capacity: int = 100_000, frame_stack: int = 1,
                 batch_size: int = 256, nstep: float | str = 1, discount: float | str = 0.99, horizon: int = 0,
                 reward_clip: float | None = None, life_loss_cuts: bool = False, prioritized: bool = False,
                 alpha: float = 0.5, beta: float | str = 0.4, seed: int = 1, mode: str = 'w+',
                 source: ReplayFiles | None = None, slack: int = 0,
                 device: torch.device | None = None) -> None:  # fmt: skip
        super().__init__(spec, path, num_envs, capacity, frame_stack, nstep, discount, horizon, reward_clip,
                         life_loss_cuts, mode, source, slack, device)  # fmt: skip
        self.batch_size, self.seed = batch_size, seed
        self.ages = self._ages()
        self.prioritized, self.alpha, self.beta, self.max_priority = prioritized, alpha, beta, 1.0
        if prioritized:
            self.tree = SumTree(self.num_envs * self.capacity)
            self.noticed = np.maximum(0, self.heads - self.kept)  # [N] slots that have had their first priority
            self._notice(self.heads)

    def _ages(self) -> np.ndarray:
        """Steps since an episode began [N], of the slots to be written next."""
        last = self.data['age'][self.envs, (self.heads - 1) % self.capacity]
        ended = self.data['flags'][self.envs, (self.heads - 1) % self.capacity] & FINAL
        return np.where((self.heads == 0) | (ended > 0), 0, last + 1)

    # Writing

    def add(self, obs: np.ndarray, action: np.ndarray, reward: np.ndarray, terminated: np.ndarray,
            truncated: np.ndarray, final_obs: np.ndarray, label: np.ndarray | None = None,
            life_lost: np.ndarray | None = None, extras: dict[str, np.ndarray] | None = None) -> None:  # fmt: skip
        """Stores one step of each environment: the observations acted on, the actions and their results, all [N, ...].

        `final_obs` counts where an episode ended. extras: what `act` computed beside the action, by name; of these the
        ones that the spec names are stored.
        """
        ended = terminated | truncated
        flags = TERMINATED * terminated + TRUNCATED * truncated
        if life_lost is not None:
            flags = flags + LIFE_LOST * life_lost
        stored, extras = [part.name for part in self.spec.extras], extras or {}
        if missing := [name for name in stored if name not in extras]:
            raise ValueError(f'agent.extra_parts names {missing}, which agent.extras lacks after `act`')
        beside = {name: extras[name] for name in stored}
        self._write(self.envs, obs, flags, action=action, reward=reward, label=label, **beside)
        self.ages += 1
        if ended.any():
            envs = self.envs[ended]
            self._write(envs, final_obs[ended], FINAL)
            self.ages[envs] = 0

    def _write(self, envs: np.ndarray, obs: np.ndarray, flags: Any, **fields: Any) -> None:
        slots = self.heads[envs] % self.capacity
        self.data['obs'][envs, slots] = obs
        if self.copy is not None:
            index, frames = (torch.from_numpy(np.asarray(x)) for x in (envs * self.capacity + slots, obs))
            self.copy[to(self.copy.device, index)] = to(self.copy.device, frames)
        self.data['flags'][envs, slots] = flags
        self.data['age'][envs, slots] = self.ages[envs]
        for name, value in fields.items():
            if value is not None:
                self.data[name][envs, slots] = value
        if self.prioritized:
            if self.slack:  # one more slot no longer counts, though it is still there
                self.tree[envs * self.capacity + (self.heads[envs] - self.kept) % self.capacity] = 0.0
            self.tree[envs * self.capacity + slots] = self.max_priority if fields else 0.0
        self.heads[envs] += 1  # last: a reader in another process sees whole slots only

    def cut(self) -> None:
        """Ends the episodes that a load finds open, since environments restart: the last observation is final."""
        for env in self.envs[self.ages > 0]:
            last = (self.heads[env] - 1) % self.capacity
            self.data['flags'][env, last] = FINAL
            if self.ages[env] > 1:
                self.data['flags'][env, last - 1] |= TRUNCATED  # -1: slot 0 of a full ring has its predecessor there
            if self.prioritized:
                self.tree[np.array([env * self.capacity + last])] = 0.0
        self.ages[:] = 0

    # Sampling

    @property
    def mass(self) -> float:
        """Weight of this replay when several are sampled together: its slots, or the sum of their priorities."""
        return self.tree.total if self.prioritized else len(self)

    @property
    def ready(self) -> bool:
        """Whether a batch can be drawn."""
        return bool((self.heads > self.window).any())

    def batches(self) -> Iterator[Experience]:
        """Yields the one batch of this update, as tensors. A resume needs only `cursor`."""
        return one_batch(self)

    def sample(self, generator: np.random.Generator, size: int) -> Experience:
        """Returns `size` samples drawn with the generator, as tensors.

        Proposals that are no start of a whole sample (an episode's final observation; an unfinished window at the head;
        a stack whose frames were overwritten) are drawn again, which leaves the distribution over the others as it is.
        """
        return self.weighed(self.draw(generator, size))

    def draw(self, generator: np.random.Generator, size: int) -> Experience:
        """As `sample`, but with importance weights that are not scaled yet."""
        heads = self.heads.copy()  # another process may write on
        if self.prioritized and self.mode == 'r':
            self._notice(heads)
        found = np.empty((3, 0), np.int64)  # environments, starts, and steps until each one bootstraps
        for _ in range(1000):
            whole = self._whole(heads, *self._propose(generator, heads, size - found.shape[1]))
            found = np.concatenate([found, whole], 1)
            if found.shape[1] >= size:
                return self._weigh(self.gather(*found[:, :size]))
        raise RuntimeError(f'The replay at {self.path} holds no whole sample of {self.window} steps; ask `ready` first')

    def _oldest(self, heads: np.ndarray) -> np.ndarray:
        """The first slot that is safe to read; a reader beside a writer keeps clear of what is overwritten next."""
        margin = min(256, self.kept // 4) if self.mode == 'r' else 0
        return np.maximum(0, heads - self.kept + margin)

    def _propose(self, generator: np.random.Generator, heads: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Environments and slots, uniform over all that are held, or in proportion to their priority -> [B], [B]."""
        if self.prioritized:
            mass = (np.arange(size) + generator.random(size)) * (self.tree.total / size)  # stratified
            index = np.minimum(self.tree.find(mass), self.num_envs * self.capacity - 1)
            env, slot = np.divmod(index, self.capacity)
            return env, heads[env] - 1 - (heads[env] - 1 - slot) % self.capacity
        longest = int((heads - self._oldest(heads)).max())
        size += size // 16 + 1  # a few more than needed are cheaper than to draw again for a few that are missing
        env = generator.integers(self.num_envs, size=size)
        return env, heads[env] - 1 - generator.integers(longest, size=size)

    def _whole(self, heads: np.ndarray, env: np.ndarray, start: np.ndarray) -> np.ndarray:
        """Those proposals [P] that are whole samples, and after how many steps each one bootstraps -> int64 [3, B]."""
        oldest, head, n = self._oldest(heads)[env], heads[env], self.nstep
        flags = self._at('flags', env, np.minimum(start[:, None] + np.arange(self.window), head[:, None] - 1))  # [P, W]
        finished = (flags & (TERMINATED | TRUNCATED)).any(1) | (start + self.window < head)
        stops = flags[:, :n] & (self.stops | TRUNCATED) > 0
        steps = np.where(stops.any(1), stops.argmax(1) + 1, n)
        frames = np.minimum(self._at('age', env, start), self.frame_stack - 1)  # before it, in its stack
        valid = finished & (flags[:, 0] & FINAL == 0) & (start - frames >= oldest)
        return np.stack([env, start, steps])[:, valid]

    def _weigh(self, batch: Experience) -> Experience:
        """Adds importance weights, which `weighed` scales."""
        if not self.prioritized:
            return batch
        beta = schedule(self.beta, self.cursor)
        return batch._replace(weight=torch.from_numpy(self.tree[batch.index.numpy()] ** -beta))

    def weighed(self, batch: Experience) -> Experience:
        """Divides importance weights by the largest: the number of samples and the total of priorities cancel."""
        weight = batch.weight
        return batch if weight is None else batch._replace(weight=(weight / weight.max()).float())

    # Priorities

    def reprioritize(self, index: np.ndarray, error: np.ndarray) -> None:
        """Sets new priorities from absolute temporal-difference errors [B] of the samples at `index` [B]."""
        if self.prioritized:
            priority = (np.asarray(error, np.float64) + 1e-6) ** self.alpha
            self.max_priority = max(self.max_priority, priority.max())
            self.tree[np.asarray(index)] = priority

    def _notice(self, heads: np.ndarray) -> None:
        """Gives slots that were stored before, or by another process, the priority of new ones."""
        for env in self.envs[heads > self.noticed]:
            slots = np.arange(max(self.noticed[env], heads[env] - self.kept), heads[env]) % self.capacity
            final = self.data['flags'][env, slots] & FINAL
            self.tree[env * self.capacity + slots] = np.where(final, 0.0, self.max_priority)
        self.noticed = heads.copy()

    # Saving and resuming

    def state(self) -> dict[str, Any]:
        """Returns what decides, beside the files, what is drawn next: nested dicts of arrays and numbers."""
        if self.mode == 'r':  # another process writes it
            return {'cursor': self.cursor}
        state = {'name': self.path.name, 'cursor': self.cursor, 'heads': np.array(self.heads)}
        if self.prioritized:
            state |= {'priorities': self.tree.leaves.copy(), 'max_priority': float(self.max_priority)}
        return state

    def restore(self, state: dict[str, Any]) -> None:
        """Takes back everything that was stored after `state()`; where that is impossible, keeps what there is."""
        self.cursor, self.resumed = state['cursor'], self.rewind(state['heads'])
        self.ages = self._ages()
        if not self.resumed:
            print(f'The replay at {self.path} has changed since the run was saved: the run continues with it as it is')
        elif self.prioritized and len(state.get('priorities', ())) == self.num_envs * self.capacity:
            self.tree.leaves, self.max_priority = state['priorities'], state['max_priority']
