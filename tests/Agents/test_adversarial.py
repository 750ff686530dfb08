"""Adversarial losses and penalties against numbers worked by hand."""

import math

import pytest
import torch

from Agents.Losses.Adversarial import GAMES, one_centered, zero_centered
from Agents.Losses.TemporalDifference import td_loss
from Blocks import Architectures
from Blocks.Critics import Critic

REAL, CREATED = torch.tensor([[2.0, 0.5]]), torch.tensor([[-1.0, 0.0]])  # one critic, two images each


def softplus(x):
    return math.log1p(math.exp(x))


@pytest.mark.parametrize(
    ('name', 'critic', 'actor'),
    [
        ('least_squares', ((1 + 0.25) / 2 + (1 + 0) / 2) / 2, (4 + 1) / 2),
        (
            'non_saturating',
            (softplus(-2) + softplus(-0.5)) / 2 + (softplus(-1) + softplus(0)) / 2,
            (softplus(1) + softplus(0)) / 2,
        ),
        ('hinge', (0 + 0.5) / 2 + (0 + 1) / 2, 0.5),
        ('wasserstein', -0.5 - 1.25, 0.5),
        ('relativistic', (softplus(-3) + softplus(-0.5)) / 2, (softplus(3) + softplus(0.5)) / 2),
    ],
)
def test_games(name, critic, actor):
    assert GAMES[name].critic(REAL, CREATED).item() == pytest.approx(critic)
    assert GAMES[name].actor(REAL, CREATED).item() == pytest.approx(actor)


def test_least_squares_is_the_error_of_what_images_are_worth():
    reward = torch.tensor([1.0, 1.0, 0.0, 0.0])
    assert GAMES['least_squares'].critic(REAL, CREATED) == td_loss(torch.cat([REAL, CREATED], 1), reward)[0]


@pytest.mark.parametrize('name', GAMES)
def test_the_critic_wants_real_above_created_and_the_actor_the_opposite(name):
    real, created = torch.full((2, 3), 0.2, requires_grad=True), torch.full((2, 3), 0.4, requires_grad=True)
    GAMES[name].critic(real, created).backward()
    assert (real.grad < 0).all() and (created.grad > 0).all()
    created.grad = None
    GAMES[name].actor(real, created).backward()
    assert (created.grad < 0).all()


def test_zero_centered_is_the_squared_slope_and_teaches_the_critic():
    slope = torch.tensor(3.0, requires_grad=True)
    images = torch.rand(4, 1, 2, 2)
    penalty = zero_centered(lambda x: slope * x.flatten(1).sum(1).unsqueeze(0), images)
    assert penalty.tolist() == pytest.approx([4 * 9.0] * 4)  # four pixels, each of slope 3
    penalty.mean().backward()
    assert slope.grad.item() == pytest.approx(2 * 4 * 3.0)
    assert not images.requires_grad


def test_one_centered_is_least_at_slope_one():
    real, created = torch.rand(4, 1, 2, 2), torch.rand(4, 1, 2, 2)
    for slope, penalty in ((0.5, 0.0), (1.0, 1.0), (2.0, 9.0)):  # four pixels: the norm is twice the slope
        weight = torch.full((1, 4), slope)
        assert one_centered(lambda x, weight=weight: weight @ x.flatten(1).T, real, created).tolist() == pytest.approx(
            [penalty] * 4, abs=1e-6
        )


@pytest.mark.parametrize('name', ['ViT', 'ResidualDiscriminator', 'CNN'])
def test_penalties_of_any_discriminator(name):
    images = torch.rand(2, 3, 16, 16)
    critic = Critic((4,), images.shape[1:], q_head=getattr(Architectures, name))
    with torch.autocast('cpu', torch.bfloat16):
        penalty = zero_centered(lambda x: critic(None, x), images) + one_centered(
            lambda x: critic(None, x), images, 1 - images
        )
    penalty.mean().backward()
    gradients = [parameter.grad for parameter in critic.parameters() if parameter.grad is not None]
    assert penalty.isfinite().all() and all(gradient.isfinite().all() for gradient in gradients)
    assert sum(gradient.abs().sum() for gradient in gradients) > 0
