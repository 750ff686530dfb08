"""Runs a recorded run again, beside the first one, and compares the results."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from Logging.Record import read
from Logging.Sinks import say
from Logging.Tables import read_rows
from Support.Errors import UserError

if TYPE_CHECKING:
    from omegaconf import DictConfig

BESIDE = ('reproduce', 'root', 'targets', 'device', 'allow_dirty')  # the only keys that may be typed with reproduce=


def reproduce(args: DictConfig, main: Callable[[DictConfig], float | None]) -> float | None:
    """Calls main with the config recorded at args.reproduce, in a new folder below args.root/Reproduced.

    Prints whether the Eval and Train tables are equal, except for time and fps; if not, the exit status is 1. Returns
    the score. Raises UserError if there is no such record, or the run depended on more than its config.
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
    beside = f' (changed since: {", ".join(changed)})' if changed else ''
    if difference:
        say(f'Not equal to {path}: {difference}{beside}')
        sys.exit(1)
    say(f'Equal to {path}: {counts}, in all columns but time and fps{beside}')
    return score


def find(place: Path) -> Path:
    """Returns the record at a path: the file itself, `<path>_Run.json`, or the only one in that folder.

    Raises UserError if there is none or more than one.
    """
    if place.is_file():
        return place
    beside = place.with_name(f'{place.name}_Run.json')
    found = [beside] if beside.is_file() else sorted(place.rglob('*_Run.json'))
    if not found:
        raise UserError(f'No record at {place}: reproduce=Benchmarking/<experiment>/<Agent>/<suite>/<task>_<seed>')
    if len(found) > 1:
        raise UserError(f'{place} holds {len(found)} records: name one of them, as reproduce={found[0]}')
    return found[0]


def check_alone(args: DictConfig) -> None:
    """Raises UserError if other keys were typed: they would make it another run."""
    from omegaconf import OmegaConf

    from Hyperparams.Compose import compose

    typed, usual = OmegaConf.to_container(args), OmegaConf.to_container(compose([]))
    other = [key for key in typed if typed[key] != usual.get(key) and key not in BESIDE]
    if other:
        raise UserError(f'reproduce= runs what is recorded: leave {other[0]} out (beside it: {", ".join(BESIDE[1:])})')


def check_whole(config: DictConfig, path: Path) -> None:
    """Raises UserError if the run depended on files that others write."""
    replay = config.replay
    reasons = {
        'it began with a saved agent': config.load or config.evaluate_checkpoints,
        'it worked together with another process': config.load_per_steps,
        'it wrote into the saved replay that it began with': replay.path and replay.save and not config.offline,
    }
    for reason, true in reasons.items():
        if true:
            raise UserError(f'{path} cannot be run again, since {reason}: reproduce= a run from its own beginning')


def restored(recorded: dict[str, Any], args: DictConfig) -> DictConfig:
    """Returns the recorded config with a new root. Classes from elsewhere must be allowed again by targets=, since the
    record may come from a stranger."""
    from omegaconf import OmegaConf

    from Hyperparams.Checks import check
    from Hyperparams.Complete import complete, fill_in

    config = fill_in(OmegaConf.create(recorded))
    config.root = str(Path(args.root, 'Reproduced', f'{datetime.now():%Y-%m-%d-%H-%M-%S-%f}'))
    config.targets = args.targets
    config.device = args.device or config.device
    config.allow_dirty = args.allow_dirty or config.allow_dirty
    complete(config)
    check(config)
    return config


def compare(old: Path, new: Path, stopped: bool) -> tuple[str | None, str]:
    """Compares two runs by the paths of their records: the first difference or None, and how many rows are equal.

    Further rows of the old run are ignored: later starts (load=true) wrote them. `stopped`: it has fewer rows.
    """
    counts: list[str] = []
    for kind in ('Eval', 'Train'):
        ours, theirs = rows(new, kind), rows(old, kind)
        if stopped:
            ours = ours[: len(theirs)]
        for i, row in enumerate(ours):
            other = theirs[i] if i < len(theirs) else {}
            for key in row | other:
                if row.get(key) != other.get(key):
                    where = f'{kind} line {i + 1} (step {row["step"]})'
                    difference = f'{where} has {key} {row.get(key, "none")}, not {other.get(key, "none")}'
                    return difference, ' and '.join(counts)
        counts.append(f'{len(ours)} {kind} lines')
    return None, ' and '.join(counts)


def rows(record: Path, kind: str) -> list[dict[str, str]]:
    """Returns the rows of a run's table, by the path of its record, without time, fps and empty cells."""
    path = record.with_name(re.sub(r'_Run(\.\d+)?\.json$', rf'_{kind}\1.csv', record.name))
    if not path.exists():
        return []
    _, found = read_rows(path)
    return [{key: value for key, value in row.items() if value and key not in ('time', 'fps')} for row in found]


def changes(part: str, then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Returns the keys that differ between two records in a part: git, versions or hardware."""
    then, now = then[part] or {}, now[part] or {}
    return [key for key in then | now if then.get(key) != now.get(key)]
