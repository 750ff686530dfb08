"""Experience replay: memory-mapped rings (Rings.py) that store each frame once and of which whole batches are gathered.

Stacks, n-step returns and futures are computed as a batch is drawn, so they are options of the reader.
"""

import numpy as np
import torch

from Datasets.Experience import Experience, Future, room, to
from Datasets.Replay.ReplayFiles import FINAL, LIFE_LOST, TERMINATED, TRUNCATED, Rings
from Datasets.Replay.SumTree import SumTree
from Support.Schedules import extremes, schedule


class Replay(Rings):
    """Uniform or prioritised n-step samples of experience, drawn by (seed, cursor) and the content alone.

    Arguments:
        spec: of the suite. path: a folder of its own. num_envs: rings, one for each environment that writes.
        capacity: slots in all, rounded up to whole rings. frame_stack: frames in an observation; an episode's first
            frame is repeated in front of it.
        nstep, discount: rewards r_0 + discount r_1 + ... of up to n steps, bootstrapped with discount^k at the end.
            Both may be schedules over the batches drawn, n the nearest whole number.
        horizon: K, to also return the next K steps (`Experience.future`); 0 for none.
        reward_clip: rewards are stored raw and clipped to [-reward_clip, reward_clip] when drawn; None for never.
        life_loss_cuts: a lost life counts as the end in the returns, though the episode goes on.
        prioritized, alpha, beta: proportional prioritised sampling (arXiv:1511.05952); beta may be such a schedule.
        mode: 'w+' a new replay; 'r+' append to the one at `path`; 'c' go on from it without changing its files;
            'r' follow it while another process writes.
        source: a replay whose newest steps a new one begins with.
        slack: steps of each environment that can be taken back, see Rings.
        device: where batches go. If all images have room there (a GPU's memory), a copy of them is kept there, of which
            batches are gathered; other processes' steps do not come into it, so mode 'r' has none.
    Raises UserError if the disk is too small or the files at `path` are not a whole replay.
    """

    def __init__(self, spec, path, num_envs=1, capacity=100_000, frame_stack=1, batch_size=32, nstep=1, discount=0.99,
                 horizon=0, reward_clip=None, life_loss_cuts=False, prioritized=False, alpha=0.6, beta=0.4, seed=0,
                 mode='w+', source=None, slack=0, device=None):  # fmt: skip
        self.batch_size, self.schedules, self.horizon = batch_size, {'nstep': nstep, 'discount': discount}, horizon
        self.frame_stack, self.seed, self.cursor = frame_stack, seed, 0
        self.reward_clip = reward_clip
        self.stops = TERMINATED | (LIFE_LOST if life_loss_cuts else 0)  # nothing follows, for the returns
        self.window = max(round(extremes(nstep)[1]), horizon)  # steps that must be held after a start
        super().__init__(spec, path, num_envs, self.slots(capacity, num_envs), mode, source, 2 * slack)
        self.flat = {name: data.reshape(-1, *data.shape[2:]) for name, data in self.data.items()}
        self.copy = self._copied(device) if device is not None and self.spec.images and self.mode != 'r' else None
        self.envs = np.arange(self.num_envs)
        self.ages = self._ages()
        self.prioritized, self.alpha, self.beta, self.max_priority = prioritized, alpha, beta, 1.0
        if prioritized:
            self.tree = SumTree(self.num_envs * self.capacity)
            self.noticed = np.maximum(0, self.heads - self.kept)  # [N] slots that have had their first priority
            self._notice(self.heads)

    def _copied(self, device):
        """All frames [slots, *obs_shape] on the device, or None if it has no room for them."""
        frames = self.flat['obs']
        if frames.nbytes > room(device):
            return None
        copy = torch.empty(frames.shape, dtype=torch.uint8, device=device)
        held = np.concatenate([env * self.capacity + np.arange(min(head, self.capacity))
                               for env, head in enumerate(self.heads.tolist())])  # fmt: skip
        for part in np.array_split(held, 1 + len(held) // 10_000):  # what is on disk need not fit into memory
            copy[to(device, torch.from_numpy(part))] = to(device, torch.from_numpy(frames[part]))
        return copy

    def _ages(self):
        """[N], of the slots to be written."""
        last = self.data['age'][self.envs, (self.heads - 1) % self.capacity]
        ended = self.data['flags'][self.envs, (self.heads - 1) % self.capacity] & FINAL
        return np.where((self.heads == 0) | (ended > 0), 0, last + 1)

    def slots(self, capacity, num_envs):
        """Slots of each ring for `capacity` in all; room for one whole sample at least."""
        return max(-(-capacity // num_envs), self.window + self.frame_stack + 2)

    # Writing

    def add(self, obs, action, reward, terminated, truncated, final_obs, label=None, life_lost=None):
        """One step of each environment, all [N, ...]: what was seen, done, came of it; `final_obs` where it ended."""
        ended = terminated | truncated
        flags = TERMINATED * terminated + TRUNCATED * truncated
        if life_lost is not None:
            flags = flags + LIFE_LOST * life_lost
        self._write(self.envs, obs, flags, action=action, reward=reward, label=label)
        self.ages += 1
        if ended.any():
            envs = self.envs[ended]
            self._write(envs, final_obs[ended], FINAL)
            self.ages[envs] = 0

    def _write(self, envs, obs, flags, **fields):
        slots = self.heads[envs] % self.capacity
        self.data['obs'][envs, slots] = obs
        if self.copy is not None:
            index, obs = (torch.from_numpy(np.asarray(x)) for x in (envs * self.capacity + slots, obs))
            self.copy[to(self.copy.device, index)] = to(self.copy.device, obs)
        self.data['flags'][envs, slots] = flags
        self.data['age'][envs, slots] = self.ages[envs]
        for name, value in fields.items():
            if value is not None:
                self.data[name][envs, slots] = value
        if self.prioritized:
            if self.slack:  # one more slot counts no longer, though it is still there
                self.tree[envs * self.capacity + (self.heads[envs] - self.kept) % self.capacity] = 0.0
            self.tree[envs * self.capacity + slots] = self.max_priority if fields else 0.0
        self.heads[envs] += 1  # last: a reader in another process sees whole slots only

    def cut(self):
        """Ends the episodes that a load finds open, since environments begin anew: what was seen last is final."""
        for env in self.envs[self.ages > 0]:
            last = (self.heads[env] - 1) % self.capacity
            self.data['flags'][env, last] = FINAL
            if self.ages[env] > 1:
                self.data['flags'][env, last - 1] |= TRUNCATED  # -1 is where slot 0 of a full ring has its predecessor
            if self.prioritized:
                self.tree[np.array([env * self.capacity + last])] = 0.0
        self.ages[:] = 0

    # Reading

    @property
    def nstep(self):
        """Steps of reward in the next batch."""
        return round(schedule(self.schedules['nstep'], self.cursor))

    @property
    def discount(self):
        """Per step, in the next batch."""
        return schedule(self.schedules['discount'], self.cursor)

    @property
    def mass(self):
        """What the replay counts where a sample may come from several: its slots, or the sum of their priorities."""
        return self.tree.total if self.prioritized else len(self)

    @property
    def ready(self):
        """Whether a batch can be drawn."""
        return bool((self.heads > self.window).any())

    def batches(self):
        """The one batch of this update, as tensors. A resume needs only `cursor`."""
        batch = self.sample(np.random.default_rng((self.seed, self.cursor)), self.batch_size)
        self.cursor += 1
        yield batch

    def sample(self, generator, size):
        """`size` samples drawn with a NumPy generator -> Experience of tensors.

        Proposals that are no start of a whole sample (an episode's final observation; an unfinished window at the head;
        a stack whose frames were overwritten) are drawn again, which leaves the distribution over the others as it is.
        """
        return self.weighed(self.draw(generator, size))

    def draw(self, generator, size):
        """As `sample`, but with importance weights that are not scaled yet."""
        heads = self.heads.copy()  # another process may write on
        if self.prioritized and self.mode == 'r':
            self._notice(heads)
        found = np.empty((3, 0), np.int64)  # environments, starts, and steps until each one bootstraps
        for _ in range(1000):
            whole = self._whole(heads, *self._propose(generator, heads, size - found.shape[1]))
            found = np.concatenate([found, whole], 1)
            if found.shape[1] >= size:
                return self._gather(*found[:, :size])
        raise RuntimeError(f'The replay at {self.path} holds no whole sample of {self.window} steps; ask `ready` first')

    def _oldest(self, heads):
        """The first slot that is safe to read; a reader beside a writer keeps clear of what is overwritten next."""
        margin = min(256, self.kept // 4) if self.mode == 'r' else 0
        return np.maximum(0, heads - self.kept + margin)

    def _propose(self, generator, heads, size):
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

    def _whole(self, heads, env, start):
        """Those proposals [P] that are whole samples, and after how many steps each one bootstraps -> int64 [3, B]."""
        oldest, head, n = self._oldest(heads)[env], heads[env], self.nstep
        flags = self._at('flags', env, np.minimum(start[:, None] + np.arange(self.window), head[:, None] - 1))  # [P, W]
        finished = (flags & (TERMINATED | TRUNCATED)).any(1) | (start + self.window < head)
        stops = flags[:, :n] & (self.stops | TRUNCATED) > 0
        steps = np.where(stops.any(1), stops.argmax(1) + 1, n)
        frames = np.minimum(self._at('age', env, start), self.frame_stack - 1)  # before it, in its stack
        valid = finished & (flags[:, 0] & FINAL == 0) & (start - frames >= oldest)
        return np.stack([env, start, steps])[:, valid]

    def _at(self, name, env, slot):
        """Field `name` at slots [B] or [B, W] of environments [B] -> [B, ...] or [B, W, ...]."""
        return self.flat[name].take(self._index(env, slot), axis=0, mode='clip')  # the fast path; indices are in range

    def _index(self, env, slot):
        """Where slots [B] or [B, W] of environments [B] lie among all."""
        return (env if slot.ndim == 1 else env[:, None]) * self.capacity + slot % self.capacity

    def _frames(self, env, slot):
        """Frames at slots [B, ...] -> [B, ..., *obs_shape]."""
        shape = *slot.shape, *self.spec.obs_shape
        if self.copy is None:
            return torch.from_numpy(self._at('obs', env, slot.reshape(len(env), -1)).reshape(shape))
        index = self._index(env, slot.reshape(len(env), -1)).reshape(-1)
        return self.copy.index_select(0, to(self.copy.device, torch.from_numpy(index))).view(shape)

    def _stacks(self, env, slot, age):
        """Observations at slots [B, M] of age [B, M], stacked to [B, M, frame_stack * C, H, W]."""
        back = np.minimum(np.arange(self.frame_stack)[::-1], age[..., None])  # [B, M, S]
        return self._frames(env, slot[..., None] - back).flatten(2, 3)

    def _pair(self, env, start, age, steps, follows):
        """What was seen at the start and after `steps` steps: two of [B, frame_stack * C, H, W].

        Where they overlap they are views of one window of frames, which saves copying the common ones. That has room
        for a shorter pair only if nothing `follows` it, and its later stack is not needed: it is then the episode's
        last frames, the very last repeated.
        """
        if self.nstep < self.frame_stack and (steps[follows] == self.nstep).all():
            offset = np.arange(1 - self.frame_stack, self.nstep + 1)
            offset = np.minimum(np.maximum(offset, -age[:, None]), steps[:, None])  # [B, S + n]
            window = self._frames(env, start[:, None] + offset)
            return window[:, : self.frame_stack].flatten(1, 2), window[:, self.nstep :].flatten(1, 2)
        offset = np.stack([np.zeros_like(steps), steps], 1)  # [B, 2]
        return self._stacks(env, start[:, None] + offset, age[:, None] + offset).unbind(1)

    def _gather(self, env, start, steps):
        age, ahead = self._at('age', env, start).astype(np.int64), np.arange(self.nstep + 1)
        reward = self._rewards(env, start[:, None] + ahead[:-1]) * (ahead[:-1] < steps[:, None])  # [B, n]
        last = self._at('flags', env, start + steps - 1)
        follows = last & self.stops == 0
        obs, next_obs = self._pair(env, start, age, steps, follows)
        powers = (self.discount**ahead).astype(np.float32)
        index = env * self.capacity + start % self.capacity
        batch = Experience(
            obs=obs,
            action=torch.from_numpy(self._at('action', env, start)),
            reward=torch.from_numpy(reward @ powers[:-1]),
            discount=torch.from_numpy(powers[steps] * follows),
            next_obs=next_obs,
            last=torch.from_numpy(last & (TERMINATED | TRUNCATED) > 0),
            label=torch.from_numpy(self._at('label', env, start)) if 'label' in self.data else None,
            index=torch.from_numpy(index),
        )
        if self.horizon:
            batch = batch._replace(future=self._future(env, start, age))
        if self.prioritized:
            beta = schedule(self.beta, self.cursor)
            batch = batch._replace(weight=torch.from_numpy(self.tree[index] ** -beta))  # scaled in `weighed`
        return batch

    def weighed(self, batch):
        """Importance weights over their largest: the number of samples and the total of priorities cancel."""
        weight = batch.weight
        return batch if weight is None else batch._replace(weight=(weight / weight.max()).float())

    def _rewards(self, env, slot):
        reward = self._at('reward', env, slot)
        return reward if self.reward_clip is None else reward.clip(-self.reward_clip, self.reward_clip)

    def _future(self, env, start, age):
        """The next `horizon` steps -> Future."""
        ahead = np.arange(self.horizon)
        ends = (self._at('flags', env, start[:, None] + ahead) & (TERMINATED | TRUNCATED)) > 0
        length = np.where(ends.any(1), ends.argmax(1) + 1, self.horizon)[:, None]  # [B, 1] steps to the end
        valid = ahead < length  # [B, K]
        offset = np.minimum(ahead + 1, length)
        taken = start[:, None] + np.minimum(ahead, length - 1)
        return Future(
            obs=self._stacks(env, start[:, None] + offset, age[:, None] + offset),
            action=torch.from_numpy(self._at('action', env, taken)),
            reward=torch.from_numpy(self._rewards(env, taken) * valid),
            valid=torch.from_numpy(valid),
        )

    # Priorities

    def reprioritize(self, index, error):
        """New priorities from absolute temporal-difference errors [B] of the samples at `index` [B]."""
        if self.prioritized:
            priority = (np.asarray(error, np.float64) + 1e-6) ** self.alpha
            self.max_priority = max(self.max_priority, priority.max())
            self.tree[np.asarray(index)] = priority

    def _notice(self, heads):
        """Slots that were stored before, or by another process, get the priority of new ones."""
        for env in self.envs[heads > self.noticed]:
            slots = np.arange(max(self.noticed[env], heads[env] - self.kept), heads[env]) % self.capacity
            final = self.data['flags'][env, slots] & FINAL
            self.tree[env * self.capacity + slots] = np.where(final, 0.0, self.max_priority)
        self.noticed = heads.copy()

    # Stopping and going on

    def state(self):
        """What decides, beside the files, what comes next: nested dicts of arrays and numbers."""
        if self.mode == 'r':  # another process writes it
            return {'cursor': self.cursor}
        state = {'name': self.path.name, 'cursor': self.cursor, 'heads': np.array(self.heads)}
        if self.prioritized:
            state |= {'priorities': self.tree.leaves.copy(), 'max_priority': float(self.max_priority)}
        return state

    def restore(self, state):
        """Goes on as if nothing had come after `state()`; where that is not possible any more, with what there is."""
        self.cursor, self.resumed = state['cursor'], self.rewind(state['heads'])
        self.ages = self._ages()
        if not self.resumed:
            print(f'The replay at {self.path} has changed since the run was saved: it goes on with what is there')
        elif self.prioritized and len(state.get('priorities', ())) == self.num_envs * self.capacity:
            self.tree.leaves, self.max_priority = state['priorities'], state['max_priority']
