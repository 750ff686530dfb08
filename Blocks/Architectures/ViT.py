"""The vision transformer (arXiv:2010.11929)."""

from torch import nn

from Blocks.Architectures.Transformer import Transformer
from Blocks.FeatureMaps import Patches
from Blocks.Shapes import shape_of


class ViT(nn.Sequential):
    """[B, C, H, W] -> [B, out_channels, h, w]: patches, and a transformer over them.

    patch_size: pixels a side, by default what makes 8 x 8 patches; those that go over an edge end in zeros. pool: null
    keeps the map; 'token' and 'mean' give [B, out_channels]. The rest as in Transformer.
    """

    def __init__(self, input_shape, output_shape=None, patch_size=None, out_channels=128, depth=4, heads=4,
                 hidden_dim=None, pool=None, dropout=0.0):  # fmt: skip
        patches = Patches(input_shape, out_channels, patch_size)
        super().__init__(patches, Transformer(shape_of(patches, input_shape), output_shape, depth=depth, heads=heads,
                                              hidden_dim=hidden_dim, pool=pool, dropout=dropout))  # fmt: skip
