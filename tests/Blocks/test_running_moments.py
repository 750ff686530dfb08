"""Running moments against those of all samples at once."""

import numpy as np
import pytest
import torch

from Blocks.RunningMoments import Moments, Normalized, RewardScale


def test_moments_are_those_of_all_samples():
    torch.manual_seed(0)
    moments, parts = Moments((3,)), [torch.randn(size, 3) * 5 + 2 for size in (1, 7, 40)]
    for part in parts:
        moments.update(part)
    everything = torch.cat(parts)
    assert moments.count == 48
    torch.testing.assert_close(moments.mean, everything.mean(0))
    torch.testing.assert_close(moments.var, everything.var(0, correction=0))


def test_moments_by_hand():
    moments = Moments(())
    moments.update(torch.tensor([1.0, 3.0]))
    moments.update(torch.tensor([8.0]))
    assert (moments.mean.item(), moments.var.item()) == pytest.approx((4, (9 + 1 + 16) / 3))


def test_states_are_normalized_and_clipped():
    normalized = Normalized((1,))
    x = torch.tensor([[5.0], [-50.0]])
    assert normalized(x).tolist() == [[5.0], [-10.0]]  # mean 0, deviation 1 before any update
    normalized.update(torch.tensor([[1.0], [5.0]]))  # mean 3, deviation 2
    assert normalized(x).flatten().tolist() == pytest.approx([1, -10])
    assert normalized(torch.tensor([[100.0]])).item() == 10


def test_rewards_are_scaled_by_the_deviation_of_the_discounted_return():
    """The return is carried from rollout to rollout, and ends with its episode."""
    scale = RewardScale(1)
    reward, discount = torch.tensor([[1.0, 2.0, 4.0]]), torch.full((1, 3), 0.5)
    last = torch.tensor([[False, True, False]])
    returns = [1.0, 2.5, 4.0]
    torch.testing.assert_close(scale(reward, discount, last), reward / np.std(returns), rtol=1e-4, atol=1e-4)
    scaled = scale(reward, discount, last)
    torch.testing.assert_close(scaled, reward / np.std([*returns, 3.0, 3.5, 4.0]), rtol=1e-4, atol=1e-4)


def test_all_of_it_is_saved():
    assert set(RewardScale(2).state_dict()) == {'moments.mean', 'moments.var', 'moments.count', 'carried'}
    assert set(Normalized((2,)).state_dict()) == {'moments.mean', 'moments.var', 'moments.count'}
