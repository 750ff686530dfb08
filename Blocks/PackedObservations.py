"""Packs several observations of one step into a row of bytes, a record, which is stored and stacked like any other.

A record [P] holds the bytes of its parts one after another; a stack of S frames [S * P] is S records one after another.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from Blocks.Shapes import Block, build


class Part(Protocol):
    """One of the observations in a record, as `Datasets.Experience.Part` describes it."""

    @property
    def name(self) -> str: ...

    @property
    def shape(self) -> tuple[int, ...]: ...  # (C, H, W) or (D,)

    @property
    def dtype(self) -> str: ...  # of torch

    @property
    def kind(self) -> str | None: ...  # 'image' or 'state'


def unpack(obs: Tensor, parts: Sequence[Part]) -> dict[str, Tensor]:
    """Records [B, S * P] uint8 -> by name, [B, S * C, H, W] or [B, S * D] of the part's dtype."""
    sizes = [math.prod(part.shape) * itemsize(part) for part in parts]
    pieces = obs.unflatten(1, (-1, sum(sizes))).split(sizes, -1)  # [B, S, bytes] of each
    return {part.name: from_bytes(part, piece) for part, piece in zip(parts, pieces, strict=True)}


def from_bytes(part: Part, piece: Tensor) -> Tensor:
    """Bytes [B, S, bytes] -> [B, S * C, ...] of the part's dtype; copied, since a view needs aligned memory."""
    numbers = piece.clone(memory_format=torch.contiguous_format).view(getattr(torch, part.dtype))
    return numbers.view(len(piece), -1, *part.shape[1:])


def pack(values: dict[str, Tensor], parts: Sequence[Part]) -> Tensor:
    """Returns records [B, S * P] uint8 of what `unpack` returned. Rounds images of floats to bytes."""
    pieces = []
    for part in parts:
        value = values[part.name]
        if value.is_floating_point() and part.dtype == 'uint8':
            value = value.round().clamp(0, 255)
        value = value.to(getattr(torch, part.dtype)).flatten(1).view(torch.uint8)
        pieces.append(value.unflatten(1, (-1, math.prod(part.shape) * itemsize(part))))  # [B, S, bytes]
    return torch.cat(pieces, -1).flatten(1)


def itemsize(part: Part) -> int:
    """Returns the bytes of one number."""
    return getattr(torch, part.dtype).itemsize


def part_shapes(parts: Sequence[Part], obs_shape: Sequence[int]) -> dict[str, tuple[int, ...]]:
    """Returns the shapes, without the batch dimension, of the parts in records of shape `obs_shape` (S * P,)."""
    empty = unpack(torch.zeros(1, *obs_shape, dtype=torch.uint8), parts)
    return {name: tuple(value.shape[1:]) for name, value in empty.items()}


class AugmentImages(nn.Module):
    """Augments each image in records [B, S * P] by a block of its own; leaves the other parts unchanged."""

    def __init__(self, block: Block, obs_shape: Sequence[int], parts: Sequence[Part]) -> None:
        super().__init__()
        self.parts = parts
        images = [part.name for part in parts if part.kind == 'image']
        shapes = part_shapes(parts, obs_shape)
        blocks = {name: build(block, shape) for name, shape in shapes.items() if name in images}
        self.names, self.blocks = tuple(blocks), nn.ModuleList(blocks.values())

    def forward(self, obs: Tensor) -> Tensor:
        values = unpack(obs, self.parts)
        images = {name: block(values[name]) for name, block in zip(self.names, self.blocks, strict=True)}
        return pack(values | images, self.parts)
