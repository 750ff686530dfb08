"""Encoders: from observations to features."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from Blocks.Architectures import CNN, Nature, Null
from Blocks.PackedObservations import Part, part_shapes, unpack
from Blocks.Replicas import Replicas
from Blocks.RunningMoments import Normalized
from Blocks.Shapes import Block, Flat, build, shape_of
from Support.Errors import UserError
from Support.Kinds import kind_of

WHITE = 255.0  # the largest value of a pixel


class Encoder(nn.Module):
    """Images [B, C, H, W] in 0..255 (uint8 or float), states [B, D], tokens [B, T] int64 -> features [B, *repr_shape].

    Normalizes pixels, which happens nowhere else, then applies the backbone `eyes` and `pool`.

    Args:
        obs_shape: of an observation, its stacked frames included.
        eyes: the backbone. By default `Nature` for images from 64 pixels a side on, `CNN` for smaller ones, `Null` for
            states. Tokens have no default: their backbone embeds them, as `nn.Embedding` does.
        pool: maps the backbone's features to the encoder's; by default it flattens them.
        mean, std: of each channel of a frame, in 0..255. Without both, pixels are divided by 255.
        parallel: run the backbone in `DataParallel` if there are several GPUs.
        normalize: normalize states by their running moments, to which `update` adds.
        kind: of the observations: 'image', 'state' or 'tokens'; by default inferred from the shape (`Support.Kinds`).

    Raises UserError for tokens without `eyes`, and ValueError if a block does not fit the shapes.
    """

    mean: Tensor
    std: Tensor
    see: nn.Module

    def __init__(
        self,
        obs_shape: Sequence[int],
        eyes: Block | None = None,
        pool: Block | None = None,
        mean: tuple[float, ...] | None = None,
        std: tuple[float, ...] | None = None,
        parallel: bool = False,
        normalize: bool = False,
        kind: str | None = None,
    ) -> None:
        super().__init__()
        self.kind = kind or kind_of(obs_shape)
        self.images = self.kind == 'image'
        self.measured = self.images and bool(mean or std)
        self.running = Normalized(obs_shape) if normalize and self.kind == 'state' else None
        if self.measured:  # buffers move with the module; not saved, since the task provides them
            frames = obs_shape[0] // len(mean or (0,))
            for name, value in (('mean', mean or (0.0,)), ('std', std or (WHITE,))):
                self.register_buffer(name, torch.tensor(value * frames).view(-1, 1, 1), persistent=False)
        self.eyes = build(eyes or self.default(obs_shape), obs_shape)
        features = shape_of(self.eyes, obs_shape, dtype=torch.int64 if self.kind == 'tokens' else None)
        self.pool = build(pool or Flat, features)
        self.repr_shape = shape_of(self.pool, features)
        see = Replicas(self.eyes) if parallel and torch.cuda.device_count() > 1 else self.eyes
        object.__setattr__(self, 'see', see)  # not registered, so that the state dict is the bare backbone's

    def default(self, obs_shape: Sequence[int]) -> Block:
        """Returns the default backbone for observations of this shape. Raises UserError for tokens."""
        if self.kind == 'tokens':
            raise UserError('Tokens need a block that embeds them: give Eyes=<module>.<class>')
        if not self.images:
            return Null
        return Nature if min(obs_shape[1:]) >= 64 else CNN

    def update(self, obs: Tensor) -> None:
        """Adds states [B, D] to the running moments, if there are any."""
        if self.running:
            self.running.update(obs)

    def forward(self, obs: Tensor) -> Tensor:
        if self.images:
            obs = self.normalized(obs)
        elif self.running:
            obs = self.running(obs)
        return self.pool(self.see(obs))

    def normalized(self, obs: Tensor) -> Tensor:
        """Normalizes pixels by `mean` and `std`, or divides them by 255.

        Bytes are divided in the precision of autocast: bf16 represents 0..255 exactly, and rounds quotients as the
        first layer would.
        """
        if self.measured:
            return torch.sub(obs, self.mean).div_(self.std)  # the difference is a new tensor of floats
        low = obs.dtype == torch.uint8 and torch.is_autocast_enabled(obs.device.type)
        dtype = torch.get_autocast_dtype(obs.device.type) if low else torch.float32
        return obs.to(dtype, copy=True).div_(WHITE)


class RecordEncoder(nn.Module):
    """Records [B, S * P] (`Blocks.PackedObservations`) -> features [B, D]: one encoder for each part, concatenated.

    Args:
        eyes, pool: blocks for the images; states have none.
        options: further arguments of each `Encoder`.
    """

    def __init__(
        self,
        obs_shape: Sequence[int],
        parts: Sequence[Part],
        eyes: Block | None = None,
        pool: Block | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        self.parts = parts
        blocks: dict[str, Any] = {'eyes': eyes, 'pool': pool}
        encoders = [
            Encoder(shape, kind=part.kind, **(blocks if part.kind == 'image' else {}), **options)
            for part, shape in zip(parts, part_shapes(parts, obs_shape).values(), strict=True)
        ]
        self.encoders = nn.ModuleList(encoders)
        self.repr_shape = (sum(math.prod(encoder.repr_shape) for encoder in encoders),)

    def each(self, obs: Tensor) -> Iterator[tuple[Any, Tensor]]:
        """Yields the encoder and the observation of each part."""
        return zip(self.encoders, unpack(obs, self.parts).values(), strict=True)

    def update(self, obs: Tensor) -> None:
        """Adds the states to the running moments, if there are any."""
        for encoder, part in self.each(obs):
            encoder.update(part)

    def forward(self, obs: Tensor) -> Tensor:
        return torch.cat([encoder(part).flatten(1) for encoder, part in self.each(obs)], 1)
