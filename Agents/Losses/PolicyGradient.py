"""Policy gradients: advantages, and how policies follow them."""

import torch


def generalized_advantage(
    reward: torch.Tensor,
    discount: torch.Tensor,
    value: torch.Tensor,
    next_value: torch.Tensor,
    last: torch.Tensor,
    trace: float,
) -> torch.Tensor:
    """Generalized advantages [N, T] (arXiv:1506.02438, eq. 16). All tensors [N, T].

    discount: 0 after a terminal. next_value: of the next observation, the final one where an episode ended.
    last: bool, an episode ended, so the next column belongs to another one. trace: lambda.
    """
    errors = (reward + discount * next_value - value).unbind(1)
    decays = (discount * trace * ~last).unbind(1)
    advantages = [errors[-1]]
    for error, decay in zip(reversed(errors[:-1]), reversed(decays[:-1]), strict=True):
        advantages.append(torch.addcmul(error, decay, advantages[-1]))
    return torch.stack(advantages[::-1], 1)


def clipped_ratio(
    log_prob: torch.Tensor, old_log_prob: torch.Tensor, advantage: torch.Tensor, clip: float
) -> torch.Tensor:
    """PPO's objective [B] (arXiv:1707.06347, eq. 7), to be maximized. All tensors [B]."""
    ratio = (log_prob - old_log_prob).exp()
    return torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)


def approximate_kl(log_prob: torch.Tensor, old_log_prob: torch.Tensor) -> torch.Tensor:
    """KL(old | new), estimated from samples [B] of the old policy: unbiased, of low variance
    (joschu.net/blog/kl-approx)."""
    log_ratio = log_prob - old_log_prob
    return (log_ratio.exp() - 1 - log_ratio).mean()
