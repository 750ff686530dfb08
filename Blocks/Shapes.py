"""Builds blocks and finds the shapes that they return by running them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from Support.Errors import UserError, one_line

Block = Callable[..., nn.Module]  # a class, or a partial of one: (input_shape, output_shape=None, **arguments)
Module = TypeVar('Module', bound=nn.Module)


def build(
    block: Block, input_shape: Sequence[int], output_shape: Sequence[int] | None = None, **arguments: Any
) -> nn.Module:
    """Calls `block` with those of the shapes and arguments that its constructor takes, so any nn.Module can be a block.

    Args:
        block: a class, or a partial of one. Arguments that the partial sets take precedence.
        input_shape, output_shape: without the batch dimension.

    Raises ValueError with the name of the block, the shapes and the cause if it cannot be built.
    """
    fixed, constructor = getattr(block, 'keywords', {}), getattr(block, 'func', block)
    offered: dict[str, Any] = {'input_shape': tuple(input_shape), **arguments}
    if output_shape is not None:
        offered['output_shape'] = tuple(output_shape)
    accepted = inspect.signature(constructor).parameters
    try:
        return block(**{name: value for name, value in offered.items() if name in accepted and name not in fixed})
    except UserError:  # its message says already what to type
        raise
    except Exception as error:  # a user's own block may raise anything
        wanted = '' if output_shape is None else f' to {tuple(output_shape)}'
        raise ValueError(
            f'Block {constructor.__name__} cannot be built for {tuple(input_shape)}{wanted}: {one_line(error)}'
        ) from error


def shape_of(module: nn.Module, *input_shapes: Sequence[int], dtype: torch.dtype | None = None) -> tuple[int, ...]:
    """Returns the output shape of `module` for these input shapes, all without the batch dimension.

    Runs the module once in eval mode on a batch of two zeros, and leaves it and the random state unchanged. Meta
    tensors would import torch's compiler, which takes 1.4 s.

    Args:
        dtype: of the zeros, by default float32.

    Raises ValueError with the name of the block and the shapes if the module does not accept them.
    """
    device = next((tensor.device for tensor in (*module.parameters(), *module.buffers())), None)
    inputs = [torch.zeros(2, *shape, device=device, dtype=dtype) for shape in input_shapes]
    training = [part for part in module.modules() if part.training]
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            return tuple(module.eval()(*inputs).shape[1:])
    except Exception as error:  # a user's own block may raise anything
        given = ' and '.join(str(tuple(shape)) for shape in input_shapes)
        raise ValueError(
            f'Block {type(module).__name__} does not take inputs of shape {given}: {one_line(error)}'
        ) from error
    finally:
        for part in training:
            part.training = True


def check_output(module: Module, output_shape: Sequence[int], *input_shapes: Sequence[int]) -> Module:
    """Returns `module` if it maps these input shapes to `output_shape`.

    Raises ValueError with the name of the block, the shape it returns and the shape needed if it does not.
    """
    given = shape_of(module, *input_shapes)
    if given != tuple(output_shape):
        raise ValueError(f'Block {type(module).__name__} gives shape {given}, but {tuple(output_shape)} is wanted here')
    return module


class Flat(nn.Module):
    """Flattens all but the batch dimension: [B, ...] -> [B, D]."""

    def forward(self, x: Tensor) -> Tensor:
        if x.requires_grad and x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last):
            x.register_hook(channels_last)  # a ReLU's backward is slow if gradient and map differ in memory format
        return x.flatten(1)


def channels_last(gradient: Tensor) -> Tensor:
    """Returns [B, C, H, W] in the channels-last memory format."""
    return gradient.contiguous(memory_format=torch.channels_last)
