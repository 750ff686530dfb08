"""Builds blocks of any kind, finds their output shapes, and names blocks that do not fit."""

import functools

import pytest
import torch
from torch import nn

from Blocks.Actors import Actor
from Blocks.Architectures import CNN, MLP
from Blocks.Shapes import Flat, build, check_output, shape_of
from Support.Errors import UserError

FLAT, ACTIONS, IMAGE = (12,), 5, (3, 40, 40)


def test_build_passes_what_a_constructor_accepts_and_a_partial_takes_precedence():
    assert build(functools.partial(MLP, hidden_dim=3), (4,), hidden_dim=9, trunk_dim=1).output_shape == (3,)
    assert build(MLP, (4,), (2,), hidden_dim=9).layers[1].out_features == 9
    assert isinstance(build(nn.ReLU, (4,)), nn.ReLU)


def test_any_module_is_a_block():
    actor = Actor(FLAT, (ACTIONS,), trunk=nn.Identity, pi_head=functools.partial(nn.Linear, 12, ACTIONS))
    assert actor(torch.randn(2, *FLAT)).shape == (2, ACTIONS)


def test_a_block_that_cannot_be_built_is_named_with_the_cause():
    def broken(input_shape, output_shape=None):
        raise KeyError('no such\nwidth')

    with pytest.raises(ValueError, match=r"^Block broken cannot be built for \(4,\) to \(2,\): 'no such"):
        build(broken, (4,), (2,))

    def unknown(input_shape):
        raise UserError('Type something else.')

    with pytest.raises(UserError, match='Type something else'):
        build(unknown, (4,))


def test_wrong_output_names_block_shape_given_and_wanted():
    with pytest.raises(ValueError, match=r'Block Identity gives shape \(50,\), but \(5,\) is wanted'):
        Actor(FLAT, (ACTIONS,), pi_head=nn.Identity)
    with pytest.raises(ValueError, match=r'Block Linear does not take inputs of shape \(3,\)'):
        check_output(nn.Linear(4, 2), (2,), (3,))
    module = nn.Linear(4, 2)
    assert check_output(module, (2,), (4,)) is module


def test_shape_of_leaves_everything_alone():
    """Parameters, batch statistics, training mode of each part, gradients and random numbers."""
    module = nn.Sequential(CNN(IMAGE), nn.Dropout(), nn.BatchNorm2d(128).eval())
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    modes, random = [part.training for part in module.modules()], torch.get_rng_state()
    assert shape_of(module, IMAGE) == (128, 5, 5)
    with pytest.raises(ValueError, match='Block Sequential does not take'):
        shape_of(module, (1, 2, 3))
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())
    assert [part.training for part in module.modules()] == modes and torch.equal(torch.get_rng_state(), random)
    assert all(parameter.grad is None for parameter in module.parameters())


def test_shape_of_several_inputs():
    assert shape_of(nn.Bilinear(3, 4, 5), (3,), (4,)) == (5,)


def test_flat_returns_gradients_in_the_memory_format_of_the_map():
    x = torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last).requires_grad_()
    inner = x * 1
    flat, strides, weight = Flat()(inner), [], torch.randn(2, 60)
    inner.register_hook(lambda gradient: strides.append(gradient.stride()))
    assert torch.equal(flat, x.flatten(1))
    (flat * weight).sum().backward()
    assert strides == [inner.stride()] and torch.equal(x.grad, weight.view_as(x))
    assert Flat()(torch.randn(2, 3, 4)).shape == (2, 12)
