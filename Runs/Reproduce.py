"""Runs a recorded run again, beside the first one, and tells whether the results are equal."""

import re
import sys
from datetime import datetime
from pathlib import Path

from Logging.Record import read
from Logging.Sinks import say
from Logging.Tables import read_rows
from Support.Errors import UserError

BESIDE = ('reproduce', 'root', 'targets', 'device', 'allow_dirty')  # all that may be typed with reproduce=


def reproduce(args, main):
    """Calls main with the config that args.reproduce recorded, in a new folder below args.root/Reproduced.

    Says in a sentence whether the Eval and Train tables are equal but for time and fps; if not, the exit status is 1.
    Raises UserError if there is no such record, or it does not hold all that the run depended on.
    """
    path = find(Path(args.reproduce))
    check_alone(args)
    then = read(path)[0]
    config = restored(then['config'], args)
    check_whole(config, path)
    score = main(config)
    (again,) = Path(config.root).rglob('*_Run.json')
    stopped = then['step'] is None or then['step'] < config.train_steps
    difference, counts = compare(path, again, stopped)
    changed = [
        f'{part}.{key}' for part in ('git', 'versions', 'hardware') for key in changes(part, then, read(again)[0])
    ]
    beside = f' (other than then: {", ".join(changed)})' if changed else ''
    if difference:
        say(f'Not equal to {path}: {difference}{beside}')
        sys.exit(1)
    say(f'Equal to {path}: {counts}, in all columns but time and fps{beside}')
    return score


def find(place):
    """The record that a path means: itself, `<path>_Run.json`, or the only one in that folder."""
    if place.is_file():
        return place
    beside = place.with_name(f'{place.name}_Run.json')
    found = [beside] if beside.is_file() else sorted(place.rglob('*_Run.json'))
    if not found:
        raise UserError(f'No record at {place}: reproduce=Benchmarking/<experiment>/<Agent>/<suite>/<task>_<seed>')
    if len(found) > 1:
        raise UserError(f'{place} holds {len(found)} records: name one of them, as reproduce={found[0]}')
    return found[0]


def check_alone(args):
    """Raises UserError if anything else was typed, which would make it another run."""
    from omegaconf import OmegaConf

    from Hyperparams.Compose import compose

    typed, usual = OmegaConf.to_container(args), OmegaConf.to_container(compose([]))
    other = [key for key in typed if typed[key] != usual.get(key) and key not in BESIDE]
    if other:
        raise UserError(f'reproduce= runs what is recorded: leave {other[0]} out (beside it: {", ".join(BESIDE[1:])})')


def check_whole(config, path):
    """Raises UserError if the run depended on what others write."""
    replay = config.replay
    reasons = {
        'it began with a saved agent': config.load or config.evaluate_checkpoints,
        'it worked together with another process': config.load_per_steps,
        'it wrote into the saved replay that it began with': replay.path and replay.save and not config.offline,
    }
    for reason, true in reasons.items():
        if true:
            raise UserError(f'{path} cannot be run again, since {reason}: reproduce= a run from its own beginning')


def restored(config, args):
    """The recorded config in a new folder. Classes from elsewhere are allowed by targets= anew: a file is no user."""
    from omegaconf import OmegaConf

    from Hyperparams.Checks import check
    from Hyperparams.Complete import complete, fill_in

    config = fill_in(OmegaConf.create(config))
    config.root = str(Path(args.root, 'Reproduced', f'{datetime.now():%Y-%m-%d-%H-%M-%S-%f}'))
    config.targets = args.targets
    config.device = args.device or config.device
    config.allow_dirty = args.allow_dirty or config.allow_dirty
    complete(config)
    check(config)
    return config


def compare(old, new, stopped):
    """Two runs by the paths of their records -> (the first difference in words, or None; how many rows were compared).

    Rows of the old run beyond the new one's are later starts' (load=true). If it was stopped, it has fewer.
    """
    counts = []
    for kind in ('Eval', 'Train'):
        ours, theirs = rows(new, kind), rows(old, kind)
        if stopped:
            ours = ours[: len(theirs)]
        for i, row in enumerate(ours):
            other = theirs[i] if i < len(theirs) else {}
            for key in row | other:
                if row.get(key) != other.get(key):
                    where = f'{kind} line {i + 1} (step {row["step"]})'
                    return f'{where} has {key} {row.get(key, "none")}, not {other.get(key, "none")}', counts
        counts.append(f'{len(ours)} {kind} lines')
    return None, ' and '.join(counts)


def rows(record, kind):
    """The rows of a run's table, given the path of its record, less what never repeats and what is empty."""
    path = record.with_name(re.sub(r'_Run(\.\d+)?\.json$', rf'_{kind}\1.csv', record.name))
    if not path.exists():
        return []
    _, found = read_rows(path)
    return [{key: value for key, value in row.items() if value and key not in ('time', 'fps')} for row in found]


def changes(part, then, now):
    """Keys of git, versions or hardware that differ between two records."""
    then, now = then[part] or {}, now[part] or {}
    return [key for key in then | now if then.get(key) != now.get(key)]
