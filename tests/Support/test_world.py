"""The first of several processes speaks for all."""

from Support.World import World


def test_a_process_alone_is_the_first_of_one():
    world = World()
    assert (world.rank, world.size, world.first) == (0, 1, True)


def test_only_rank_0_is_the_first():
    assert [World(rank, 3).first for rank in range(3)] == [True, False, False]
