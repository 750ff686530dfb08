"""The steps since the last update, for on-policy agents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from Datasets.Experience import Experience, to
from Datasets.Replay.Draws import next_draw
from Datasets.Replay.Replay import Replay
from Datasets.Replay.ReplayFiles import FINAL, TERMINATED, TRUNCATED


class Rollout(Replay):
    """Collects the newest T steps of all N environments and shuffles them into minibatches, for several epochs.

    `batch_size` counts the steps of a minibatch; T follows from how often `collect` is called.
    """

    def __init__(self, *args: Any, device: torch.device | None = None, **options: Any) -> None:
        super().__init__(*args, **options)  # without the device: steps that are used once need no copy there
        self.since = self.heads.copy()

    def add(self, obs: np.ndarray, action: np.ndarray, reward: np.ndarray, terminated: np.ndarray,
            truncated: np.ndarray, final_obs: np.ndarray, label: np.ndarray | None = None,
            life_lost: np.ndarray | None = None, extras: dict[str, np.ndarray] | None = None) -> None:  # fmt: skip
        """As `Replay.add`; the next observation is stored in the slot at the head already, to bootstrap from."""
        super().add(obs, action, reward, terminated, truncated, final_obs, label, life_lost, extras)
        self.data['obs'][self.envs, self.heads % self.capacity] = final_obs

    @property
    def ready(self) -> bool:
        """Whether every environment has taken a step since the last rollout."""
        return bool((self.heads > self.since).all())

    def minibatches(self, rollout: Experience, epochs: int, sequences: bool = False) -> Iterator[Experience]:
        """Yields minibatches [n, L] of a rollout [N, T], in another order each epoch.

        sequences: each environment's T steps stay together in their order (L = T); else single steps (L = 1).
        """
        steps = rollout._replace(next_obs=None, carry=None)._asdict()  # the returns hold what follows
        length = rollout.reward.shape[1] if sequences else 1
        steps = {name: x.flatten(0, 1).unflatten(0, (-1, length)) for name, x in steps.items() if x is not None}
        if rollout.carry is not None:
            steps['carry'] = rollout.carry
        with next_draw(self) as generator:
            orders = [generator.permutation(len(steps['action'])) for _ in range(epochs)]
        for order in orders:
            order = to(steps['action'].device, torch.from_numpy(order))
            for index in order.split(max(1, self.batch_size // length)):
                yield Experience(**{name: field[index] for name, field in steps.items()})

    def collect(self) -> Experience:
        """Returns all steps since the last call, [N, T]."""
        slots = [np.arange(since, head) for since, head in zip(self.since, self.heads, strict=True)]
        acted = [self._at('flags', np.full(len(slot), env), slot) & FINAL == 0 for env, slot in enumerate(slots)]
        slot = np.stack([slot[mask] for slot, mask in zip(slots, acted, strict=True)])  # [N, T]
        self.since = self.heads.copy()
        env, flags = self.envs, self._at('flags', self.envs, slot)
        age = self._at('age', env, slot).astype(np.int64)
        return Experience(
            obs=self._stacks(env, slot, age),
            action=torch.from_numpy(self._at('action', env, slot)),
            reward=torch.from_numpy(self._rewards(env, slot)),
            discount=torch.from_numpy((self.discount * (flags & self.stops == 0)).astype(np.float32)),
            next_obs=self._stacks(env, slot + 1, age + 1),
            last=torch.from_numpy(flags & (TERMINATED | TRUNCATED) > 0),
            first=torch.from_numpy(age == 0),
            **self._extras(env, slot),
        )

    def state(self) -> dict[str, Any]:
        """See `Replay.state`."""
        return super().state() | {'since': self.since.copy()}

    def restore(self, state: dict[str, Any]) -> None:
        """See `Replay.restore`."""
        super().restore(state)
        self.since = np.array(state['since']) if self.resumed else self.heads.copy()
