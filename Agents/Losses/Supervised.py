"""Learning from labels."""


def negative_log_likelihood(policy, label):
    """-log pi(label) [B] of a prediction: the cross-entropy, unreduced."""
    return -policy.log_prob(label)
