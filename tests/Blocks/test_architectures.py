"""Every architecture in every place that its shapes allow: forward, backward, shapes, and errors where they do not."""

import functools

import pytest
import torch
from torch import nn

import Blocks.Architectures as Architectures
from Blocks.Actors import Actor, Proposals
from Blocks.Architectures import CNN, MLP, Discriminator, Dueling, Generator, Null
from Blocks.Critics import Critic
from Blocks.Encoders import Encoder
from Blocks.Shapes import Flat, build, check, shape_of, size

IMAGE, FLAT, ACTIONS = (3, 40, 40), (12,), 5


def images():
    return torch.randint(256, (2, *IMAGE)).float()


def place(name, role):
    """A module that has the block in this role, its inputs and the output shape without batch."""
    block = getattr(Architectures, name)
    if role == 'eyes':
        encoder = Encoder(IMAGE, eyes=block)
        return encoder, (images(),), encoder.repr_shape
    if role == 'trunk of an actor':
        return Actor(FLAT, (ACTIONS,), trunk=block, hidden_dim=16), (torch.randn(2, *FLAT),), (ACTIONS,)
    if role == 'trunk of a critic, over a feature map':
        critic = Critic((4, 6, 6), (2,), trunk=block, hidden_dim=16)
        return critic, (torch.randn(2, 4, 6, 6), torch.randn(2, 2)), None
    if role == 'q_head':
        return Critic(FLAT, (), ACTIONS, q_head=block, hidden_dim=16), (torch.randn(2, *FLAT),), None
    if role == 'q_head of continuous actions':
        return Critic(FLAT, (2,), q_head=block, hidden_dim=16), (torch.randn(2, *FLAT), torch.randn(2, 2)), None
    if role == 'pi_head':
        return Actor(FLAT, (ACTIONS,), pi_head=block, hidden_dim=16), (torch.randn(2, *FLAT),), (ACTIONS,)
    if role == 'generator':
        return Actor(FLAT, IMAGE, pi_head=block, hidden_dim=16), (torch.randn(2, *FLAT),), IMAGE
    assert role == 'discriminator'
    return Critic(FLAT, IMAGE, q_head=block, hidden_dim=16), (torch.randn(2, *FLAT), images() / 127.5 - 1), None


EVERYWHERE = {'MLP', 'Noisy', 'Trunk'}
CONVOLUTIONS = {'CNN', 'Nature', 'DrQ', 'Efficient'}
FITS = {
    'eyes': EVERYWHERE | CONVOLUTIONS | {'Null', 'Discriminator', 'Impala'},
    'trunk of an actor': EVERYWHERE | {'Null', 'CNN'},
    'trunk of a critic, over a feature map': EVERYWHERE | {'Null', 'CNN', 'Discriminator', 'Impala'},
    'q_head': EVERYWHERE | {'Dueling', 'CNN'},
    'q_head of continuous actions': {'MLP', 'Noisy', 'CNN'},
    'pi_head': EVERYWHERE | {'Dueling', 'CNN'},
    'generator': {'MLP', 'Noisy', 'Dueling', 'CNN', 'Generator', 'DCGAN'},
    'discriminator': {'MLP', 'Noisy', 'Discriminator'} | CONVOLUTIONS,
}
# Of the right shape, but idle: both normalise over the scores, and here is one. No shape can tell.
IDLE = {(role, name) for role in ('q_head of continuous actions', 'discriminator') for name in ('Dueling', 'Trunk')}


@pytest.mark.parametrize(('role', 'name'), [(role, name) for role in FITS for name in sorted(FITS[role])])
def test_block(role, name):
    module, inputs, shape = place(name, role)
    output = module(*inputs)
    assert output.dtype == torch.float32 and output.isfinite().all()
    if shape is None:  # [E, B] or [E, B, A]
        assert output.shape == ((1, 2, ACTIONS) if role == 'q_head' else (1, 2))
    else:
        assert output.shape == (2, *shape) and shape_of(module, *(x.shape[1:] for x in inputs)) == tuple(shape)
    if not list(module.parameters()):
        return
    (output * torch.randn_like(output)).sum().backward()
    for parameter_name, parameter in module.named_parameters():
        assert parameter.grad is not None and parameter.grad.any(), parameter_name


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


