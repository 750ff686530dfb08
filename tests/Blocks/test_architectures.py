"""Every architecture in every place that its shapes allow: forward, backward, shapes, and errors where they do not."""

import functools
from copy import deepcopy

import pytest
import torch
import torchvision

import Blocks.Architectures as Architectures
from Blocks.Actors import Actor
from Blocks.Architectures import CNN, Null
from Blocks.Critics import Critic
from Blocks.Encoders import Encoder
from Blocks.Shapes import build, shape_of
from Support.Classes import argument_names

BATCH, IMAGE, MAP, FLAT, ACTIONS = 3, (3, 40, 40), (4, 6, 6), (12,), 5


def images():
    return torch.randint(256, (BATCH, *IMAGE)).float()


# Arguments that make the large ones small, so that all of them are tried in seconds.
SMALL = {name: {'channels': 4} for name in Architectures.__all__ if 'ResNet' in name or 'Residual' in name}
SMALL |= {name: {'out_channels': 16, 'depth': 2} for name in ('ViT', 'Perceiver', 'ConvMixer')}
SMALL |= {
    'Airbench': {'channels': (4, 8, 8), 'stem': 4},
    'Relation': {'hidden_dim': 16},
    'ConvNeXt': {'channels': (8, 8, 16, 16)},
    'CoAtNet': {'channels': (8, 8, 16, 32, 64)},
}


def place(name, role):
    """A module that has the block in this role, its inputs and the output shape without batch."""
    block = functools.partial(getattr(Architectures, name), **SMALL.get(name, {}))
    features, seen, action = torch.randn(BATCH, *FLAT), torch.randn(BATCH, *MAP), torch.randn(BATCH, 2)
    if role == 'eyes':
        encoder = Encoder(IMAGE, eyes=block)
        return encoder, (images(),), encoder.repr_shape
    if role == 'pool':
        encoder = Encoder(IMAGE, eyes=functools.partial(CNN, channels=(4, 4)), pool=block)
        return encoder, (images(),), encoder.repr_shape
    if role == 'trunk of an actor':
        return Actor(FLAT, (ACTIONS,), trunk=block, hidden_dim=16), (features,), (ACTIONS,)
    if role == 'trunk of a critic, over a feature map':
        return Critic(MAP, (2,), trunk=block, hidden_dim=16), (seen, action), None
    if role == 'q_head':
        return Critic(FLAT, (), ACTIONS, q_head=block, hidden_dim=16), (features,), None
    if role == 'q_head, over a feature map':
        return Critic(MAP, (), ACTIONS, trunk=Null, q_head=block, hidden_dim=16), (seen,), None
    if role == 'q_head of continuous actions':
        return Critic(FLAT, (2,), q_head=block, hidden_dim=16), (features, action), None
    if role == 'pi_head':
        return Actor(FLAT, (ACTIONS,), pi_head=block, hidden_dim=16), (features,), (ACTIONS,)
    if role == 'generator':
        return Actor(FLAT, IMAGE, pi_head=block, hidden_dim=16), (features,), IMAGE
    assert role == 'discriminator'
    return Critic(FLAT, IMAGE, q_head=block, hidden_dim=16), (features, images() / 127.5 - 1), None


PLAIN = {'MLP', 'Noisy', 'Trunk'}
FIXED = {'Nature', 'DrQ', 'Efficient'}  # no stride or kernel fits a small map
CONVOLUTIONS = {'CNN', 'ResNet', 'ResNet18', 'ResNet34', 'ResNet50', 'PreActResNet18', 'WideResNet', 'ConvMixer'}
EVERYWHERE = CONVOLUTIONS | {'ConvNeXt', 'AvgPool'}
PLACES = {'CLSPool', 'MultiHeadAttention', 'Transformer', 'ViT', 'Perceiver', 'AttentionPool', 'LSTM', 'CoAtNet'}
JUDGES = {'Discriminator', 'ResidualDiscriminator'}
SEES = PLAIN | EVERYWHERE | PLACES | JUDGES | {'Impala'}
FITS = {
    'eyes': SEES | FIXED | {'Airbench', 'Null'},
    'pool': SEES | {'Airbench', 'Null', 'Relation'},
    'trunk of an actor': PLAIN | EVERYWHERE | {'Null'},
    'trunk of a critic, over a feature map': SEES | {'Null', 'Relation'},
    'q_head': PLAIN | EVERYWHERE | {'Dueling'},
    'q_head, over a feature map': SEES | {'Dueling', 'Relation'},
    'q_head of continuous actions': PLAIN - {'Trunk'} | EVERYWHERE,
    'pi_head': PLAIN | EVERYWHERE | {'Dueling'},
    'generator': PLAIN - {'Trunk'} | EVERYWHERE | {'Dueling', 'Generator', 'DCGAN', 'ResidualGenerator'},
    'discriminator': SEES - {'Trunk'} | FIXED | {'Airbench'},
}
# Of the right shape, but idle: both normalize over the scores, and here is one. No shape can tell.
IDLE = {(role, name) for role in ('q_head of continuous actions', 'discriminator') for name in ('Dueling', 'Trunk')}


