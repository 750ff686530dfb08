"""The encoder: the one place where pixels are normalized."""

import functools

import pytest
import torch
import torchvision
from torch import nn

from Blocks.Architectures import CNN, MLP, Nature, Null
from Blocks.Encoders import Encoder
from Support.Errors import UserError


def test_pixels_are_normalized_exactly_once():
    mean, std = (10.0, 100.0, 200.0), (2.0, 5.0, 50.0)
    images = torch.randint(256, (4, 3, 5, 5), dtype=torch.uint8)
    before = images.clone()
    features = Encoder((3, 5, 5), eyes=nn.Identity, pool=Null, mean=mean, std=std)(images)
    expected = (images - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
    assert features.dtype == torch.float32
    torch.testing.assert_close(features, expected)
    assert torch.equal(images, before)


def test_a_stack_of_frames_repeats_the_statistics():
    images = torch.randint(256, (2, 4, 5, 5), dtype=torch.uint8)
    features = Encoder((4, 5, 5), eyes=Null, pool=Null, mean=(10.0, 20.0), std=(1.0, 2.0))(images)
    torch.testing.assert_close(features[:, 3], (images[:, 3] - 20.0) / 2)
    torch.testing.assert_close(features[:, 2], images[:, 2] - 10.0)


def test_unknown_statistics_scale_to_one():
    images = torch.tensor([0, 255, 51], dtype=torch.uint8).view(3, 1, 1, 1)
    assert Encoder((1, 1, 1), eyes=Null)(images).flatten().tolist() == pytest.approx([0, 1, 0.2])


def test_floats_stay_whole():
    """Augmented images are floats; normalizing must not write into the batch."""
    images = torch.rand(2, 1, 4, 4) * 255
    before = images.clone()
    Encoder((1, 4, 4), eyes=Null)(images)
    assert torch.equal(images, before)


def test_states_are_left_alone():
    state = torch.randn(3, 6)
    encoder = Encoder((6,), mean=(9.0,), std=(3.0,))
    assert torch.equal(encoder(state), state) and encoder.repr_shape == (6,)


@pytest.mark.parametrize(('shape', 'eyes'), [((4, 84, 84), Nature), ((1, 28, 28), CNN), ((7,), Null)])
def test_shapes_suggest_the_eyes(shape, eyes):
    assert type(Encoder(shape).eyes) is eyes


def test_any_module_on_the_path_can_be_eyes():
    encoder = Encoder((3, 32, 32), eyes=functools.partial(torchvision.models.resnet18, num_classes=20))
    assert encoder.repr_shape == (20,)
    features = encoder(torch.randint(256, (2, 3, 32, 32), dtype=torch.uint8))
    assert features.shape == (2, 20)
    features.square().mean().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in encoder.parameters())


def test_wrong_eyes_are_named_with_the_shape():
    with pytest.raises(ValueError, match=r'Nature.*\(1, 8, 8\)'):
        Encoder((1, 8, 8), eyes=Nature)
    with pytest.raises(ValueError, match=r'ResNet.*\(1, 32, 32\)'):
        Encoder((1, 32, 32), eyes=torchvision.models.resnet18)
    with pytest.raises(ValueError, match=r'CNN.*\(5,\)'):
        Encoder((5,), eyes=functools.partial(CNN, kernels=3, paddings=0))


def test_pool_gathers_what_the_eyes_saw():
    encoder = Encoder((3, 32, 32), pool=functools.partial(MLP, hidden_dim=7))
    assert encoder.repr_shape == (7,)
    assert encoder(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).shape == (2, 7)


def test_statistics_move_with_the_module_but_are_not_saved():
    encoder = Encoder((1, 8, 8), eyes=Null, mean=(3.0,), std=(2.0,))
    assert not encoder.state_dict() and encoder.to('meta').mean.device.type == 'meta'


def test_pixels_are_normalized_in_bf16_as_a_first_layer_would_round_them():
    pixels = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    encoder = Encoder((1, 16, 16), eyes=Null)
    exact = encoder.normalized(pixels)
    assert exact.dtype == torch.float32 and torch.equal(exact.view(-1), torch.arange(256.0) / 255)
    with torch.autocast('cpu', torch.bfloat16):
        assert torch.equal(encoder.normalized(pixels), exact.bfloat16())
        assert torch.equal(encoder.normalized(exact * 255), exact)  # of floats nothing is lost


@pytest.mark.parametrize('eyes', [CNN, Nature])
def test_gradients_lie_in_memory_as_the_maps_do(eyes):
    encoder = Encoder((4, 84, 84), eyes=eyes)
    maps, gradients = [], []
    encoder.eyes.register_forward_hook(lambda module, given, map: maps.append(map))
    encoder.eyes.register_full_backward_hook(lambda module, to, of: gradients.extend(of))
    features = encoder(torch.randint(256, (2, 4, 84, 84), dtype=torch.uint8))
    (features * torch.rand_like(features)).sum().backward()
    assert maps[0].stride() == gradients[0].stride()
    assert maps[0].is_contiguous(memory_format=torch.channels_last) == (eyes is CNN)


def test_tokens_reach_the_backbone_as_integers():
    encoder = Encoder((5,), eyes=lambda input_shape: nn.Embedding(10, 3), kind='tokens')
    words = torch.randint(10, (2, 5))
    assert encoder.repr_shape == (15,) and torch.equal(encoder(words), encoder.eyes(words).flatten(1))
    with pytest.raises(UserError, match='Tokens need a block'):
        Encoder((5,), kind='tokens')
