"""From observations to features."""

import torch
from torch import nn

from Blocks.Architectures import CNN, Nature, Null
from Blocks.PackedObservations import shapes, unpack
from Blocks.RunningMoments import Normalized
from Blocks.Shapes import Flat, build, shape_of, size
from Support.Errors import UserError
from Support.Kinds import kind_of

WHITE = 255.0  # of a pixel


class Encoder(nn.Module):
    """Observations [B, C, H, W] in 0..255 (uint8 or float), states [B, D] or tokens [B, T] (int64) -> features
    [B, *repr_shape].

    kind: 'image', 'state' or 'tokens'; None: as the shape says (`Support.Kinds`). Tokens reach `eyes` unchanged, as
    integers, so that an nn.Embedding can be the first layer; they have no default eyes.

    Normalises with the pixels' mean and deviation, if the observations are images and only here; then `eyes` see and
    `pool` gathers what they saw, by default as one flat vector. Without eyes given: Nature's for large images, a small
    CNN for small ones, none for states. `normalize`: states by their running moments, as far as `update` counts them.
    """

    def __init__(self, obs_shape, eyes=None, pool=None, mean=None, std=None, parallel=False, normalize=False,
                 kind=None):  # fmt: skip
        super().__init__()
        self.kind = kind or kind_of(obs_shape)
        self.images = self.kind == 'image'
        self.measured = self.images and bool(mean or std)
        self.running = Normalized(obs_shape) if normalize and self.kind == 'state' else None
        if self.measured:  # buffers so that they move with the module; not saved, since they come with the task
            frames = obs_shape[0] // len(mean or (0,))
            for name, value in (('mean', mean or (0.0,)), ('std', std or (WHITE,))):
                self.register_buffer(name, torch.tensor(value * frames).view(-1, 1, 1), persistent=False)
        self.eyes = build(eyes or self.default(obs_shape), obs_shape)
        features = shape_of(self.eyes, obs_shape, dtype=torch.int64 if self.kind == 'tokens' else None)
        self.pool = build(pool or Flat, features)
        self.repr_shape = shape_of(self.pool, features)
        see = nn.DataParallel(self.eyes) if parallel and torch.cuda.device_count() > 1 else self.eyes
        object.__setattr__(self, 'see', see)  # no submodule of its own: what is saved is the bare module's state

    def default(self, obs_shape):
        if self.kind == 'tokens':
            raise UserError('Tokens need a block that embeds them: give Eyes=<module>.<class>')
        if not self.images:
            return Null
        return Nature if min(obs_shape[1:]) >= 64 else CNN

    def update(self, obs):
        """Counts states [B, D] in the running moments, if they are normalised by them."""
        if self.running:
            self.running.update(obs)

    def forward(self, obs):
        if self.images:
            obs = self.normalized(obs)
        elif self.running:
            obs = self.running(obs)
        return self.pool(self.see(obs))

    def normalized(self, obs):
        """Pixels by their mean and deviation; where these are not known over 255, in autocast's precision: bf16 holds
        0..255 exactly, and rounds quotients as a first layer would."""
        if self.measured:
            return torch.sub(obs, self.mean).div_(self.std)  # the difference is a new tensor, of floats
        low = obs.dtype == torch.uint8 and torch.is_autocast_enabled(obs.device.type)
        dtype = torch.get_autocast_dtype(obs.device.type) if low else torch.float32
        return obs.to(dtype, copy=True).div_(WHITE)


class RecordEncoder(nn.Module):
    """Records [B, S * P] (`Blocks.PackedObservations`) -> features [B, D].

    Each part has an encoder; their features are concatenated.

    `eyes` and `pool` are those of the images; states have none.
    """

    def __init__(self, obs_shape, parts, eyes=None, pool=None, **options):
        super().__init__()
        self.parts = parts
        self.encoders = nn.ModuleList(
            Encoder(shape, *((eyes, pool) if part.kind == 'image' else ()), **options, kind=part.kind)
            for part, shape in zip(parts, shapes(parts, obs_shape).values(), strict=True)
        )
        self.repr_shape = (sum(size(encoder.repr_shape) for encoder in self.encoders),)

    def each(self, obs):
        """(encoder, what it sees) of each part."""
        return zip(self.encoders, unpack(obs, self.parts).values(), strict=True)

    def update(self, obs):
        """Counts the states in the running moments, if they are normalised by them."""
        for encoder, part in self.each(obs):
            encoder.update(part)

    def forward(self, obs):
        return torch.cat([encoder(part).flatten(1) for encoder, part in self.each(obs)], 1)
