"""The block that does nothing."""

from torch import nn


class Null(nn.Module):
    """[B, *input_shape] -> the same."""

    def __init__(self, input_shape=None, output_shape=None):
        super().__init__()

    def forward(self, x):
        return x
