"""Control: the agent acts in an environment."""

from typing import Any


class Control:
    """The agent's own creator, cast and phases, from its method `reinforce`."""

    name = 'reinforce'

    def build(self, agent: Any) -> tuple:
        """Returns creator, cast and phases."""
        return agent.reinforce()
