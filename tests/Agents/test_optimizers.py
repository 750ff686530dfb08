"""Parameter groups and the orthogonalized step."""

import functools

import pytest
import torch
from torch import nn

from Agents.Accumulator import in_layout_of
from Agents.Optimizers import Muon, orthogonalize
from Agents.PhaseOptimizer import parameter_groups


def test_norms_and_biases_do_not_decay():
    parts = {'eyes': nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)), 'head': nn.Linear(3, 4)}
    found = {(group['part'], group['weight_decay']): group['params'] for group in parameter_groups(parts, 0.1)}
    assert set(found) == {('eyes', 0.1), ('eyes', 0.0), ('head', 0.1), ('head', 0.0)}
    assert all(parameter.dim() > 1 for (_, decay), params in found.items() for parameter in params if decay)
    assert sum(len(params) for params in found.values()) == 6


def test_without_decay_each_part_is_one_group_and_shared_parameters_count_once():
    shared = nn.Linear(3, 3)
    found = parameter_groups(
        {'first': shared, 'second': nn.Sequential(shared, nn.Linear(3, 1)), 'empty': nn.ReLU()}, 0.0
    )
    assert [(group['part'], len(group['params'])) for group in found] == [('first', 2), ('second', 2)]


@pytest.mark.parametrize('shape', [(16, 16), (8, 50), (50, 8)])
def test_orthogonalized_keeps_directions_and_levels_their_sizes(shape):
    torch.manual_seed(0)
    matrix = torch.randn(shape)
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    values = (u.T @ orthogonalize(matrix, 5) @ v.T).diagonal()  # along its own singular vectors
    assert values.min() > 0.5 and values.max() < 1.3


def test_muon_learns_and_its_moments_survive_a_reload():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 3))
    optimizer = Muon(parameter_groups({'net': net}, 0.01), lr=2e-2)
    x, label = torch.randn(12, 1, 4, 4), torch.arange(12) % 3

    def learn():
        loss = nn.functional.cross_entropy(net(x), label)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss.item()

    losses = [learn() for _ in range(60)]
    assert losses[-1] < 0.5 * losses[0]
    state = optimizer.state_dict()
    again = Muon(parameter_groups({'net': net}, 0.01), lr=1e-2)
    again.load_state_dict(state)
    slots = [set(moments) for moments in again.state_dict()['state'].values()]
    assert slots.count({'step', 'momentum'}) == 2 and slots.count({'step', 'exp_avg', 'exp_avg_sq'}) == 4


def test_a_step_of_muon_is_of_adams_size():
    """Root mean square of 0.2 lr, times what the iteration leaves of a singular value of 1 (arXiv:2502.16982)."""
    torch.manual_seed(0)
    sizes = {}
    for build in (Muon, functools.partial(torch.optim.AdamW, weight_decay=0.0)):
        weight = nn.Parameter(torch.zeros(64, 64))
        optimizer = build([weight], lr=0.1)
        weight.grad = torch.randn(64, 64)
        optimizer.step()
        sizes[build] = weight.detach().square().mean().sqrt().item()
    assert 0.1 < sizes.pop(Muon) / sizes.popitem()[1] < 0.3


def test_sums_that_are_gone_on_with_lie_in_memory_as_their_parameters_do():
    """Fused optimisers do not look: a gradient that lies otherwise would move other weights than its own."""
    layer = torch.nn.Conv2d(3, 4, 2).to(memory_format=torch.channels_last)
    value = torch.arange(48.0).view(4, 3, 2, 2)
    moved = in_layout_of(layer.weight, value)
    assert moved.stride() == layer.weight.stride() != value.stride() and torch.equal(moved, value)
