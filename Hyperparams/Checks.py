"""Raises a sentence for what is wrong with a composed config, before anything heavy is imported."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from Hyperparams.Keys import Key, expected, facts
from Hyperparams.Nested import keys, lookup, targets, to_plain
from Support.Classes import check_target, public_names
from Support.Errors import UserError, hint, nearest
from Support.Files import PROJECT
from Support.Schedules import extremes, schedule

if TYPE_CHECKING:
    from omegaconf import DictConfig


def check(config: DictConfig) -> None:
    """Raises UserError for the first mistake in a config that `Hyperparams.Complete` has completed; changes nothing."""
    plain = to_plain(config)
    agent = str(plain['agent'].get('_target_'))
    known, wanted = facts(agent), expected(agent)
    for key, fact in known.items():
        if fact.schedule and lookup(plain, key, None) is not None:
            check_schedule(key, lookup(plain, key))
    check_values(plain, wanted, known)
    check_transforms(plain['replay'].get('transform'))
    check_together(plain)
    for key, path in targets(plain):
        check_target(path, key)
    check_blocks(plain['recipes'], 'recipes')


def unknown_key(key: str, config: dict[str, Any]) -> UserError:
    """Returns the error of a key that the config has not, with the nearest one that it has."""
    known = list(keys(config))
    near = nearest(key, [*known, 'Eyes', 'Aug', 'Agent', 'task'])
    if near is None and '.' in key:  # a right name under the wrong parent
        last = {name.split('.')[-1]: name for name in reversed(known)}
        near = last.get(nearest(key.split('.')[-1], last) or '')
    return UserError(f"No key '{key}'." + (f' Nearest: {near}.' if near else '') + ' All: python Run.py --help')


def check_values(values: dict[str, Any], wanted: dict[str, Any], known: dict[str, Key], prefix: str = '') -> None:
    """Compares the kinds of the values with those of the defaults; null is allowed where it is the default."""
    for name, default in wanted.items():
        if name not in values:
            continue
        key, value = f'{prefix}{name}', values[name]
        fact = known.get(key) or Key(key, '')
        if fact.kind and default is None:
            default = fact.kind()
        if isinstance(default, dict) and not isinstance(value, dict):
            raise UserError(
                f"{key} has keys of its own, for example {key}.{next(iter(default))}; it cannot be '{value}'."
            )
        if isinstance(default, dict):
            check_values(value, default, known, f'{key}.')
        elif value is not None:
            check_value(fact, value, default)
        elif default is not None and not fact.null and wanted[name] is not None:
            raise UserError(f'{key} cannot be null: {key}={default}')


def check_value(key: Key, value: Any, default: Any) -> None:
    """Raises UserError unless a value is of its default's kind and in range."""
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise UserError(f"{key.name} is true or false, not '{value}'.")
    elif isinstance(default, (int, float)):
        for number in extremes(value) if key.schedule and isinstance(value, str) else [value]:
            check_number(key, number, whole=isinstance(default, int))


def check_number(key: Key, value: Any, whole: bool) -> None:
    """Raises UserError if this is no number, not whole, or out of the key's range."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UserError(f"{key.name} is a number, not '{value}'.")
    if not math.isfinite(value) or (whole and value != int(value)):
        raise UserError(f'{key.name} is a {"whole" if whole else "finite"} number, not {value}.')
    if not key.least <= value <= key.most:
        bounds = f'at least {key.least:g}' if key.most == math.inf else f'between {key.least:g} and {key.most:g}'
        raise UserError(f'{key.name} is {bounds}, not {value}.')


def check_together(values: dict[str, Any]) -> None:
    """Raises UserError for settings that exclude each other."""
    classify, generate = values['suite_name'] == 'classify', values['generate']
    name = Path(str(values['experiment']))
    if name.is_absolute() or '..' in name.parts or name == Path():
        raise UserError(f'experiment={values["experiment"]} is no name: give another place with root=<folder>')
    if values['find_lr'] and (generate or not classify):
        raise UserError('find_lr is for task=classify/<data set>: elsewhere a falling loss says little.')
    if generate and not values['offline']:
        raise UserError('generate=true learns from saved images: leave offline=false out.')
    if classify and not (values['RL'] or values['supervise'] or generate):
        raise UserError('RL=false and supervise=false leave nothing to learn from: leave one of them out.')
    if not classify and not (values['RL'] or generate):
        raise UserError('RL=false needs labels to learn from: task=classify/<data set>')
    if values['replay']['prioritized'] and (classify or generate):
        raise UserError('replay.prioritized=true is for control: images are drawn uniformly here, so leave it out.')
    for key in ('transform', 'mix', 'balanced'):
        if values['replay'][key] and not (classify and values['offline']):
            raise UserError(f'replay.{key} is for data sets: task=classify/<data set>; control has Aug=RandomShifts.')
    if values['record'] and (classify or generate):
        raise UserError('record=true films episodes, of which there are none here: load=true train_steps=0 evaluates.')
    if values['tta'] and not classify:
        raise UserError('tta is for classification: task=classify/<data set>')
    if not classify and values['evaluate_episodes'] is None:
        raise UserError('evaluate_episodes must be given: evaluate_episodes=10')


def check_schedule(key: str, value: Any) -> None:
    """Raises UserError if the value is no schedule."""
    try:
        schedule(value, 0)
    except UserError as error:
        raise UserError(f'{key}: {error}') from error


def check_blocks(node: dict[str, Any], key: str) -> None:
    """Raises UserError for arguments of a block whose class is not named."""
    if '_target_' not in node:
        for name, part in node.items():
            check_blocks(part, f'{key}.{name}')
    elif node['_target_'] is None and set(node) - {'_target_', '_partial_'}:
        name = next(name for name in node if name not in ('_target_', '_partial_'))
        raise UserError(f'{key}.{name} goes to a block that is not named: add {key}=<class>.')


def check_transforms(transforms: Any) -> None:
    """Raises UserError unless replay.transform={Name: {arguments}} names transforms of ours or torchvision's."""
    if transforms is None:
        return
    if not isinstance(transforms, dict):
        raise UserError(
            f'replay.transform is names with arguments, as "{{RandomHorizontalFlip:{{}}}}", not \'{transforms}\'.'
        )
    torchvision = importlib.util.find_spec('torchvision')
    folders = torchvision.submodule_search_locations if torchvision else None
    places = [PROJECT / 'Datasets' / 'Images' / 'BatchTransforms.py']
    places += [Path(folder, 'transforms', 'v2') for folder in folders or ()]
    known = {name for place in places for name in public_names(place) or ()}
    for name in set(transforms) - known:
        raise UserError(f"No transform '{name}' (replay.transform).{hint(name, known)}")