@pytest.mark.parametrize(('role', 'name'), [(role, name) for role in FITS for name in sorted(FITS[role])])
def test_block(role, name):
    module, inputs, shape = place(name, role)
    begin(module)
    output = module(*inputs)
    assert output.dtype == torch.float32 and output.isfinite().all()
    if shape is None:  # [E, B] or [E, B, A]
        assert output.shape == ((1, BATCH, ACTIONS) if role.startswith('q_head') and 'of' not in role else (1, BATCH))
    else:
        assert output.shape == (BATCH, *shape) and shape_of(module, *(x.shape[1:] for x in inputs)) == tuple(shape)
    if list(module.parameters()):
        (output * torch.randn_like(output)).sum().backward()
    for parameter_name, parameter in module.named_parameters():
        assert parameter.grad is not None and parameter.grad.any(), parameter_name
    with torch.autocast('cpu', torch.bfloat16):
        assert module(*inputs).shape == output.shape
    copy = deepcopy(module).eval()  # as targets and averages are made, and loaded
    copy.load_state_dict(module.state_dict())
    torch.testing.assert_close(copy(*inputs), module.eval()(*inputs))


def begin(module):
    """Off the point where a zero stops the gradient to what comes before it: residual branches may begin with one."""
    with torch.no_grad():
        for parameter in module.parameters():
            if not parameter.any():
                parameter.normal_(0, 0.1)


def test_every_architecture_has_a_place():
    assert set(Architectures.__all__) == set().union(*FITS.values())


@pytest.mark.parametrize(
    ('role', 'name'),
    [
        (role, name)
        for role in FITS
        for name in sorted(set(Architectures.__all__) - FITS[role])
        if (role, name) not in IDLE
    ],
)
def test_misplaced_block_is_named(role, name):
    """What does not fit says so where it is built: the block, and the shapes it was given or failed to give."""
    own = getattr(Architectures, name).__name__
    with pytest.raises(ValueError, match=rf'^Block {own} .*\(\d'):
        place(name, role)


def test_null():
    x = torch.randn(2, 3, 4)
    assert Null()(x) is x


# The families


OPTIONS = {
    'Airbench': [{'channels': (4, 8), 'stem': 6}],
    'ResNet': [
        {'blocks': (1, 1), 'bottleneck': True},
        {'stem': 'imagenet'},
        {'stem': 'cifar', 'preactivate': True},
        {'width': 2},
    ],
    'ResNet18': [{'stem': 'cifar', 'width': 2}],
    'ResNet34': [{'preactivate': True}],
    'ResNet50': [{'preactivate': True, 'blocks': (1, 1, 1, 1)}],
    'PreActResNet18': [{'stem': 'imagenet'}],
    'WideResNet': [{'depth': 10, 'width': 2, 'preactivate': False}, {'blocks': (1, 1)}],
    'ConvMixer': [{'patch_size': 7, 'kernel': 9, 'depth': 1}],
    'ConvNeXt': [{'blocks': (1, 1), 'channels': (8, 8), 'patch_size': 4}],
    'CoAtNet': [{'blocks': (1, 2, 2, 1)}],
    'ViT': [
        {'pool': 'token'},
        {'pool': 'mean', 'hidden_dim': 8},
        {'patch_size': 7, 'heads': 8, 'dropout': 0.1},
        {'depth': 1, 'out_channels': 12, 'heads': 5},
    ],
    'Transformer': [
        {'out_channels': 8, 'pool': 'token', 'depth': 1},
        {'pool': 'mean', 'heads': 3, 'hidden_dim': 8, 'dropout': 0.1},
    ],
    'MultiHeadAttention': [{'heads': 7}],
    'Perceiver': [{'latents': 3, 'bands': 2, 'heads': 1, 'hidden_dim': 8}],
    'Relation': [{'hidden_dim': 8, 'depth': 1}],
    'LSTM': [{'hidden_dim': 5, 'depth': 2}],
    'AttentionPool': [{'heads': 1}],
    'CLSPool': [{'depth': 2, 'heads': 3, 'hidden_dim': 8}],
    'ResidualGenerator': [{'channels': 3}],
    'ResidualDiscriminator': [{'spectral': False, 'channels': 3}],
    'CNN': [{'norm': False, 'channels': (4, 8, 4), 'kernels': (3, 5, 3), 'strides': (1, 2, 2), 'paddings': 0}],
    'Impala': [{'channels': (4, 4), 'width': 2}],
    'MLP': [{'depth': 3, 'hidden_dim': 7}],
}


