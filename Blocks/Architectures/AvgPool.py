"""Global average pooling (arXiv:1312.4400, section 3.2), and the optional head of architectures that return a map."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor, nn

from Blocks.Architectures.MLP import Readout


class AvgPool(nn.Module):
    """[B, C, *grid] -> [B, C]: the mean over all positions; flat features [B, C] stay as they are.

    With an `output_shape`, a linear layer follows.
    """

    def __init__(self, input_shape: Sequence[int], output_shape: Sequence[int] | None = None) -> None:
        super().__init__()
        self.read: nn.Module = nn.Identity()
        if output_shape is not None:
            readout = Readout(input_shape[0], math.prod(output_shape))
            self.read = nn.Sequential(readout, nn.Unflatten(1, tuple(output_shape)))

    def forward(self, x: Tensor) -> Tensor:
        return self.read(x.flatten(2).mean(2) if x.dim() > 2 else x)


def optional_head(channels: int, output_shape: Sequence[int] | None) -> nn.Module:
    """Returns an `AvgPool` from maps of `channels` to `output_shape`; the identity if that is None."""
    return nn.Identity() if output_shape is None else AvgPool((channels,), output_shape)
