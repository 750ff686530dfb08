"""The page of `python Run.py --help`, made of args.yaml's own comments. Needs neither torch nor Hydra."""

import re
import shutil
import textwrap

from Hyperparams.Options import DEFAULT_TASK, FOLDER, options

USAGE = f"""\
python Run.py key=value ...        (default: Agent=DQNAgent task={DEFAULT_TASK})

  python Run.py Agent=DQN task=atari/breakout seed=2
  python Run.py task=classify/mnist RL=false Eyes=CNN Eyes.depth=4
  python Run.py task=classify/custom Dataset.root=path/to/class/folders
  python Run.py suite._target_=my_module.MySuite suite.x=3      a suite of your own
  python Run.py -m seed=1,2,3 task=gym/cartpole,gym/acrobot     each in turn
  python Run.py recipe=mnist_gan data=Data                      a whole experiment, tried and measured
  python Run.py mini=true          the whole pipeline in about a minute
  python Run.py inspect=Datasets/ReplayBuffer/...               what a saved replay holds (docs/replay.md)
  python Run.py import=<file.npz|folder|minari:id> to=<replay>  to learn from with offline=true replay.path=<replay>
  python Run.py export=<replay> to=<file.npz|folder|minari:id>
  python Run.py --cfg job          print the composed config (-p agent: one part), run nothing
  python Run.py --config-dir=mine  option files of your own: mine/Agent/*.yaml, mine/task/**.yaml"""


def page():
    """The whole page as text: usage, keys with defaults and meaning, agents, tasks by suite."""
    width = min(shutil.get_terminal_size((120, 40)).columns, 140)
    return '\n'.join([USAGE, *keys(width), *blocks(), *choices(width)])


def keys(width):
    """Root keys and those of agent and replay, under args.yaml's own headings."""
    lines, parent = [], ''
    for line in (FOLDER / 'args.yaml').read_text().partition('\n# What is learned')[2].splitlines():
        heading = re.match(r'# ([A-Z].*)', line)
        if line.startswith('# The blocks') or line.startswith('hydra:'):
            break
        if heading:
            lines += ['', heading[1]]
        match = re.match(r'( *)([\w.]+): *([^#]*?) *(?:# (.*))?$', line)
        if not match:
            continue
        indent, name, value, meaning = match.groups()
        parent = parent if indent else name
        passed_on = indent and value.startswith('${') and not meaning
        if (meaning or value) and len(indent) <= 2 and not name.startswith('_') and not passed_on:
            start = f'  {f"{parent}.{name}" if indent else name}={value}'
            lines += textwrap.wrap(
                f'{start:40} {meaning or ""}', width, subsequent_indent=' ' * 41, break_on_hyphens=False
            )
    return ['', 'What is learned', *lines]


def blocks():
    """How to swap blocks."""
    return [
        '',
        'Blocks: any nn.Module by class name or Python path, with any of its arguments',
        '  Eyes=CNN Eyes.depth=4, pool=Null, Aug=RandomShifts, recipes.critic.trunk=MLP (also actor.trunk,',
        '  actor.pi_head, critic.q_head)',
    ]


def choices(width):
    """Agents, recipes, and tasks by suite."""
    suites = {}
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
