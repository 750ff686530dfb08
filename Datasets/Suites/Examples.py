"""Small example environments to copy. Importing this module registers them with Gymnasium."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

SIDE = 24  # pixels
GRASP = 0.3  # distance within which the hand can grip the target; the table reaches from -1 to 1


class Reach(gymnasium.Env):
    """A hand on a table: an image shows the target, a vector holds the hand's position.

    Gripping at the target earns 1 a step, gripping elsewhere costs 0.1, and so does each unit of the remaining
    distance. Episodes are truncated after 20 steps.
    """

    metadata = {'render_modes': ['rgb_array'], 'render_fps': 15}

    def __init__(self, render_mode: str | None = None) -> None:
        self.render_mode = render_mode
        self.observation_space = spaces.Dict(
            image=spaces.Box(0, 255, (SIDE, SIDE, 1), np.uint8), hand=spaces.Box(-1, 1, (2,), np.float32)
        )
        self.action_space = spaces.Dict(move=spaces.Box(-1, 1, (2,), np.float32), grip=spaces.Discrete(2))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[dict[str, Any], dict]:
        """Places hand and target at random. Returns the observation and {}."""
        super().reset(seed=seed)
        self.hand, self.target = self.np_random.uniform(-1, 1, (2, 2)).astype(np.float32)
        self.gripping = False
        return self.observe(), {}

    def step(self, action: dict[str, Any]) -> tuple[dict[str, Any], float, bool, bool, dict]:
        """Moves the hand by a quarter of `action['move']`, and grips or not."""
        self.hand = np.clip(self.hand + 0.25 * action['move'], -1, 1)
        self.gripping = bool(action['grip'])
        distance = float(np.linalg.norm(self.hand - self.target))
        grasp = (1.0 if distance < GRASP else -0.1) * self.gripping
        return self.observe(), grasp - 0.1 * distance, False, False, {}

    def observe(self) -> dict[str, np.ndarray]:
        """Returns the observation."""
        return {'image': spot(self.target)[..., None], 'hand': self.hand.astype(np.float32)}

    def render(self) -> np.ndarray:
        """Returns a picture uint8 [H, W, 3]: the target green, the hand white, or red where it grips."""
        hand, target = spot(self.hand), spot(self.target)
        return np.stack([hand, np.maximum(hand * (not self.gripping), target), hand * (not self.gripping)], -1)


def spot(place: Sequence[float] | np.ndarray) -> np.ndarray:
    """Returns a picture uint8 [H, W] of a round spot at (x, y) in -1..1."""
    pixels = np.linspace(-1, 1, SIDE)
    x, y = (np.exp(-(((pixels - at) / 0.1) ** 2)) for at in place)
    return (255 * np.outer(y, x)).astype(np.uint8)


gymnasium.register('Reach-v0', Reach, max_episode_steps=20)  # type: ignore[arg-type]
