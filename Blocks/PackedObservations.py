"""Records: several observations of one step as one row of bytes, which is stored and stacked like any other.

A record [P] is the bytes of its parts (`Datasets.Experience.Part`) behind each other; a stack of
S frames is S records behind each other, [S * P].
"""

import torch
from torch import nn

from Blocks.Shapes import build, size


def unpack(obs, parts):
    """Records [B, S * P] uint8 -> {name: [B, S * C, H, W] or [B, S * D], in its own dtype}."""
    sizes = [size(part.shape) * itemsize(part) for part in parts]
    pieces = obs.unflatten(1, (-1, sum(sizes))).split(sizes, -1)  # [B, S, bytes] of each
    return {part.name: read(part, piece) for part, piece in zip(parts, pieces, strict=True)}


def read(part, piece):
    """Bytes [B, S, bytes] -> [B, S * C, ...]. Numbers must begin where memory is aligned, so they are copied there."""
    numbers = piece.clone(memory_format=torch.contiguous_format).view(getattr(torch, part.dtype))
    return numbers.view(len(piece), -1, *part.shape[1:])


def pack(values, parts):
    """What `unpack` gave -> records [B, S * P]. Images of floats are rounded to bytes."""
    pieces = []
    for part in parts:
        value = values[part.name]
        if value.is_floating_point() and part.dtype == 'uint8':
            value = value.round().clamp(0, 255)
        value = value.to(getattr(torch, part.dtype)).flatten(1).view(torch.uint8)
        pieces.append(value.unflatten(1, (-1, size(part.shape) * itemsize(part))))  # [B, S, bytes]
    return torch.cat(pieces, -1).flatten(1)


def itemsize(part):
    """Bytes of one number."""
    return getattr(torch, part.dtype).itemsize


def shapes(parts, obs_shape):
    """Of the parts [..] in records of this shape (S * P,), without batch: by name."""
    empty = unpack(torch.zeros(1, *obs_shape, dtype=torch.uint8), parts)
    return {name: tuple(value.shape[1:]) for name, value in empty.items()}


class OnImages(nn.Module):
    """Records [B, S * P] -> the same, each image among their parts augmented by a block of `recipe`."""

    def __init__(self, recipe, obs_shape, parts):
        super().__init__()
        self.parts = parts
        images = [part.name for part in parts if part.kind == 'image']
        blocks = {name: build(recipe, shape) for name, shape in shapes(parts, obs_shape).items() if name in images}
        self.names, self.blocks = tuple(blocks), nn.ModuleList(blocks.values())

    def forward(self, obs):
        values = unpack(obs, self.parts)
        images = {name: block(values[name]) for name, block in zip(self.names, self.blocks, strict=True)}
        return pack(values | images, self.parts)
