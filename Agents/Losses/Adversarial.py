"""Adversarial losses (GANs): the critic tells the data's images from the agent's own, the actor makes that hard.

Scores [E, B] are `real` for the data's images and `created` for the agent's own.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from Agents.Losses.TemporalDifference import td_loss


class Game(NamedTuple):
    """The losses of critic and actor, functions (real, created) -> scalar."""

    critic: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    actor: Callable[[Any, torch.Tensor], torch.Tensor]
    pairs: bool = False  # whether the actor's loss needs `real`; else it is given None


def toward(scores: torch.Tensor, value: float) -> torch.Tensor:
    """Mean squared error of scores [E, B] to one value."""
    return td_loss(scores, torch.full_like(scores[0], value))[0]


GAMES = {
    # arXiv:1611.04076, eq. 9: the value of an image is 1 if it is the data's, else 0
    'least_squares': Game(
        lambda real, created: (toward(real, 1.0) + toward(created, 0.0)) / 2, lambda real, created: toward(created, 1.0)
    ),
    # arXiv:1406.2661, section 3: -log D(x) - log(1 - D(G(z))), and for the actor -log D(G(z))
    'non_saturating': Game(
        lambda real, created: F.softplus(-real).mean() + F.softplus(created).mean(),
        lambda real, created: F.softplus(-created).mean(),
    ),
    # arXiv:1802.05957, eq. 16 and 17
    'hinge': Game(
        lambda real, created: F.relu(1 - real).mean() + F.relu(1 + created).mean(),
        lambda real, created: -created.mean(),
    ),
    # arXiv:1701.07875; needs a penalty that keeps the critic's slope near 1 (arXiv:1704.00028)
    'wasserstein': Game(lambda real, created: created.mean() - real.mean(), lambda real, created: -created.mean()),
    # pairs, of which one is real: arXiv:1807.00734, eq. 4, as in R3GAN (arXiv:2501.05441, eq. 2)
    'relativistic': Game(
        lambda real, created: F.softplus(created - real).mean(),
        lambda real, created: F.softplus(real - created).mean(),
        pairs=True,
    ),
}


Score = Callable[[torch.Tensor], torch.Tensor]  # images [B, C, H, W] -> scores [E, B]


def zero_centered(score: Score, images: torch.Tensor) -> torch.Tensor:
    """||grad D||^2 [B] at images [B, C, H, W]: R1 at the data's, R2 at the agent's own (arXiv:1801.04406, eq. 9).

    The gradients of an ensemble are summed."""
    return slope(score, images).square().flatten(1).sum(1)


def one_centered(score: Score, real: torch.Tensor, created: torch.Tensor) -> torch.Tensor:
    """(||grad D|| - 1)^2 [B] between real and created images, both [B, C, H, W] (arXiv:1704.00028, eq. 3)."""
    mix = torch.rand(len(real), 1, 1, 1, device=real.device)
    return (slope(score, torch.lerp(real.float(), created.float(), mix)).flatten(1).norm(dim=1) - 1).square()


def slope(score: Score, images: torch.Tensor) -> torch.Tensor:
    """Gradient of the scores at images, differentiable itself: torch's fused attentions are not, so they are off."""
    images = images.detach().float().requires_grad_()
    with sdpa_kernel(SDPBackend.MATH):
        return torch.autograd.grad(score(images).sum(), images, create_graph=True)[0]
