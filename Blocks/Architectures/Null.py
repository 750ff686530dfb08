"""The block that returns its input."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn


class Null(nn.Module):
    """[B, *input_shape] -> the same."""

    def __init__(self, input_shape: Sequence[int] | None = None, output_shape: Sequence[int] | None = None) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        return x
