"""The folder of the agents that a run saves: which one is loaded, and which ones stay."""

from pathlib import Path

from Logging.Saving import CheckpointFile
from Support.Files import atomic_write, copy_file, keep_earlier

LAST = 'agent.safetensors'


class CheckpointFolder:
    """A folder of saved agents: the last, agent.safetensors; beside it, where asked for, agent_best and agent_<step>.

    folder: of this run. which: the one to load, 'best', a step, or the path of any other; None for the last.
    ours: whether what lies there is of this run, which goes on with it; else the first save moves it out of the way.
    """

    def __init__(self, folder, which=None, ours=False):
        self.folder, self.last, self.ours, self.version = folder, folder / LAST, ours, None
        named = which == 'best' or str(which).isdigit()
        self.source = folder / f'agent_{which}.safetensors' if named else Path(which) if which else self.last
        self.source = self.source / LAST if self.source.is_dir() else self.source

    def save(self, agent, run, config, copy=None):
        """Writes the agent, what decides how its run goes on, and the config beside it. copy: the name under which
        this agent stays when the next one takes its place."""
        settings = self.folder / 'config.yaml'
        copies = (path for path in self.folder.glob('agent_*.safetensors') if '.' not in path.stem)
        with keep_earlier(*(() if self.ours else (self.last, settings, *copies))):
            CheckpointFile.save(self.last, agent, run)
            atomic_write(settings, config)
            self.ours = True
            if copy:
                copy_file(self.last, self.folder / f'agent_{copy}.safetensors')

    def load(self, agent):
        """The agent that was asked for -> what was saved of its run. Raises UserError if it is not there or another."""
        return CheckpointFile.load(self.source, agent)

    def reload(self, agent):
        """The agent as another process saved it last, if that is news; steps stay this run's own."""
        before, self.version = self.version, self.last.stat().st_mtime_ns if self.last.is_file() else None
        if self.version != before:
            step = agent.step
            CheckpointFile.load(self.last, agent)
            agent.step = step
