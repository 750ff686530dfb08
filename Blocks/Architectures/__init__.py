"""Architectures, one file per paper. `Block(input_shape, output_shape=None, **arguments)`, shapes without batch."""

from Blocks.Architectures.CNN import CNN, DrQ, Efficient, Nature
from Blocks.Architectures.DCGAN import DCGAN, Discriminator, Generator
from Blocks.Architectures.Dueling import Dueling
from Blocks.Architectures.Impala import Impala
from Blocks.Architectures.MLP import MLP, Trunk
from Blocks.Architectures.Noisy import Noisy
from Blocks.Architectures.Null import Null

__all__ = [
    'CNN',
    'DCGAN',
    'MLP',
    'Discriminator',
    'DrQ',
    'Dueling',
    'Efficient',
    'Generator',
    'Impala',
    'Nature',
    'Noisy',
    'Null',
    'Trunk',
]