@pytest.mark.parametrize(('name', 'options'), [(name, options) for name in OPTIONS for options in OPTIONS[name]])
def test_every_option_builds_with_and_without_an_output_shape(name, options):
    shape = (12,) if name == 'ResidualGenerator' else (3, 16, 15)
    for output_shape in ((4, 18, 17),) if name == 'ResidualGenerator' else (None, (5,), (2, 3)):
        block = build(getattr(Architectures, name), shape, output_shape, **{**SMALL.get(name, {}), **options})
        output = block(torch.randn(2, *shape))
        assert output.isfinite().all() and output.shape[1:] == (output_shape or shape_of(block, shape))


def test_every_option_is_tried():
    for name in set(OPTIONS) - {'MLP'}:
        options = set(argument_names(getattr(Architectures, name)) or ()) - {'input_shape', 'output_shape'}
        tried = set().union(*OPTIONS[name], SMALL.get(name, ()), *(OPTIONS['ResNet'] if 'ResNet' in name else ()))
        assert options <= tried, name


@pytest.mark.parametrize('shape', [(1, 28, 28), (3, 32, 32), (4, 84, 84), (12, 96, 96)], ids=str)
@pytest.mark.parametrize(
    'name', sorted(CONVOLUTIONS | {'Airbench', 'ConvNeXt', 'CoAtNet', 'Impala', 'Perceiver', 'ViT'})
)
def test_images_of_all_suites(name, shape):
    block = build(getattr(Architectures, name), shape, **SMALL.get(name, {}))
    features = block(torch.randn(2, *shape))
    assert features.isfinite().all() and 0.01 < features.std() < 100


# With an ImageNet's 1000 classes, at 224 pixels: by the papers, or torchvision where a paper gives no more than digits.
@pytest.mark.parametrize(
    ('name', 'shape', 'classes', 'options', 'millions'),
    [
        ('ResNet18', (3, 224, 224), 1000, {}, 11.689512),
        ('ResNet34', (3, 224, 224), 1000, {}, 21.797672),
        ('ResNet50', (3, 224, 224), 1000, {}, 25.557032),
        ('WideResNet', (3, 32, 32), 10, {'depth': 28, 'width': 10}, 36.5),
        ('ConvMixer', (3, 224, 224), 1000, {'patch_size': 7, 'out_channels': 1536, 'depth': 20, 'kernel': 9}, 51.6),
        ('ConvNeXt', (3, 224, 224), 1000, {'blocks': (3, 3, 9, 3), 'channels': (96, 192, 384, 768)}, 28.589128),
        ('ConvNeXt', (3, 224, 224), 1000, {}, 3.7),
        ('CoAtNet', (3, 224, 224), 1000, {'blocks': (2, 3, 5, 2), 'channels': (64, 96, 192, 384, 768)}, 25),
        ('Airbench', (3, 32, 32), 10, {}, 1.97),  # its 1,971,640 by hand; here norms have scales
        ('ViT', (3, 224, 224), 1000, {'patch_size': 16, 'out_channels': 768, 'depth': 12, 'heads': 12}, 86.5),
    ],
)
def test_sizes_of_the_papers(name, shape, classes, options, millions):
    with torch.device('meta'):
        block = getattr(Architectures, name)(shape, (classes,), **options)
    count = sum(parameter.numel() for parameter in block.parameters()) / 1e6
    exact = len(str(millions)) > 5
    assert count == pytest.approx(millions, rel=1e-9 if exact else 0.08 if name == 'CoAtNet' else 0.005)


@pytest.mark.parametrize(('name', 'theirs'), [('ResNet18', 'resnet18'), ('ResNet50', 'resnet50')])
def test_the_same_weights_give_what_torchvision_gives(name, theirs):
    """Only the order of the layers is compared, not their names: what is there comes in the same order."""
    theirs = getattr(torchvision.models, theirs)(num_classes=7)
    ours = getattr(Architectures, name)((3, 64, 64), (7,))
    begin(theirs)
    stored = list(theirs.state_dict().values())
    assert [tensor.shape for tensor in stored] == [tensor.shape for tensor in ours.state_dict().values()]
    ours.load_state_dict(dict(zip(ours.state_dict(), stored, strict=True)))
    x = torch.randn(2, 3, 64, 64)
    torch.testing.assert_close(ours(x), theirs(x), rtol=1e-3, atol=1e-3)
