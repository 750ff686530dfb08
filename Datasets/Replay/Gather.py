"""Batches out of a replay's files: stacks of frames, n-step returns and futures, computed as a batch is drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from Datasets.Experience import Experience, Future, Spec, room, to
from Datasets.Replay.ReplayFiles import LIFE_LOST, TERMINATED, TRUNCATED, ReplayFiles
from Support.Schedules import extremes, schedule


class Gather(ReplayFiles):
    """Gathers samples by index, whole batches at a time.

    `cursor` is the number of batches drawn so far, over which schedules run. The arguments are those of `Replay`.
    """

    def __init__(self, spec: Spec, path: Path | str, num_envs: int = 1, capacity: int = 100_000, frame_stack: int = 1,
                 nstep: float | str = 1, discount: float | str = 0.99, horizon: int = 0,
                 reward_clip: float | None = None, life_loss_cuts: bool = False, mode: str = 'w+',
                 source: ReplayFiles | None = None, slack: int = 0,
                 device: torch.device | None = None) -> None:  # fmt: skip
        self.schedules, self.horizon = {'nstep': nstep, 'discount': discount}, horizon
        self.frame_stack, self.cursor = frame_stack, 0
        self.reward_clip = reward_clip
        self.stops = TERMINATED | (LIFE_LOST if life_loss_cuts else 0)  # nothing follows, for the returns
        self.window = max(round(extremes(nstep)[1]), horizon)  # steps that must be held after a start
        super().__init__(spec, path, num_envs, self.slots(capacity, num_envs), mode, source, 2 * slack)
        self.flat = {name: data.reshape(-1, *data.shape[2:]) for name, data in self.data.items()}
        self.copy = self._copied(device) if device is not None and self.spec.images and self.mode != 'r' else None
        self.envs = np.arange(self.num_envs)

    def _copied(self, device: torch.device) -> torch.Tensor | None:
        """All frames [slots, *obs_shape] on the device, or None if it has no room for them."""
        frames = self.flat['obs']
        if frames.nbytes > room(device):
            return None
        copy = torch.empty(frames.shape, dtype=getattr(torch, self.spec.obs_dtype), device=device)
        held = np.concatenate([env * self.capacity + np.arange(min(head, self.capacity))
                               for env, head in enumerate(self.heads.tolist())])  # fmt: skip
        for part in np.array_split(held, 1 + len(held) // 10_000):  # what is on disk need not fit into memory
            copy[to(device, torch.from_numpy(part))] = to(device, torch.from_numpy(frames[part]))
        return copy

    def slots(self, capacity: int, num_envs: int) -> int:
        """Returns the slots of each ring for `capacity` in all, at least as many as one whole sample needs."""
        return max(-(-capacity // num_envs), self.window + self.frame_stack + 2)

    @property
    def nstep(self) -> int:
        """Steps of reward in the next batch."""
        return round(schedule(self.schedules['nstep'], self.cursor))

    @property
    def discount(self) -> float:
        """Discount per step in the next batch."""
        return schedule(self.schedules['discount'], self.cursor)

    def gather(self, env: np.ndarray, start: np.ndarray, steps: np.ndarray) -> Experience:
        """Returns the samples that start at slots `start` of environments `env` and bootstrap after `steps`, all [B].

        They have no importance weights yet.
        """
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
            **self._extras(env, start),
        )
        return batch._replace(future=self._future(env, start, age)) if self.horizon else batch

    def _extras(self, env: np.ndarray, slot: np.ndarray) -> dict[str, Any]:
        """Extras of `act` at these slots, as fields of an Experience."""
        return {part.name: torch.from_numpy(self._at(part.name, env, slot)) for part in self.spec.extras}

    def _at(self, name: str, env: np.ndarray, slot: np.ndarray) -> np.ndarray:
        """Field `name` at slots [B] or [B, W] of environments [B] -> [B, ...] or [B, W, ...]."""
        return self.flat[name].take(self._index(env, slot), axis=0, mode='clip')  # the fast path; indices are in range

    def _index(self, env: np.ndarray, slot: np.ndarray) -> np.ndarray:
        """Positions of slots [B] or [B, W] of environments [B] in the flat arrays."""
        return (env if slot.ndim == 1 else env[:, None]) * self.capacity + slot % self.capacity

    def _frames(self, env: np.ndarray, slot: np.ndarray) -> torch.Tensor:
        """Frames at slots [B, ...] -> [B, ..., *obs_shape]."""
        shape = *slot.shape, *self.spec.obs_shape
        if self.copy is None:
            return torch.from_numpy(self._at('obs', env, slot.reshape(len(env), -1)).reshape(shape))
        index = self._index(env, slot.reshape(len(env), -1)).reshape(-1)
        return self.copy.index_select(0, to(self.copy.device, torch.from_numpy(index))).view(shape)

    def _stacks(self, env: np.ndarray, slot: np.ndarray, age: np.ndarray) -> torch.Tensor:
        """Observations at slots [B, M] of age [B, M], stacked to [B, M, frame_stack * C, H, W]."""
        back = np.minimum(np.arange(self.frame_stack)[::-1], age[..., None])  # [B, M, S]
        return self._frames(env, slot[..., None] - back).flatten(2, 3)

    def _pair(self, env: np.ndarray, start: np.ndarray, age: np.ndarray, steps: np.ndarray,
              follows: np.ndarray) -> tuple[torch.Tensor, ...]:  # fmt: skip
        """Observations at the start and after `steps` steps: two of [B, frame_stack * C, H, W].

        Where they overlap they are views of one window of frames, which saves copying the common ones. The window has
        room for a shorter pair only if nothing `follows` it. Its later stack is then not needed: it holds the
        episode's last frames, the very last repeated.
        """
        if self.nstep < self.frame_stack and (steps[follows] == self.nstep).all():
            offset = np.arange(1 - self.frame_stack, self.nstep + 1)
            offset = np.minimum(np.maximum(offset, -age[:, None]), steps[:, None])  # [B, S + n]
            window = self._frames(env, start[:, None] + offset)
            return window[:, : self.frame_stack].flatten(1, 2), window[:, self.nstep :].flatten(1, 2)
        offset = np.stack([np.zeros_like(steps), steps], 1)  # [B, 2]
        return self._stacks(env, start[:, None] + offset, age[:, None] + offset).unbind(1)

    def _rewards(self, env: np.ndarray, slot: np.ndarray) -> np.ndarray:
        reward = self._at('reward', env, slot)
        return reward if self.reward_clip is None else reward.clip(-self.reward_clip, self.reward_clip)

    def _future(self, env: np.ndarray, start: np.ndarray, age: np.ndarray) -> Future:
        """The next `horizon` steps."""
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
