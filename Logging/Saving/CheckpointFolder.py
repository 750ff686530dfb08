"""The agents that a run saves: where they lie, which one is loaded, and all of them evaluated."""

from pathlib import Path

from Logging.Logger import as_csv, say
from Logging.Saving import CheckpointFile
from Support.Errors import UserError
from Support.Files import atomic_write, copy_file, keep_earlier
from Support.RandomState import seed_everything

JUDGED = {'accuracy': 1, 'reward': 1, 'fid': -1}  # what an agent is judged by, and whether more (1) or less is better
LAST = 'agent.safetensors'


class Checkpoints:
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


def evaluate_all(run):
    """Instead of training: evaluates each agent that the run saved into <task>_<seed>_Checkpoints.csv, sorted by step,
    and says which is the best.

    Agents of other networks, which an earlier run may have left, are left out with a word. Raises UserError if none
    can be loaded.
    """
    from Logging.Evaluation import Report
    from Logging.Record import Record

    args, folder, prefix = run.args, run.checkpoints.folder, run.prefix.with_name(f'{run.prefix.name}_Checkpoints')
    run.record = Record(run.prefix, args, run.began, run.replay)
    files = sorted(folder.glob('agent*.safetensors'))
    if not files:
        raise UserError(f'No saved agent in {folder}: train one first, with save_per_steps= and keep_checkpoints=')
    table, rows = prefix.with_name(f'{prefix.name}.csv'), []
    with keep_earlier(table):
        for file in files:
            seed_everything(args.seed)  # each meets the same chance
            try:
                CheckpointFile.load(file, run.agent)
            except UserError as error:
                say(f'Left out: {error}')
                continue
            report = Report.evaluate(args, run.agent, run.arena, run.replay, prefix)
            rows.append({'file': file.name, 'step': run.agent.step} | report)
            rows.sort(key=lambda row: row['step'])
            atomic_write(table, as_csv(list(dict.fromkeys(key for row in rows for key in row)), rows))
        if not rows:
            raise UserError(f'No agent in {folder} is of this run: give the same words as when they were saved')
    say(f'{len(rows)} agents: {table}{best(rows)}')


def merit(report):
    """(What an agent is judged by, how good it is: the more the better); None where nothing tells."""
    measure = next((name for name in JUDGED if report.get(name) is not None), None)
    return measure and (measure, JUDGED[measure] * report[measure])


def best(rows):
    """'; the best is agent_500.safetensors with reward 31', or '' where nothing tells."""
    if merit(rows[0]) is None:
        return ''
    row = max(rows, key=lambda row: merit(row)[1])  # of equals the earliest
    measure, _ = merit(row)
    return f'; the best is {row["file"]} (step {row["step"]:,}) with {measure} {row[measure]:.4g}'
