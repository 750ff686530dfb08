"""The page of `python Run.py --help`, made from args.yaml and the option files. Needs neither torch nor Hydra."""

from __future__ import annotations

import shutil
import textwrap

from Hyperparams.Keys import ARGS, read
from Hyperparams.Options import DEFAULT_TASK, options

USAGE = f"""\
python Run.py key=value ...        (default: Agent=DQNAgent task={DEFAULT_TASK})

  python Run.py Agent=DQN task=atari/breakout seed=2
  python Run.py task=classify/mnist RL=false Eyes=CNN Eyes.depth=4
  python Run.py task=classify/custom Dataset.root=path/to/class/folders
  python Run.py suite._target_=my_module.MySuite suite.x=3      a suite of your own
  python Run.py -m seed=1,2,3 task=gym/cartpole,gym/acrobot     a sweep: one run after the other
  python Run.py recipe=mnist_gan data=Data                      a whole experiment, tried and measured
  python Run.py mini=true          the whole pipeline in about a minute
  python Run.py inspect=Datasets/ReplayBuffer/...               prints what a saved replay holds (docs/replay.md)
  python Run.py import=<file.npz|folder|minari:id> to=<replay>  to learn from with offline=true replay.path=<replay>
  python Run.py export=<replay> to=<file.npz|folder|minari:id>
  python Run.py why=lr task=...    prints which files and words set a key, or a group of keys (why=replay)
  python Run.py --cfg job          prints the composed config (-p agent: one part), runs nothing
  python Run.py --config-dir=mine  option files of your own: mine/Agent/*.yaml, mine/task/**.yaml

Ranges of values stand in brackets; without one a number is at least 0. schedule: a number or, for example,
linear(1e-3,0,50000), see docs/command_line.md"""


def page() -> str:
    """Returns the whole page: usage, keys with defaults and meaning, agents, recipes, tasks by suite."""
    width = min(shutil.get_terminal_size((120, 40)).columns, 140)
    return '\n'.join([USAGE, *keys(width), *blocks(), *choices(width)])


def keys(width: int) -> list[str]:
    """Returns the lines on the keys of args.yaml, under its own headings."""
    lines, heading = [], ''
    for key in read(ARGS).values():
        passed_on = key.value.startswith('${') and not key.comment  # agent.lr: ${lr}
        if key.name.split('.')[0] in ('defaults', 'recipes', 'hydra') or '._' in key.name or passed_on:
            continue
        if key.heading != heading:
            heading = key.heading
            lines += ['', heading]
        if key.comment or key.value:
            start = f'  {key.name}={key.value}'
            lines += textwrap.wrap(
                f'{start:40} {key.comment}', width, subsequent_indent=' ' * 41, break_on_hyphens=False
            )
    return lines


def blocks() -> list[str]:
    """Returns the lines on how to swap blocks."""
    return [
        '',
        'Blocks: any nn.Module by class name or Python path, with any of its arguments',
        '  Eyes=CNN Eyes.depth=4, pool=Null, Aug=RandomShifts, recipes.critic.trunk=MLP (also actor.trunk,',
        '  actor.pi_head, critic.q_head)',
    ]


def choices(width: int) -> list[str]:
    """Returns the lines on agents, recipes, and tasks by suite."""
    suites: dict[str, list[str]] = {}
    for task in options('task'):
        suite, _, name = task.rpartition('/')
        suites.setdefault(suite, []).append(name)
    lines = ['', 'Agent=', f'  {" ".join(options("Agent"))}', '', 'recipe=', f'  {" ".join(options("recipe"))}']
    for suite, names in suites.items():
        lines += [
            '',
            f'task={suite}/',
            *textwrap.wrap(' '.join(names), width, initial_indent='  ', subsequent_indent='  '),
        ]
    return lines
