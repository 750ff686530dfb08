"""The state of a run beside its agent's tensors: what a checkpoint keeps, and how a later run resumes from it.

Importing this module costs milliseconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from Support.RandomState import random_state, restore_random_state

if TYPE_CHECKING:
    from Agents.Agent import Agent
    from Datasets.Replay.Replay import Replay
    from Environment import Environment


def state(
    agent: Agent, environment: Environment | None, replay: Replay, log: dict[str, Any], whole: bool = True
) -> dict[str, Any]:
    """Returns what decides how a run continues: nested dicts and lists of arrays, numbers and text.

    log: scores since the last Train line, the step of the last evaluation, the best merit. whole: False if the last
    step failed halfway, so that environments and replay disagree; other episodes begin then when the run is resumed.
    """
    return {
        'chance': random_state(),
        'agent': agent.state(),
        'memory': replay.state(),
        'episodes': environment.episodes if environment else 0,
        'environment': environment.state() if environment and whole else None,
        'log': log,
    }


def restore(state: dict[str, Any], agent: Agent, environment: Environment | None, replay: Replay) -> None:
    """Restores a `state()`: also the episodes that were open, if they can be restored and the replay is still there."""
    agent.restore(state['agent'])
    if environment:
        environment.episodes = state['episodes']
        if state['environment'] and replay.resumed:
            environment.restore(state['environment'])
        elif replay.resumed:
            replay.cut()
            print('The episodes that were open when the run was saved cannot be resumed: new ones begin')
    restore_random_state(state['chance'])
