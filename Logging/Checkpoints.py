"""Every agent that a run saved, evaluated on the same episodes: a table, and the best of them."""

import Utils
from Agents import Checkpoint
from Logging import Report
from Logging.Logger import as_csv, say

JUDGED = {'accuracy': 1, 'reward': 1, 'fid': -1}  # what an agent is judged by, and whether more (1) or less is better


def evaluate_all(args, agent, arena, memory, prefix, folder):
    """Evaluates each agent*.safetensors in `folder` into <prefix>.csv, sorted by step, and says which is the best.

    Agents of other networks, which an earlier run may have left, are left out with a word. Raises UserError if none
    can be loaded.
    """
    files = sorted(folder.glob('agent*.safetensors'))
    if not files:
        raise Utils.UserError(
            f'No saved agent in {folder}: train one first, with save_per_steps= and keep_checkpoints='
        )
    table, rows = prefix.with_name(f'{prefix.name}.csv'), []
    with Utils.keep_earlier(table):
        for file in files:
            Utils.seed_everything(args.seed)  # each meets the same chance
            try:
                Checkpoint.load(file, agent)
            except Utils.UserError as error:
                say(f'Left out: {error}')
                continue
            rows.append({'file': file.name, 'step': agent.step} | Report.evaluate(args, agent, arena, memory, prefix))
            rows.sort(key=lambda row: row['step'])
            Utils.atomic_write(table, as_csv(list(dict.fromkeys(key for row in rows for key in row)), rows))
        if not rows:
            raise Utils.UserError(f'No agent in {folder} is of this run: give the same words as when they were saved')
    say(f'{len(rows)} agents: {table}{best(rows)}')


def best(rows):
    """'; the best is agent_500.safetensors with reward 31', or '' where nothing tells."""
    measure = next((name for name in JUDGED if name in rows[0]), None)
    if measure is None:
        return ''
    row = max(rows, key=lambda row: JUDGED[measure] * row[measure])  # of equals the earliest
    return f'; the best is {row["file"]} (step {row["step"]:,}) with {measure} {row[measure]:.4g}'
