"""Architectures, one file per paper: `Block(input_shape, output_shape=None, **arguments)`, shapes without batch."""

from Blocks.Architectures.Airbench import Airbench
from Blocks.Architectures.Attention import MultiHeadAttention
from Blocks.Architectures.AttentionPool import AttentionPool
from Blocks.Architectures.AvgPool import AvgPool
from Blocks.Architectures.CLSPool import CLSPool
from Blocks.Architectures.CNN import CNN, DrQ, Efficient, Nature
from Blocks.Architectures.CoAtNet import CoAtNet
from Blocks.Architectures.ConvMixer import ConvMixer
from Blocks.Architectures.ConvNeXt import ConvNeXt
from Blocks.Architectures.DCGAN import DCGAN, Discriminator, Generator
from Blocks.Architectures.Dueling import Dueling
from Blocks.Architectures.Impala import Impala
from Blocks.Architectures.LSTM import LSTM
from Blocks.Architectures.MLP import MLP, Trunk
from Blocks.Architectures.Noisy import Noisy
from Blocks.Architectures.Null import Null
from Blocks.Architectures.Perceiver import Perceiver
from Blocks.Architectures.Relation import Relation
from Blocks.Architectures.ResidualGAN import ResidualDiscriminator, ResidualGenerator
from Blocks.Architectures.ResNet import PreActResNet18, ResNet, ResNet18, ResNet34, ResNet50, WideResNet
from Blocks.Architectures.Transformer import Transformer
from Blocks.Architectures.ViT import ViT

__all__ = [
    'CNN',
    'DCGAN',
    'LSTM',
    'MLP',
    'Airbench',
    'AttentionPool',
    'AvgPool',
    'CLSPool',
    'CoAtNet',
    'ConvMixer',
    'ConvNeXt',
    'Discriminator',
    'DrQ',
    'Dueling',
    'Efficient',
    'Generator',
    'Impala',
    'MultiHeadAttention',
    'Nature',
    'Noisy',
    'Null',
    'Perceiver',
    'PreActResNet18',
    'Relation',
    'ResNet',
    'ResNet18',
    'ResNet34',
    'ResNet50',
    'ResidualDiscriminator',
    'ResidualGenerator',
    'Transformer',
    'Trunk',
    'ViT',
    'WideResNet',
]
