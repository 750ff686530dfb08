"""From observations to features."""

import torch
from torch import nn

from Blocks.Architectures import CNN, Nature, Null
from Blocks.Shapes import Flat, build, shape_of


class Encoder(nn.Module):
    """Observations [B, C, H, W] in 0..255 (uint8 or float), or states [B, D] -> features [B, *repr_shape].

    Normalises with the pixels' mean and deviation, if the observations are images and only here; then `eyes` see and
    `pool` gathers what they saw, by default as one flat vector. Without eyes given: Nature's for large images, a small
    CNN for small ones, none for states.
    """

    def __init__(self, obs_shape, eyes=None, pool=None, mean=None, std=None, parallel=False):
        super().__init__()
        self.images = len(obs_shape) == 3
        if self.images:  # buffers so that they move with the module; not saved, since they come with the task
            frames = obs_shape[0] // len(mean or (0,))
            for name, value in (('mean', mean or (0.0,)), ('std', std or (255.0,))):
                self.register_buffer(name, torch.tensor(value * frames).view(-1, 1, 1), persistent=False)
        self.eyes = build(eyes or self.default(obs_shape), obs_shape)
        features = shape_of(self.eyes, obs_shape)
        self.pool = build(pool or Flat, features)
        self.repr_shape = shape_of(self.pool, features)
        see = nn.DataParallel(self.eyes) if parallel and torch.cuda.device_count() > 1 else self.eyes
        object.__setattr__(self, 'see', see)  # no submodule of its own: what is saved is the bare module's state

    @staticmethod
    def default(obs_shape):
        if len(obs_shape) != 3:
            return Null
        return Nature if min(obs_shape[1:]) >= 64 else CNN

    def forward(self, obs):
        if self.images:
            obs = torch.sub(obs, self.mean).div_(self.std)  # the difference is a new tensor, of floats
        return self.pool(self.see(obs))
