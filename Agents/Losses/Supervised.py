"""Learning from labels."""


def negative_log_likelihood(policy, label, smoothing=0.0):
    """-log pi(label) [B] of a prediction: the cross-entropy, unreduced. Labels [B], or shares of classes [B, K]; of one
    that is missing (see `known`) it means nothing.

    A `smoothing` share of every label is spread evenly over all classes (arXiv:1512.00567, section 7)."""
    loss = -(label * policy.log_prob(None)).sum(-1) if mixed(label) else -policy.log_prob(label.clamp(min=0))
    return (1 - smoothing) * loss - smoothing * policy.log_prob(None).mean(-1) if smoothing else loss


def mixed(label):
    """Whether labels are shares of classes, float32 [B, K] of mixed images, rather than classes, int64 [B]."""
    return label.is_floating_point()


def known(label):
    """Weights [B] of mean 1 over labels that are there, 0 for those that are missing: -1, or a row of zeros."""
    there = label.sum(-1) if mixed(label) else (label >= 0).float()
    return there / there.mean().clamp(min=1e-8)
