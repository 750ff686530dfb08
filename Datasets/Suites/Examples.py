"""Small environments of our own, as examples to copy. Importing this module registers them with Gymnasium."""

import gymnasium
import numpy as np
from gymnasium import spaces

SIDE = 24  # pixels
GRASP = 0.3  # how near to the target the hand can grip it; the table reaches from -1 to 1


class Reach(gymnasium.Env):
    """The target is seen, the hand is felt: to move it there and grip earns 1 a step.

    To grip elsewhere costs 0.1, and so does each unit of the way that remains. Episodes are cut off after 20 steps.
    """

    metadata = {'render_modes': ['rgb_array'], 'render_fps': 15}

    def __init__(self, render_mode=None):
        self.render_mode = render_mode
        self.observation_space = spaces.Dict(
            image=spaces.Box(0, 255, (SIDE, SIDE, 1), np.uint8), hand=spaces.Box(-1, 1, (2,), np.float32)
        )
        self.action_space = spaces.Dict(move=spaces.Box(-1, 1, (2,), np.float32), grip=spaces.Discrete(2))

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.hand, self.target = self.np_random.uniform(-1, 1, (2, 2)).astype(np.float32)
        self.gripping = False
        return self.observe(), {}

    def step(self, action):
        self.hand = np.clip(self.hand + 0.25 * action['move'], -1, 1)
        self.gripping = bool(action['grip'])
        distance = float(np.linalg.norm(self.hand - self.target))
        grasp = (1.0 if distance < GRASP else -0.1) * self.gripping
        return self.observe(), grasp - 0.1 * distance, False, False, {}

    def observe(self):
        return {'image': spot(self.target)[..., None], 'hand': self.hand.astype(np.float32)}

    def render(self):
        """The target green, the hand white, red where it grips."""
        hand, target = spot(self.hand), spot(self.target)
        return np.stack([hand, np.maximum(hand * (not self.gripping), target), hand * (not self.gripping)], -1)


def spot(place):
    """A picture uint8 [H, W] of a round spot at (x, y) in -1..1."""
    pixels = np.linspace(-1, 1, SIDE)
    x, y = (np.exp(-(((pixels - at) / 0.1) ** 2)) for at in place)
    return (255 * np.outer(y, x)).astype(np.uint8)


gymnasium.register('Reach-v0', Reach, max_episode_steps=20)
