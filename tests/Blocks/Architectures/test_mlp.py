"""MLPs: activations by name, signals that keep their size, a last layer that autocast does not round."""

from functools import partial

import pytest
import torch
from torch import nn

from Blocks.Architectures import MLP, Noisy
from Blocks.Architectures.MLP import gain
from Blocks.Shapes import build
from Support.Errors import UserError


@pytest.mark.parametrize(
    ('name', 'expected'),
    [
        ('ReLU', 2**0.5),  # half of the second moment passes (arXiv:1502.01852)
        ('Identity', 1.0),
        ('SELU', 1.0),  # made to keep it (arXiv:1706.02515)
        ('Tanh', 0.394294490**-0.5),  # E tanh(x)^2 by quadrature
    ],
)
def test_gain_by_hand(name, expected):
    assert gain(getattr(nn, name)()) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize('name', ['ReLU', 'Tanh', 'GELU', 'SiLU', 'ELU'])
def test_signals_keep_their_size(name):
    layers = MLP((300,), hidden_dim=300, depth=3, activation=name).layers
    assert sum(isinstance(layer, getattr(nn, name)) for layer in layers) == 3
    x = torch.randn(1000, 300) / gain(getattr(nn, name)())
    for depth in (2, 4, 6):
        assert layers[:depth](x).square().mean().item() == pytest.approx(1, abs=0.1)  # before each activation
    assert layers[1].bias.eq(0).all()


@pytest.mark.parametrize(
    ('name', 'said'), [('tanh', 'Nearest: Tanh'), ('Linear', "No 'Linear'"), ('', 'no Python path')]
)
def test_an_activation_that_is_none_is_named(name, said):
    with pytest.raises(UserError, match=said):
        MLP((4,), (2,), activation=name)
    with pytest.raises(UserError, match=said):  # a block's own sentence stays as it is
        build(partial(MLP, activation=name), (4,), (2,))


@pytest.mark.parametrize('block', [MLP, Noisy])
def test_the_last_layer_is_exact_under_autocast(block):
    module = block((8,), (3,), hidden_dim=16).eval()
    x = torch.randn(5, 8)
    with torch.autocast('cpu', torch.bfloat16):
        hidden = module.layers[:-1](x)
        output = module(x)
    assert hidden.dtype == torch.bfloat16 and output.dtype == torch.float32
    torch.testing.assert_close(output, module.layers[-1](hidden.float()), rtol=0, atol=0)


def test_noisy_layers_take_an_activation_too():
    assert isinstance(Noisy((4,), (2,), activation='Tanh').layers[2], nn.Tanh)
