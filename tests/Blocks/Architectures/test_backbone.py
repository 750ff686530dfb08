"""Networks of torchvision and timm as blocks: any channels, no classifier or a new one, weights from the cache."""

import functools
import sys

import pytest
import torch
import torchvision
from torch import nn

from Blocks.Actors import Actor
from Blocks.Architectures.Backbone import Backbone
from Blocks.Critics import Critic
from Blocks.Encoders import Encoder
from Blocks.Shapes import build, shape_of
from Support.Classes import resolve
from Support.Errors import UserError

IMAGE = (4, 40, 40)


def network(name, **options):
    return functools.partial(resolve(f'Blocks.Architectures.Torchvision.{name}'), **options)


@pytest.mark.parametrize('name', ['resnet18', 'squeezenet1_1', 'shufflenet_v2_x0_5', 'densenet121', 'googlenet'])
@pytest.mark.filterwarnings('ignore:The default weight initialization')
def test_as_eyes_and_as_heads(name):
    images = torch.randint(256, (3, *IMAGE)).float()
    encoder = Encoder(IMAGE, eyes=network(name))
    assert encoder.repr_shape == {'resnet18': (512,), 'squeezenet1_1': (512,)}.get(name, (1024,))
    actor = Actor(IMAGE, (5,), trunk=functools.partial(nn.Identity), pi_head=network(name))
    critic = Critic((), IMAGE, q_head=network(name))
    outputs = encoder(images), actor(images), critic(None, images)
    assert [tuple(output.shape) for output in outputs] == [(3, *encoder.repr_shape), (3, 5), (1, 3)]
    for module, output in zip((encoder, actor, critic), outputs, strict=True):
        output.square().sum().backward()
        for key, parameter in module.named_parameters():
            assert parameter.grad is not None and parameter.grad.any(), key


def test_options_go_to_the_network():
    block = build(network('resnet18', width_per_group=64, norm_layer=nn.InstanceNorm2d), IMAGE)
    assert isinstance(block.net.bn1, nn.InstanceNorm2d)
    with pytest.raises(ValueError, match=r"Block Backbone cannot be built for \(4, 40, 40\): .*'widht'"):
        build(network('resnet18', widht=64), IMAGE)
    with pytest.raises(ValueError, match='it sees images'):
        build(network('resnet18'), (4,))


def test_a_name_that_is_not_there_names_the_nearest():
    with pytest.raises(UserError, match=r"No 'convnext_tinny' .*Nearest: convnext_tiny"):
        network('convnext_tinny')


def small(channels, classes, pretrained):
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * 64, classes or 6)), 8  # 8 x 8 pixels and no others


def test_images_are_resized_where_the_network_takes_no_others(capsys):
    block = Backbone((2, 20, 12), make=small)
    assert block.resize == 8 and 'no images of 20x12: they are resized to 8x8' in capsys.readouterr().out
    assert shape_of(block, (2, 20, 12)) == (6,)
    assert Backbone((2, 8, 8), make=small).resize is None and not capsys.readouterr().out
    assert shape_of(Backbone((2, 9, 9), (2, 3), make=small, resize=8), (2, 9, 9)) == (2, 3)


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """Weights of a ResNet18, where torchvision keeps what it downloaded; and that network."""
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    theirs = torchvision.models.resnet18()
    (tmp_path / 'hub' / 'checkpoints').mkdir(parents=True)
    torch.save(theirs.state_dict(), tmp_path / 'hub' / 'checkpoints' / 'resnet18-f37072fd.pth')
    theirs.fc = nn.Identity()
    return theirs.eval()


@pytest.mark.parametrize('pretrained', [True, 'IMAGENET1K_V1'])
def test_what_was_learned_of_colors_holds_for_other_channels(weights, pretrained):
    """Two equal frames of colors, and four of gray, are seen as one was."""
    colors = torch.randn(2, 3, 40, 40)
    gray = colors.mean(1, keepdim=True)
    for image, seen in ((colors, colors), (colors.repeat(1, 2, 1, 1), colors), (gray.repeat(1, 4, 1, 1), gray)):
        block = build(network('resnet18', pretrained=pretrained), image.shape[1:]).eval()
        torch.testing.assert_close(block(image), weights(seen.expand(-1, 3, -1, -1)), rtol=1e-3, atol=1e-3)


def test_missing_weights_are_one_sentence(weights, monkeypatch):
    def offline(*_, **__):
        raise OSError('no network')

    monkeypatch.setattr(torch.hub, 'urlopen', offline)
    with pytest.raises(UserError, match=r'no network.*put https://.*resnet34.*pth into .*hub/checkpoints'):
        build(network('resnet34', pretrained=True), IMAGE)
    with pytest.raises(UserError, match=r"No weights 'V3' of resnet18.*IMAGENET1K_V1"):
        build(network('resnet18', pretrained='V3'), IMAGE)


def test_timm_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, 'timm', None)
    with pytest.raises(UserError, match='pip install timm'):
        resolve('Blocks.Architectures.Timm.vit_small_patch16_224')


def test_timm(monkeypatch):
    pytest.importorskip('timm')
    monkeypatch.setenv('HF_HUB_OFFLINE', '1')
    block = build(resolve('Blocks.Architectures.Timm.resnet10t'), IMAGE)
    assert shape_of(block, IMAGE) == (512,) and block.resize is None
    vit = functools.partial(resolve('Blocks.Architectures.Timm.vit_tiny_patch16_224'), img_size=40, patch_size=8)
    assert shape_of(build(vit, IMAGE, (2, 3)), IMAGE) == (2, 3)
    with pytest.raises(UserError, match=r'No weights of timm:resnet10t.c3_in1k'):
        build(functools.partial(resolve('Blocks.Architectures.Timm.resnet10t'), pretrained='c3_in1k'), IMAGE)
