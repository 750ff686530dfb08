"""Keeps the tables of docs/agents in step with the option files: python docs/update_hyperparameters.py

Composes the config of every agent for every suite, and for tasks with settings of their own, and rewrites what stands
between the markers in the agent's page. `tests/docs/test_hyperparameters.py` fails when a page differs.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import yaml

sys.path.insert(0, str(Path(__file__).parents[1]))  # run by its path, it does not find the project's packages

from Hyperparams.Compose import compose
from Hyperparams.Keys import ARGS, read
from Hyperparams.Nested import lookup, to_plain
from Hyperparams.Options import FOLDER, options
from Support.Classes import resolve
from Support.Files import PROJECT

BEGIN, END = '<!-- printed by docs/update_hyperparameters.py -->', '<!-- end of what is printed -->'
AGENTS = [name.removeprefix('Agents.') for name in options('Agent') if 'Random' not in name]  # Random learns nothing
IMAGES = ('atari', 'dmc')  # suites of images alone
DISCRETE, VECTORS = ('atari',), ('dmc', 'dmc_state', 'mujoco')  # suites whose actions are all of one kind
ALWAYS = ('train_steps', 'batch_size', 'lr', 'discount', 'replay.alpha')  # others where a column departs from args.yaml
KEYS = (
    'train_steps', 'num_envs', 'action_repeat', 'frame_stack', 'seed_steps', 'explore_steps', 'learn_per_steps',
    'batch_size', 'nstep', 'discount', 'lr', 'weight_decay', 'agent.optimizer', 'agent.clip_grad_norm',
    'agent.num_critics', 'agent.target_tau', 'agent.target_period', 'agent.huber', 'stddev_schedule', 'ema', 'AGENT',
    'replay.prioritized', 'replay.alpha', 'replay.beta', 'replay.horizon', 'replay.reward_clip',
    'replay.life_loss_cuts',
)  # fmt: skip
BLOCKS = {
    'recipes.aug': 'augmentation of images',
    'recipes.encoder.eyes': 'backbone of the encoder',
    'recipes.encoder.pool': 'from the features of the backbone to those of the encoder',
    'recipes.actor.trunk': 'bottleneck before a head, of `trunk_dim` features',
    'recipes.actor.pi_head': 'head of the actor: hidden layers of `hidden_dim` units',
    'recipes.critic.trunk': 'bottleneck before a head, of `trunk_dim` features',
    'recipes.critic.q_head': 'head of each critic: hidden layers of `hidden_dim` units',
}
MEANINGS = BLOCKS | {
    'train_steps': 'length of the run, in agent steps; offline in batches',
    'agent.optimizer': 'class and arguments; the others are as in torch.optim',
    'recipes.actor.pi_head`, `recipes.critic.q_head': 'heads: hidden layers of `hidden_dim` units',
}
PAIRS = {'recipes.actor.trunk': 'recipes.critic.trunk', 'recipes.actor.pi_head': 'recipes.critic.q_head'}

# What an agent does not read in control, as its class says
NO_ACTOR = ('recipes.actor.trunk', 'recipes.actor.pi_head')
OFFLINE = ('num_envs', 'seed_steps', 'explore_steps')
ON_POLICY = ('nstep', 'seed_steps', 'explore_steps', 'stddev_schedule', 'agent.target_tau', 'recipes.aug')
UNREAD = {
    'A2CAgent': ON_POLICY,
    'PPOAgent': ON_POLICY,
    'DQNAgent': ('stddev_schedule', *NO_ACTOR),
    'RainbowAgent': ('stddev_schedule', *NO_ACTOR),
    'SACAgent': ('stddev_schedule',),
    'BCAgent': (*OFFLINE, 'nstep', 'discount', 'stddev_schedule', 'agent.target_tau', 'replay.reward_clip',
                'replay.life_loss_cuts', 'recipes.critic.trunk', 'recipes.critic.q_head'),
    'SPRAgent': ('agent.num_proposals',),
    'IQLAgent': (*OFFLINE, 'agent.noise_clip'),
    'TD3BCAgent': OFFLINE,
}  # fmt: skip
OF_VECTORS = ('agent.noise_clip', 'agent.num_proposals', 'agent.log_std')  # no effect on discrete actions
Q_LEARNING = (  # of SPR, for discrete actions alone
    'agent.epsilon', 'agent.temperature', 'agent.double', 'agent.atoms', 'agent.support', 'agent.conservative',
)  # fmt: skip


class Column(NamedTuple):
    """A suite or a task, what its cells say by key, and the tasks that have these settings."""

    title: str
    cells: dict[str, str]
    tasks: list[str]


def agent_keys(agent: str) -> list[str]:
    """Returns the keys of a table in their order, blocks last."""
    file = FOLDER / 'Agent' / f'Agents.{agent}.yaml'
    own = [name for name, key in read(file).items() if name.startswith('agent.') and not key.value.startswith('${')]
    own = [name for name in own if name != 'agent._target_' and name not in KEYS]
    at = KEYS.index('AGENT')
    shown = (*KEYS[:at], *own, *KEYS[at + 1 :], *BLOCKS)
    return [key for key in shown if key not in UNREAD.get(agent, ())]


def meaning(agent: str, key: str) -> str:
    """Returns the comment of a key: that of its agent's file, of another agent's or of args.yaml, without its tag."""
    if key.split('`')[0] in MEANINGS:
        return MEANINGS.get(key, MEANINGS[key.split('`')[0]])
    files = [FOLDER / 'Agent' / f'Agents.{name}.yaml' for name in (agent, 'DQNAgent', *AGENTS)]
    comments = [found.comment for found in (read(file).get(key) for file in (*files[:1], ARGS, *files[1:])) if found]
    texts = [re.sub(r'^\[.*?\] ?', '', comment) for comment in comments]
    text = re.sub(r'(; over [a-z ]+)?: \w+\([\d.,e-]+\)$', '', next(filter(None, texts), ''))  # without an example
    return text.removeprefix('... ').removesuffix(' ...').replace('|', r'\|')


def number(value: float) -> str:
    """Returns a number as one would type it; 10,000 and more with commas."""
    if float(value).is_integer():
        return f'{int(value):,}' if abs(value) >= 10000 else f'{int(value)}'
    if abs(value) > 0.0015:
        return f'{value:g}'
    mantissa, exponent = f'{value:e}'.split('e')
    return f'{float(mantissa):g}e{int(exponent)}'


def text(value: Any, run: float = 0, unit: str = 'steps') -> str:
    """Returns a value as text: a ramp in words, null as none. run: train_steps, the length of the whole run."""
    if value is None:
        return 'none'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return number(value)
    if isinstance(value, list):
        return f'[{", ".join(map(text, value))}]'
    ramp = re.fullmatch(r'linear\(([^,]+),([^,]+),([^,]+)\)', value)
    if not ramp:
        return f'`{value}`' if '(' in value else value
    start, end, steps = map(float, ramp.groups())
    length = 'over the run' if steps == run and unit == 'steps' else f'in {number(steps)} {unit}'
    return f'{number(start)} to {number(end)} {length}'


def block(key: str, config: dict[str, Any], agent: str) -> str:
    """Returns a block in words: its class and its arguments; a head or trunk by its layers."""
    given = {name: value for name, value in lookup(config, key).items() if name != '_partial_'}
    images = config['suite_name'] in IMAGES or lookup(config, 'recipes.encoder.eyes._target_') is not None
    defaults = {
        'recipes.aug': 'Null', 'recipes.encoder.eyes': 'Nature' if images else 'Null',
        'recipes.encoder.pool': 'Renormalize' if agent == 'SPRAgent' and images else 'Null',
    }  # fmt: skip
    target = given.pop('_target_')
    name = target.rsplit('.', 1)[-1] if target else defaults.get(key, 'Trunk' if key.endswith('trunk') else 'MLP')
    if name == 'Null':
        return 'none'
    if name == 'Trunk':
        return f'{config["trunk_dim"]}: linear, layer norm, tanh'
    if name not in ('MLP', 'Noisy'):
        return ', '.join([f'`{name}`', *(f'{key} {text(value)}' for key, value in given.items())])
    arguments = inspect.signature(resolve('Blocks.Architectures.MLP')).parameters
    depth = given.get('depth', arguments['depth'].default)
    width = given.get('hidden_dim', config['hidden_dim'])
    kind = 'noisy' if name == 'Noisy' else given.get('activation', arguments['activation'].default)
    return f'{depth} layer{"s" * (depth > 1)} of {width}, {kind}' if depth else 'linear'


def cell(key: str, config: dict[str, Any], agent: str) -> str:
    """Returns the text of a key in a composed config; `-` where it has no effect."""
    suite, own = config['suite_name'], config['agent']
    if key in BLOCKS:
        return '-' if agent == 'SPRAgent' and suite in DISCRETE and key in NO_ACTOR else block(key, config, agent)
    if key == 'agent.optimizer':
        given = {name: value for name, value in own['optimizer'].items() if name[0] != '_'}
        name = own['optimizer']['_target_'].rsplit('.', 1)[-1]
        return ', '.join([name, *(f'{key} {text(value)}' for key, value in given.items())])
    spr = agent == 'SPRAgent'
    unread = (
        (suite in DISCRETE and key in (*OF_VECTORS, *('stddev_schedule',) * spr))
        or (suite in VECTORS and key in ('agent.dueling', *Q_LEARNING * spr))
        or (suite in IMAGES and key == 'agent.normalize_obs')
        or (key == 'agent.support' and not own.get('atoms'))
        or (key == 'agent.huber' and own.get('atoms') and not (spr and suite in VECTORS))
        or (key in ('replay.alpha', 'replay.beta') and not config['replay']['prioritized'])
    )
    if unread:
        return '-'
    return text(lookup(config, key), config['train_steps'], 'updates' if key == 'replay.beta' else 'steps')


def suites() -> list[str]:
    """Returns the suites of control: those that do not learn from a data set."""
    files = sorted((FOLDER / 'task').glob('*/default.yaml'))
    return [file.parent.name for file in files if not yaml.safe_load(file.read_text()).get('offline')]


def alike(agent: str, suite: str) -> list[list[str]]:
    """Returns the tasks of a suite in groups whose files say the same; first those without settings of their own."""
    groups: dict[str, list[str]] = {json.dumps([{}, None]): []}
    for task in options('task'):
        if task.split('/')[0] != suite or task.endswith('/custom'):
            continue
        content = yaml.safe_load((FOLDER / 'task' / f'{task}.yaml').read_text())
        own = {key: value for key, value in content.items() if key not in ('defaults', 'task_name', 'suite', 'gym')}
        file = FOLDER / 'Agent_task' / f'Agents.{agent}' / f'{task}.yaml'
        groups.setdefault(json.dumps([own, file.read_text() if file.exists() else None]), []).append(task)
    return [tasks for tasks in groups.values() if tasks]


def columns(agent: str) -> Iterable[Column]:
    """Yields a column for each suite, and for each group of tasks that differ from their suite."""
    keys = agent_keys(agent)
    for suite in suites():
        for tasks in alike(agent, suite):
            config = to_plain(compose([f'Agent={agent}', f'task={tasks[0]}']))
            cells = {key: cell(key, config, agent) for key in keys}
            file = FOLDER / 'Agent_task' / f'Agents.{agent}' / f'{tasks[0]}.yaml'
            yield Column(', '.join(tasks) if file.exists() else suite, cells, tasks)


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """Returns the lines of a table."""
    return [f'| {" | ".join(head)} |', '|---' * len(head) + '|', *(f'| {" | ".join(row)} |' for row in rows)]


def origins(agent: str) -> list[str]:
    """Returns an entry for each file of an agent: a link and the comment that it begins with."""
    name = f'Agents.{agent}'
    files = [FOLDER / 'Agent' / f'{name}.yaml']
    for folder in ('Agent_suite', 'Agent_task'):
        files += sorted((FOLDER / folder / name).rglob('*.yaml'))
    lines = []
    for file in files:
        head = re.match(r'# @package _global_\n((?:# .*\n)*)', file.read_text())
        comment = ' '.join(line[2:] for line in head[1].splitlines()) if head else ''
        path = file.relative_to(PROJECT).as_posix()
        title = path.removeprefix('Hyperparams/').replace(f'{name}/', '').removesuffix('.yaml')
        lines.append(f'- [{title}](../../{path})' + f': {comment}' * bool(comment))
    return lines


def paired(found: list[Column]) -> None:
    """Joins the rows of actor and critic where their blocks are the same for all tasks."""
    for first, second in PAIRS.items():
        if all(column.cells.get(first) == column.cells.get(second) for column in found):
            for column in found:
                cells = [(f'{first}`, `{second}' if key == first else key, text) for key, text in column.cells.items()]
                column.cells.clear()
                column.cells.update((key, text) for key, text in cells if key != second)


def usual(key: str) -> str | None:
    """Returns the text of the default in args.yaml, for those keys that are shown only where they differ from it."""
    plain = key in KEYS and key not in ALWAYS and key != 'agent.optimizer'
    return text(yaml.safe_load(read(ARGS)[key].value)) if plain and not read(ARGS)[key].value.startswith('$') else None


def printed(agent: str) -> str:
    """Returns what a page shows between the markers."""
    found = list(columns(agent))
    paired(found)
    titles = [column.title for column in found]
    shown = [column for i, column in enumerate(found) if column.title not in titles[:i]]
    differing: list[list[str]] = []
    same: list[list[str]] = []
    for key in found[0].cells:
        cells = [column.cells[key] for column in shown]
        if set(cells) <= {'-', usual(key)}:
            continue
        row = [f'`{key}`', *(cells if len(set(cells)) > 1 else cells[:1]), meaning(agent, key)]
        (differing if len(set(cells)) > 1 else same).append(row)
    lines = ['A dash: no effect there. Schedules count agent steps.', '']
    lines += table(['key', *(f'`{title}`' for title in dict.fromkeys(titles)), 'meaning'], differing)
    lines += ['', 'The same everywhere:', '', *table(['key', 'value', 'meaning'], same), *exceptions(found, shown)]
    lines += ['', 'What these files leave open is in those of the [task](../../Hyperparams/task):', '']
    return '\n'.join([BEGIN, '', *lines, *origins(agent), '', END])


def exceptions(found: list[Column], shown: list[Column]) -> list[str]:
    """Returns an entry for each group of tasks that has no column and differs from its suite."""
    lines = []
    for column in found:
        suite = next(other.cells for other in shown if other.title == column.title)
        differ = [f'`{key}` {value}' for key, value in column.cells.items() if value != suite[key]]
        names = ', '.join(f'`{task.split("/")[1]}`' for task in column.tasks)
        if differ:
            lines.append(f'- `{column.title}`, {names}: {"; ".join(differ)}')
    return ['', 'Tasks that differ from their suite:', '', *lines] if lines else []


def page(agent: str) -> Path:
    """Returns the page of an agent."""
    return PROJECT / 'docs' / 'agents' / f'{agent.removesuffix("Agent").lower()}.md'


def renewed(agent: str) -> str:
    """Returns the text of an agent's page, with the tables as the option files have them."""
    text = page(agent).read_text()
    return text.split(BEGIN)[0] + printed(agent) + text.split(END)[1]


def main() -> None:
    """Rewrites the pages."""
    for agent in AGENTS:
        page(agent).write_text(renewed(agent))


if __name__ == '__main__':
    main()
