"""Evaluation: of the agent as it is, and of every agent that a run saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from Logging.Evaluation import Report
from Logging.Saving import CheckpointFile
from Logging.Sinks import say
from Logging.Tables import as_csv
from Support.Errors import UserError
from Support.Files import atomic_write, keep_earlier
from Support.RandomState import seed_everything, separate_random_state

if TYPE_CHECKING:
    from Runs.Parts import Parts
    from Runs.Progress import Progress


def evaluate(parts: Parts, progress: Progress) -> dict[str, float]:
    """Evaluates the agent, logs an Eval line and its pictures, and returns the numbers by name.

    Random numbers drawn afterwards are those that would have been drawn without it.
    """
    logger = parts.logger  # opening it moves an earlier run's files aside, before pictures are written
    with separate_random_state(parts.args.seed):
        numbers, files = Report.evaluate(parts.args, parts.agent, parts.arena, parts.replay, parts.prefix)
    logger.log('Eval', progress.counts | numbers)
    for name, path in files.items():
        logger.artifact(name, path, parts.agent.step)
    progress.evaluated = parts.agent.step
    return numbers


def evaluate_checkpoints(parts: Parts) -> float | None:
    """Instead of training: evaluates each agent that the run saved into <task>_<seed>_Checkpoints.csv, sorted by step,
    names the best and returns its score.

    Agents with other networks, which an earlier run may have left, are left out with a message. Raises UserError if
    none can be loaded.
    """
    args, folder = parts.args, parts.checkpoints.folder
    prefix = parts.prefix.with_name(f'{parts.prefix.name}_Checkpoints')
    parts.begin_record()
    files = sorted(folder.glob('agent*.safetensors'))
    if not files:
        raise UserError(f'No saved agent in {folder}: train one first, with save_per_steps= and keep_checkpoints=')
    table = prefix.with_name(f'{prefix.name}.csv')
    rows: list[dict[str, Any]] = []
    with keep_earlier(table):
        for file in files:
            seed_everything(args.seed)  # the same random numbers for each
            try:
                CheckpointFile.load(file, parts.agent)
            except UserError as error:
                say(f'Left out: {error}')
                continue
            numbers, _ = Report.evaluate(args, parts.agent, parts.arena, parts.replay, prefix)
            rows.append({'file': file.name, 'step': parts.agent.step} | numbers)
            rows.sort(key=lambda row: row['step'])
            atomic_write(table, as_csv(list(dict.fromkeys(key for row in rows for key in row)), rows))
        if not rows:
            raise UserError(f'No agent in {folder} is of this run: give the same words as when they were saved')
    best = max(rows, key=lambda row: Report.merit(row) or 0)  # of equals the earliest
    judged = Report.judged(rows[0])
    named = f'; the best is {best["file"]} (step {best["step"]:,}) with {judged} {best[judged]:.4g}' if judged else ''
    say(f'{len(rows)} agents: {table}{named}')
    return Report.score(best)
