"""Global average pooling (arXiv:1312.4400, section 3.2), and the end of every network that is used as a head."""

from torch import nn

from Blocks.Architectures.MLP import Readout
from Blocks.Shapes import size


class AvgPool(nn.Module):
    """[B, C, *grid] -> [B, C]: the mean over all places; flat features are their own. With an `output_shape` a linear
    layer follows."""

    def __init__(self, input_shape, output_shape=None):
        super().__init__()
        self.read = nn.Identity()
        if output_shape is not None:
            readout = Readout(input_shape[0], size(output_shape))
            self.read = nn.Sequential(readout, nn.Unflatten(1, tuple(output_shape)))

    def forward(self, x):
        return self.read(x.flatten(2).mean(2) if x.dim() > 2 else x)


def head(channels, output_shape):
    """What ends a network: nothing, so that its map stays, or the way from its `channels` to an `output_shape`."""
    return nn.Identity() if output_shape is None else AvgPool((channels,), output_shape)