def test_wrong_output_names_block_shape_given_and_wanted():
    with pytest.raises(ValueError, match=r'Block Identity gives shape \(50,\), but \(5,\) is wanted'):
        Actor(FLAT, (ACTIONS,), pi_head=nn.Identity)
    with pytest.raises(ValueError, match=r'Block Linear does not take inputs of shape \(3,\)'):
        check(nn.Linear(4, 2), (2,), (3,))


def test_any_module_is_a_block():
    actor = Actor(FLAT, (ACTIONS,), trunk=nn.Identity, pi_head=functools.partial(nn.Linear, 12, ACTIONS))
    assert actor(torch.randn(2, *FLAT)).shape == (2, ACTIONS)


def test_build_offers_what_a_constructor_takes_and_lets_the_recipe_win():
    assert build(functools.partial(MLP, hidden_dim=3), (4,), hidden_dim=9, trunk_dim=1).output_shape == (3,)
    assert build(MLP, (4,), (2,), hidden_dim=9).layers[1].out_features == 9
    assert isinstance(build(nn.ReLU, (4,)), nn.ReLU)


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


def test_size():
    assert (size(()), size((3, 4))) == (1, 12)


# Critics


def test_critic_gathers_the_action_that_was_done():
    critic = Critic(FLAT, (), ACTIONS, ensemble=3, hidden_dim=16)
    features, action = torch.randn(4, *FLAT), torch.tensor([0, 4, 2, 2])
    q = critic(features)
    assert q.shape == (3, 4, ACTIONS)
    torch.testing.assert_close(critic(features, action), q[:, range(4), action])
    assert not torch.equal(q[0], q[1])  # heads begin apart


def test_critic_scores_proposals_as_it_scores_them_one_by_one():
    critic = Critic(FLAT, (2,), ensemble=2, hidden_dim=16)
    features, proposals = torch.randn(3, *FLAT), Proposals(6, (2,))(torch.zeros(3, 1))
    assert proposals.shape == (3, 6, 2) and proposals.abs().max() <= 1
    q = critic(features, proposals)
    assert q.shape == (2, 3, 6)
    for i in range(6):
        torch.testing.assert_close(q[..., i], critic(features, proposals[:, i]))


def test_critic_of_images_ignores_the_latent():
    critic = Critic(FLAT, IMAGE)
    critic.eval()
    picture = images()
    assert torch.equal(critic(torch.randn(2, *FLAT), picture), critic(None, picture))


# DCGAN


@pytest.mark.parametrize('sides', [range(8, 40), range(40, 72), range(72, 97)], ids=str)
def test_generator_gives_every_size(sides):
    for side in sides:
        shape = (side % 3 + 1, side, 104 - side)
        image = Generator((6,), shape, channels=2)(torch.randn(2, 6))
        assert image.shape == (2, *shape) and image.abs().max() < 1 and image.std() > 0
        score = Discriminator(shape, channels=2)(image)
        assert score.shape == (2, 1)


def test_generator_reaches_both_ends():
    generator = Generator((6,), (1, 9, 9), channels=2)
    with torch.no_grad():
        generator.grow[-1].weight.mul_(1e4)
        image = generator(torch.randn(50, 6))
    assert -1 <= image.min() < -0.99 and 0.99 < image.max() <= 1


def test_flat_and_null():
    x = torch.randn(2, 3, 4)
    assert Flat()(x).shape == (2, 12) and Null()(x) is x


def test_dueling_keeps_the_mean_at_the_value():
    head = Dueling(FLAT, (ACTIONS,), hidden_dim=8)
    x = torch.randn(3, *FLAT)
    torch.testing.assert_close(head(x).mean(1, keepdim=True), head.value(x))
