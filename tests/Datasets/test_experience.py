"""Batches on their way to a device."""

import torch

from Datasets.Experience import Experience, Future, to


def test_every_tensor_moves_and_what_is_there_stays():
    window = torch.zeros(2, 5, 3, 3, dtype=torch.uint8)
    future = Future(obs=window, action=torch.zeros(2, 1), reward=torch.zeros(2, 1), valid=torch.ones(2, 1).bool())
    batch = Experience(obs=window[:, :4], reward=torch.ones(2), future=future)
    moved = to(torch.device('meta'), batch)
    assert moved.obs.device.type == moved.future.obs.device.type == 'meta' and moved.obs.shape == (2, 4, 3, 3)
    assert type(moved) is Experience and type(moved.future) is Future and moved.action is None
    here = to(torch.device('cpu'), batch)
    assert here.obs is batch.obs and here.future.obs is window
