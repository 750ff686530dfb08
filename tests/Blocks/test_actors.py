"""Actors: trunk and head by default and by choice, and random proposals."""

import math
from functools import partial

import torch

from Blocks.Actors import Actor, Proposals, choose_largest
from Blocks.Architectures import MLP, Generator, Null, Trunk


def test_defaults_follow_the_output():
    vector = Actor((12,), (5,), trunk_dim=7, hidden_dim=16)
    assert type(vector.trunk) is Trunk and type(vector.pi_head) is MLP
    features = torch.randn(3, 12)
    assert vector.trunk(features).shape == (3, 7) and vector(features).shape == (3, 5)
    torch.testing.assert_close(vector(features), vector.pi_head(vector.trunk(features)))
    image = Actor((12,), (1, 9, 8))
    assert type(image.trunk) is Null and type(image.pi_head) is Generator and image(features).shape == (3, 1, 9, 8)


def test_blocks_are_chosen():
    actor = Actor((12,), (5,), trunk=Null, pi_head=partial(MLP, depth=3), hidden_dim=16)
    assert type(actor.trunk) is Null and sum(isinstance(layer, torch.nn.ReLU) for layer in actor.pi_head.layers) == 3


def test_proposals_are_uniform_and_know_their_density():
    torch.manual_seed(0)
    proposals = Proposals(5000, (2 + 3 + 2,), (3, 2))
    actions = proposals(torch.zeros(4, 1))
    assert actions.shape == (4, 5000, 7) and not torch.equal(actions[0], actions[1])
    continuous, first, second = actions.split((2, 3, 2), -1)
    assert continuous.abs().max() <= 1 and continuous.mean().abs() < 0.02
    assert (continuous.std() - 3**-0.5).abs() < 0.02
    for choice in (first, second):
        assert set(choice.unique().tolist()) == {0, 1} and choice.sum(-1).eq(1).all()
        assert (choice.mean((0, 1)) - 1 / choice.shape[-1]).abs().max() < 0.02
    assert math.isclose(proposals.log_density, -2 * math.log(2) - math.log(3) - math.log(2))


def test_choose_largest_by_hand():
    action = torch.tensor([[0.1, 0.2, 0.9, 0.3, -1.0, -2.0], [0.5, 0.8, 0.0, 0.1, 0.0, 0.0]])  # one entry, 3, and 2
    assert choose_largest(action, (3, 2)).tolist() == [
        [action[0, 0].item(), 0, 1, 0, 1, 0],
        [0.5, 1, 0, 0, 1, 0],
    ]
    assert torch.equal(choose_largest(action, ()), action)
