"""Dueling heads (equation 9)."""

import torch

from Blocks.Architectures import Dueling, Noisy


def test_the_mean_over_actions_is_the_value():
    head, x = Dueling((12,), (5,), hidden_dim=8), torch.randn(3, 12)
    torch.testing.assert_close(head(x).mean(1, keepdim=True), head.value(x))
    advantage = head.advantage(x)
    torch.testing.assert_close(head(x) - head.value(x), advantage - advantage.mean(1, keepdim=True))


def test_of_distributions_and_of_other_heads():
    head = Dueling((12,), (5, 3), head=Noisy, hidden_dim=8)
    assert isinstance(head.value, Noisy) and head(torch.randn(2, 12)).shape == (2, 5, 3)
