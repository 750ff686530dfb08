"""The vision transformer (arXiv:2010.11929)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from Blocks.Architectures.Transformer import Transformer
from Blocks.FeatureMaps import Patches
from Blocks.Shapes import shape_of


class ViT(nn.Sequential):
    """[B, C, H, W] -> [B, out_channels, h, w], or [B, out_channels] with a pool: patches, and a transformer over them.

    Args:
        patch_size: pixels a side, by default the smallest that makes at most 8 x 8 patches. Zeros pad the edges.
        depth, heads, hidden_dim, pool, dropout: as in `Transformer`.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        output_shape: Sequence[int] | None = None,
        patch_size: int | None = None,
        out_channels: int = 128,
        depth: int = 4,
        heads: int = 4,
        hidden_dim: int | None = None,
        pool: str | None = None,
        dropout: float = 0.0,
    ) -> None:
        patches = Patches(input_shape, out_channels, patch_size)
        transformer = Transformer(
            shape_of(patches, input_shape),
            output_shape,
            depth=depth,
            heads=heads,
            hidden_dim=hidden_dim,
            pool=pool,
            dropout=dropout,
        )
        super().__init__(patches, transformer)
