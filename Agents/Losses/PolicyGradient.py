"""Learning from what was just done: advantages, and how policies follow them."""

import torch


def generalized_advantage(reward, discount, value, next_value, last, trace):
    """Advantages [N, T] (arXiv:1506.02438, eq. 16); all arguments [N, T] but `trace`, which is lambda.

    discount: 0 after a terminal. next_value: of what followed the step, the final observation where an episode ended.
    last: an episode ended, so what is stored behind belongs to another one.
    """
    errors = (reward + discount * next_value - value).unbind(1)
    decays = (discount * trace * ~last).unbind(1)
    advantages = [errors[-1]]
    for error, decay in zip(reversed(errors[:-1]), reversed(decays[:-1]), strict=True):
        advantages.append(torch.addcmul(error, decay, advantages[-1]))
    return torch.stack(advantages[::-1], 1)


def clipped_ratio(log_prob, old_log_prob, advantage, clip):
    """PPO's objective [B] (arXiv:1707.06347, eq. 7), to be maximised."""
    ratio = (log_prob - old_log_prob).exp()
    return torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)


def approximate_kl(log_prob, old_log_prob):
    """KL(old | new) from samples of the old policy, [B] each; unbiased, of low variance (joschu.net/blog/kl-approx)."""
    log_ratio = log_prob - old_log_prob
    return (log_ratio.exp() - 1 - log_ratio).mean()
