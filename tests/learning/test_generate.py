"""A generative adversarial network on images of two kinds."""

import functools
from types import SimpleNamespace

import torch

from Agents import DQNAgent
from Datasets.Experience import Spec
from Datasets.Images.Dataset import Dataset
from Support.RandomState import seed_everything
from tests.make import make


def test_samples_move_towards_both_kinds():
    """Half the images have a bright left half, half a bright right half; an untrained generator gives gray."""
    seed_everything(1)
    images = torch.full((256, 1, 8, 8), 30.0)
    images[:128, :, :, :4] = images[128:, :, :, 4:] = 220.0
    images = (images + 10 * torch.randn_like(images)).clamp(0, 255).byte()
    memory = Dataset(SimpleNamespace(obs=images, label=torch.zeros(256, dtype=torch.long)), 64)
    spec = Spec((1, 8, 8), 'uint8', (2,), 2, kind='classify')
    optimizer = functools.partial(torch.optim.AdamW, betas=(0.5, 0.999))
    agent = make(DQNAgent, spec, generate=True, lr=3e-3, latent_dim=8, optimizer=optimizer)

    def distance():
        """Mean distance of samples to the nearer kind in gray levels per pixel; share of the left kind."""
        created = agent.domain.create(200).float()
        kinds = torch.stack([images[:128].float().mean(0), images[128:].float().mean(0)])
        apart = (created.unsqueeze(1) - kinds).abs().mean((2, 3, 4))  # [200, 2]
        return apart.amin(1).mean().item(), (apart[:, 0] < apart[:, 1]).float().mean().item()

    before, _ = distance()
    for step in range(300):
        agent.step = step
        agent.learn(memory)
    after, left = distance()
    assert before > 80
    assert after < 50  # 29 to 36 over seeds
    assert 0.2 < left < 0.8  # both kinds
