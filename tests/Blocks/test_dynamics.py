"""Latent dynamics: the next step's features from features and an action."""

import pytest
import torch
from torch.nn import functional as F

from Blocks.Dynamics import Dynamics, Renormalize


def test_renormalize_by_hand():
    x = torch.tensor([[[[2.0, 4.0], [3.0, 6.0]]]])
    assert Renormalize()(x).flatten().tolist() == pytest.approx([0, 0.5, 0.25, 1], abs=1e-4)
    pair = torch.stack([x[0], 100 + x[0]])
    torch.testing.assert_close(Renormalize()(pair)[0], Renormalize()(pair)[1])  # each sample by itself


@pytest.mark.parametrize('shape', [(6,), (4, 3, 3)])
@pytest.mark.parametrize('discrete', [True, False])
def test_dynamics_depend_on_the_action(shape, discrete):
    dynamics = Dynamics(shape, () if discrete else (2,), 3 if discrete else None, hidden_dim=16).eval()
    features = torch.randn(2, *shape)
    actions = (torch.tensor([0, 0]), torch.tensor([0, 2])) if discrete else (torch.zeros(2, 2), torch.ones(2, 2))
    before, after = (dynamics(features, action) for action in actions)
    assert before.shape == features.shape and not torch.equal(before[1], after[1])
    assert torch.equal(before[0], after[0]) == discrete


def test_actions_are_one_hots_beside_a_vector_and_constant_channels_beside_a_map():
    vector, action = torch.randn(2, 6), torch.tensor([2, 0])
    dynamics = Dynamics((6,), (), 3, hidden_dim=16)
    expected = dynamics.layers(torch.cat([vector, F.one_hot(action, 3)], 1))
    torch.testing.assert_close(dynamics(vector, action), expected)
    map, dynamics = torch.randn(2, 4, 3, 3), Dynamics((4, 3, 3), (), 3).eval()
    planes = F.one_hot(action, 3).float().view(2, 3, 1, 1).expand(-1, -1, 3, 3)
    torch.testing.assert_close(dynamics(map, action), dynamics.layers(torch.cat([map, planes], 1)))
