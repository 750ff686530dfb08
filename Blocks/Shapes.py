"""How blocks are built and what shape comes out of them, without formulas."""

import inspect

import torch
from torch import nn


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
    except Exception as error:  # a block of anyone's may raise anything
        wanted = '' if output_shape is None else f' to {tuple(output_shape)}'
        raise ValueError(
            f'Block {block.__name__} cannot be built for {tuple(input_shape)}{wanted}: {reason(error)}'
        ) from error


def shape_of(module, *input_shapes):
    """The output shape of `module` for these input shapes, all without batch; it runs on meta tensors, which hold nothing.

    Raises ValueError naming the block and the shapes given.
    """
    state = {name: tensor.to('meta') for name, tensor in (*module.named_parameters(), *module.named_buffers())}
    inputs = tuple(torch.empty(2, *shape, device='meta') for shape in input_shapes)
    try:
        return tuple(torch.func.functional_call(module, state, inputs).shape[1:])
    except Exception as error:  # a block of anyone's may raise anything
        given = ' and '.join(str(tuple(shape)) for shape in input_shapes)
        raise ValueError(
            f'Block {type(module).__name__} does not take inputs of shape {given}: {reason(error)}'
        ) from error


def check(module, wanted, *input_shapes):
    """`module`, if it maps these shapes to `wanted`. Raises ValueError naming the block, the shape given and the one wanted."""
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
        return x.flatten(1)
