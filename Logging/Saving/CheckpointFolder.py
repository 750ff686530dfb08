"""The folder of the agents that a run saves: which one is loaded, and which ones stay."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from Logging.Saving import CheckpointFile
from Support.Files import atomic_write, copy_file, keep_earlier

if TYPE_CHECKING:
    from Agents.Agent import Agent

LAST = 'agent.safetensors'


class CheckpointFolder:
    """A folder of saved agents: the last one, agent.safetensors, and on request agent_best and agent_<step>.

    Arguments:
        folder: of this run.
        which: the agent to load: 'best', a step, or the path of another agent; None for the last one.
        ours: whether the files there are of this run, which is resumed; otherwise the first save sets them aside.
    """

    def __init__(self, folder: Path, which: str | int | None = None, ours: bool = False) -> None:
        self.folder, self.last, self.ours = folder, folder / LAST, ours
        self.version: int | None = None  # time of the file that `reload` read last
        named = which == 'best' or str(which).isdigit()
        self.source = folder / f'agent_{which}.safetensors' if named else Path(str(which)) if which else self.last
        self.source = self.source / LAST if self.source.is_dir() else self.source

    def save(self, agent: Agent, run: dict[str, Any], config: str, copy: str | int | None = None) -> None:
        """Writes the agent, the state of its run, and the config (YAML) beside it. copy: also as agent_<copy>, which
        the next save does not overwrite."""
        settings = self.folder / 'config.yaml'
        copies = (path for path in self.folder.glob('agent_*.safetensors') if '.' not in path.stem)
        with keep_earlier(*(() if self.ours else (self.last, settings, *copies))):
            CheckpointFile.save(self.last, agent, run)
            atomic_write(settings, config)
            self.ours = True
            if copy:
                copy_file(self.last, self.folder / f'agent_{copy}.safetensors')

    def load(self, agent: Agent) -> dict[str, Any]:
        """Restores the agent to load and returns the state of its run. Raises UserError as `CheckpointFile.load`."""
        return CheckpointFile.load(self.source, agent)

    def reload(self, agent: Agent) -> None:
        """Restores the agent that another process saved, if it is a newer one; the step stays this run's."""
        before, self.version = self.version, self.last.stat().st_mtime_ns if self.last.is_file() else None
        if self.version != before:
            step = agent.step
            CheckpointFile.load(self.last, agent)
            agent.step = step
