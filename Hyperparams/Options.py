"""The option files of this folder, and of --config-dir: agents, tasks, recipes by the names that users type."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from Support.Errors import UserError, nearest

FOLDER = Path(__file__).resolve().parent
DEFAULT_TASK = re.findall(r'- /task/(\S+)', (FOLDER / 'task' / 'default.yaml').read_text())[0]


def options(group: str, folders: Iterable[Path] = (FOLDER,)) -> list[str]:
    """Returns the names of a group's option files: ['Agents.DQNAgent', ...], ['atari/pong', 'gym/cartpole', ...]."""
    found: set[str] = set()
    for folder in folders:
        root = Path(folder) / group
        found |= {path.relative_to(root).with_suffix('').as_posix() for path in root.rglob('*.yaml')}
    return sorted(name for name in found if name.split('/')[-1] != 'default')


def squash(name: str) -> str:
    """Returns the same for Battle-Zone, battle_zone and battlezone."""
    return re.sub(r'[\s_-]', '', name).lower()


def agent_option(name: str, folders: Iterable[Path]) -> str:
    """Returns the option of an agent, 'Agents.PPOAgent' for 'ppo'. Raises UserError naming the nearest agent."""
    names = options('Agent', folders)
    for option in names:
        if squash(name) in (
            squash(option),
            squash(option.split('.')[-1]),
            squash(option.split('.')[-1]).removesuffix('agent'),
        ):
            return option
    near = nearest(name, [*names, *(option.split('.')[-1] for option in names)])
    raise UserError(
        f"No Agent '{name}'." + (f' Nearest: {near}.' if near else '') + ' All: python Run.py --help; '
        'a class of your own: agent._target_=my_module.MyAgent.'
    )


def recipe_option(name: str, folders: Iterable[Path]) -> str:
    """Returns the option of a recipe, which is its name. Raises UserError naming the nearest one."""
    names = options('recipe', folders)
    if name not in names:
        near = nearest(name, names)
        raise UserError(f"No recipe '{name}'." + (f' Nearest: {near}.' if near else f' All: {", ".join(names)}.'))
    return name


def task_option(name: str, folders: Iterable[Path]) -> str:
    """Returns the option of a task, 'atari/battle_zone' for 'atari/BattleZone'. Raises UserError naming the nearest."""
    names = options('task', folders)
    if name == 'default':
        return DEFAULT_TASK
    for option in names:
        if squash(name) == squash(option):
            return option
    short = {option.split('/')[-1]: option for option in names}
    near = short.get(squash(name)) or nearest(name, names) or short.get(nearest(name, short) or '')
    raise UserError(f"No task '{name}'." + (f' Nearest: {near}.' if near else '') + ' All: python Run.py --help')
