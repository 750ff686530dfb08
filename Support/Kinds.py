"""The kinds of observations, and which one a shape and a dtype mean where none is named."""

from __future__ import annotations

from collections.abc import Sequence

KINDS = ('image', 'state', 'tokens', 'record')


def kind_of(shape: Sequence[int], dtype: str = 'float32') -> str:
    """Returns 'image' for [C, H, W], 'tokens' for int64 sequences, and 'state' for everything else."""
    if len(shape) == 3:
        return 'image'
    return 'tokens' if dtype == 'int64' else 'state'
