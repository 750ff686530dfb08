"""A process that only collects: it acts and stores, with the agent that a learner in another process saves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from Hyperparams.Instantiate import scalars
from Runs.Progress import Progress
from Support.Errors import UserError

if TYPE_CHECKING:
    from Runs.Parts import Parts
    from Support.Interrupts import Interrupts


def collect(parts: Parts, interrupts: Interrupts) -> None:
    """Acts, stores the steps in the run's replay, and reloads the agent whenever the learner has saved it.

    It evaluates and saves nothing: the learner does. Ctrl-C waits for the end of a step.
    """
    args, agent, environment, progress = scalars(parts.args), parts.agent, parts.environment, Progress(parts)
    if environment is None:
        raise UserError('offline=true collects nothing: leave out load_per_steps=, or offline=true')
    while agent.step < args.train_steps:
        with interrupts.held():
            progress.scores += environment.rollout(agent, parts.replay).tolist()
            agent.step += progress.stride
        parts.logger.progress(agent.step)
        if progress.due(args.log_per_steps) or agent.step >= args.train_steps:
            progress.log()
        if progress.due(args.load_per_steps):
            parts.checkpoints.reload(agent)
    environment.finish(parts.replay)
