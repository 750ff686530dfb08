"""Behavior cloning (Pomerleau 1991, doi:10.1162/neco.1991.3.1.88): actions are learned as labels are."""

import torch

from Agents import Casts
from Agents.Agent import Agent
from Agents.Phase import Phase
from Blocks.Creator import Creator, Heads, clamped_gaussian, epsilon_categorical
from Datasets.Experience import Experience
from Support.Errors import UserError


class BC(Agent):
    """The actor imitates the actions of the replay, whatever their reward. There is no critic."""

    def reinforce(self) -> tuple:
        encoder, decide = self.blocks.encoder(), Heads(self.spec, epsilon_categorical, clamped_gaussian)
        creator = Creator(encoder, self.blocks.actor(encoder.repr_shape, decide.outputs), None, decide)
        return creator, Casts.observe, (Phase((self.imitation_loss,), ('encoder', 'actor')),)

    def imitation_loss(self, batch: Experience) -> torch.Tensor:
        """Squared error of continuous actions, -log pi(a|s) of discrete ones."""
        if batch.weight is not None:
            raise UserError('Agent=BC has no errors of a critic to draw by: leave replay.prioritized=true out.')
        return self.creator.policy(batch.obs).distance(batch.action).mean()
