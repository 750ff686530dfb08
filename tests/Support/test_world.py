"""One process has everything; several share it out."""

import pytest
import torch

from Support.World import World


def test_one_process_is_the_first_and_keeps_all():
    world, gradient, items = World(), torch.tensor([1.0, 2.0]), [1, 2, 3]
    assert (world.rank, world.size, world.first) == (0, 1, True)
    assert world.mean([gradient]) is None and gradient.tolist() == [1, 2]
    assert world.share(items) is items


def test_shares_are_disjoint_and_whole():
    worlds = [World(rank, 3) for rank in range(3)]
    assert [world.first for world in worlds] == [True, False, False]
    assert sorted(item for world in worlds for item in world.share(range(10))) == list(range(10))
    with pytest.raises(NotImplementedError):
        worlds[0].mean([torch.ones(1)])
