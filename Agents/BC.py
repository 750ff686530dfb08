"""Behaviour cloning (Pomerleau 1991, doi:10.1162/neco.1991.3.1.88): actions are learned as labels are."""

from Agents import Casts
from Agents.Agent import Agent, Phase
from Blocks.Creator import Creator, Heads, pick, steer
from Support.Errors import UserError


class BC(Agent):
    """The actor does what was done, whatever came of it: there is no critic."""

    def reinforce(self):
        encoder, decide = self.build_encoder(), Heads(self.spec, pick, steer)
        actor = self.build_actor(encoder.repr_shape, decide.outputs)
        return Creator(encoder, actor, None, decide), Casts.observe, (Phase(('imitation_loss',), ('encoder', 'actor')),)

    def imitation_loss(self, batch):
        """Squared error of continuous actions, -log pi(a|s) of choices."""
        if batch.weight is not None:
            raise UserError('Agent=BC has no errors of a critic to draw by: leave replay.prioritized=true out.')
        return self.creator.policy(batch.obs).distance(batch.action).mean()
