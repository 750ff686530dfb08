"""How blocks are built and what shape comes out of them, without formulas."""

import inspect

import torch
from torch import nn

from Support.Errors import UserError


def build(recipe, input_shape, output_shape=None, **arguments):
    """The block that `recipe` (a class, or a partial that may fix arguments of its own) makes of these shapes.

    Blocks take `(input_shape, output_shape=None, **arguments)`, shapes without the batch dimension. What a constructor
    does not take it is not given, so any nn.Module can be a block. What the recipe fixes wins.

    Raises ValueError naming the block, the shapes and the cause if it cannot be built for them.
    """
    fixed, block = getattr(recipe, 'keywords', {}), getattr(recipe, 'func', recipe)
    offered = {'input_shape': tuple(input_shape), **arguments}
    if output_shape is not None:
        offered['output_shape'] = tuple(output_shape)
    taken = inspect.signature(block).parameters
    try:
        return recipe(**{name: value for name, value in offered.items() if name in taken and name not in fixed})
    except UserError:  # says itself what to type
        raise
    except Exception as error:  # a block of anyone's may raise anything
        wanted = '' if output_shape is None else f' to {tuple(output_shape)}'
        raise ValueError(
            f'Block {block.__name__} cannot be built for {tuple(input_shape)}{wanted}: {reason(error)}'
        ) from error


def shape_of(module, *input_shapes, dtype=None):
    """The output shape of `module` for these input shapes, all without batch: it runs once on two zeros, in eval mode.

    dtype: of the zeros; None: of floats.

    Not on meta tensors, for which torch imports its compiler, 1.4 s. Raises ValueError naming the block and the shapes.
    """
    device = next((tensor.device for tensor in (*module.parameters(), *module.buffers())), None)
    inputs = [torch.zeros(2, *shape, device=device, dtype=dtype) for shape in input_shapes]
    training = [part for part in module.modules() if part.training]
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):  # nothing but time passes
            return tuple(module.eval()(*inputs).shape[1:])
    except Exception as error:  # a block of anyone's may raise anything
        given = ' and '.join(str(tuple(shape)) for shape in input_shapes)
        raise ValueError(
            f'Block {type(module).__name__} does not take inputs of shape {given}: {reason(error)}'
        ) from error
    finally:
        for part in training:
            part.training = True


def check(module, wanted, *input_shapes):
    """`module`, if it maps these shapes to `wanted`. Raises ValueError naming block, shape given, shape wanted."""
    given = shape_of(module, *input_shapes)
    if given != tuple(wanted):
        raise ValueError(f'Block {type(module).__name__} gives shape {given}, but {tuple(wanted)} is wanted here')
    return module


def reason(error):
    """The first line of an exception's message; its type where it has no message."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def size(shape):
    """Elements of a shape."""
    return torch.Size(shape).numel()


class Flat(nn.Module):
    """[B, ...] -> [B, D], also from a batch of proposals' worth of leading dimensions already merged."""

    def forward(self, x):
        if x.requires_grad and x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last):
            x.register_hook(channels_last)  # else it comes back as NCHW, and a ReLU's backward over two layouts is slow
        return x.flatten(1)


def channels_last(gradient):
    """The same [B, C, H, W]; in memory the channels of a pixel lie side by side."""
    return gradient.contiguous(memory_format=torch.channels_last)
