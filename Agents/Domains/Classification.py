"""Classification: the actor predicts the class of an image."""

from typing import Any

import torch

from Agents import Casts
from Agents.Losses.Supervised import known, mixed, negative_log_likelihood
from Agents.Phase import Phase
from Blocks.Creator import Creator, predict
from Datasets.Experience import Experience


class Classification:
    """The actor learns from labels, from a critic that learned the reward -error, or from both.

    RL: learn from reward. supervise: learn from labels. label_smoothing: share of a label spread over all classes.
    """

    name = 'classify'

    def __init__(self, RL: bool, supervise: bool, label_smoothing: float) -> None:
        self.RL, self.supervise, self.label_smoothing = RL, supervise, label_smoothing

    def build(self, agent: Any) -> tuple:
        """Returns creator, cast and phases."""
        self.agent = agent
        encoder = agent.blocks.encoder()
        classes = (agent.spec.num_actions,)
        creator = Creator(encoder, agent.blocks.actor(encoder.repr_shape, classes), None, predict)
        if not self.RL:
            return creator, Casts.observe, (Phase((self.supervised_loss,), ('encoder', 'actor')),)
        creator.critic = agent.blocks.critic(encoder.repr_shape, classes)
        climb = Phase((agent.actor_loss,), ('actor',))
        if not self.supervise:
            return creator, Casts.classify, (Phase((agent.critic_loss,), ('encoder', 'critic')), climb)
        judge = Phase((agent.critic_loss, self.supervised_loss), ('encoder', 'critic', 'actor'))
        return creator, Casts.classify, (judge, climb)

    def supervised_loss(self, batch: Experience) -> torch.Tensor:
        """Cross-entropy of the actor's prediction to the label. Samples without a label do not count."""
        policy, weight = self.agent.creator.policy(batch.obs), known(batch.label)
        label = batch.label.argmax(-1) if mixed(batch.label) else batch.label
        self.agent.logs['accuracy'] = ((policy.mode().argmax(-1) == label) * weight).mean()
        return (negative_log_likelihood(policy, batch.label, self.label_smoothing) * weight).mean()
