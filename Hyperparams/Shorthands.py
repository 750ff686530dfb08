"""Shorthands of the command line, rewritten into Hydra's syntax.

Eyes=ViT Eyes.depth=4    ~recipes.encoder.eyes ++recipes.encoder.eyes._partial_=true
                         ++recipes.encoder.eyes._target_=Blocks.Architectures.ViT ++recipes.encoder.eyes.depth=4
recipes.critic.trunk=X   ++recipes.critic.trunk._target_=Blocks.Architectures.X
Eyes=timm:resnet18       ++recipes.encoder.eyes._target_=Blocks.Architectures.Timm.resnet18
Agent=ppo                Agent=Agents.PPOAgent
task=atari/BattleZone    task=atari/battle_zone
Dataset=CIFAR10          Dataset._target_=torchvision.datasets.CIFAR10
Dataset.subset=[0,1]     suite.subset=[0,1]; per_class and labelled too; the other keys of Dataset go to its class
mini=true                length=mini; generate=true: domain=generate
recipe=mnist_gan         recipe=mnist_gan and the words that the file implies: task=classify/mnist generate=true
agent.optimizer._target_=X  ~agent.optimizer ++agent.optimizer._partial_=true ++agent.optimizer._target_=X
suite._target_=my.Suite  task=custom/suite ++suite._target_=my.Suite
suite.x=3                ++suite.x=3, if suite._target_ is given
+lr=0.1                  ++lr=0.1, so that the key may exist already
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from Hyperparams.Options import DEFAULT_TASK, FOLDER, agent_option, recipe_option, task_option
from Support.Classes import public_names
from Support.Errors import UserError, nearest
from Support.Schedules import FORMS

OWN_SUITE = 'custom/suite'  # the task of a suite that is named on the command line
ALIASES = {'aug': 'recipes.aug', 'eyes': 'recipes.encoder.eyes', 'pool': 'recipes.encoder.pool'}
BLOCKS = (
    *ALIASES.values(),
    *(f'recipes.{block}' for block in ('actor.trunk', 'actor.pi_head', 'critic.trunk', 'critic.q_head')),
)
LIBRARIES = {'torchvision.models.': 'Torchvision', 'timm:': 'Timm'}  # prefix of a network's name: module that wraps it
GROUPS = ('Agent', 'task', 'domain', 'recipe', 'length')  # keys whose value names an option file
SWITCHES = {
    'generate': ('domain', 'generate', 'usual'),
    'mini': ('length', 'mini', 'full'),
}  # key: (group, true, false)
FREE = '{[("\''  # a value that begins so, or holds `${`, is no plain name


def rewrite(words: Sequence[str], folders: Sequence[Path] = (FOLDER,)) -> list[str]:
    """Rewrites key=value words for Hydra. Raises UserError for an unknown Agent, task or block."""
    out = [rewrite_word(word, folders) for word in (*implied(words, folders), *words)]
    named = [match[1] for word in out if (match := re.match(r'\+\+(recipes\.[\w.]+)\._target_=', word))]
    if 'domain=generate' in out:  # the files' actors and critics are for control, not for a generator and its critic
        named += [block for block in BLOCKS if block.startswith(('recipes.actor', 'recipes.critic'))]
    for block in dict.fromkeys(named):  # arguments in option files are for the block that the files name
        out = [f'~{block}', f'++{block}._partial_=true', f'++{block}._target_=null', *out]
    if any(re.match(r'\+*agent\.optimizer\._target_=', word) for word in out):  # nor do they suit another optimizer
        out = ['~agent.optimizer', '++agent.optimizer._partial_=true',
               *(re.sub(r'^\+*(?=agent\.optimizer\.)', '++', word) for word in out)]  # fmt: skip
    own = any(re.match(r'\+*suite\._target_=', word) for word in out)
    if own:  # its arguments are not known here
        out = [f'++{word}' if word.startswith('suite.') else word for word in out]
    if not any(word.startswith('task=') for word in out):
        out.insert(0, f'task={OWN_SUITE if own else DEFAULT_TASK}')
    return out


def implied(words: Sequence[str], folders: Iterable[Path]) -> list[str]:
    """Returns the words that a recipe among the words implies, without those whose key is typed too."""
    from yaml import safe_load

    typed = {word.partition('=')[0].lower() for word in words}
    found: list[str] = []
    for name in (word.partition('=')[2] for word in words if word.startswith('recipe=')):
        for folder in folders:
            file = Path(folder) / 'recipe' / f'{name}.yaml'
            found += (safe_load(file.read_text()) or {}).get('implies', []) if file.is_file() else []
    return [word for word in found if word.partition('=')[0].lower() not in typed]


def rewrite_word(word: str, folders: Sequence[Path]) -> str:
    """Rewrites one word for Hydra. Raises UserError."""
    if word.startswith('~') or word.startswith('hydra'):
        return word
    match = re.fullmatch(r'(\+{0,2})([^=+~]+)=(.*)', word, re.DOTALL)
    if not match:
        raise UserError(f"'{word}' is no setting: give key=value, or --help for all keys.")
    plus, key, value = match.groups()
    key = full_key(key)
    if key in ('Agent', 'agent'):
        return 'Agent=' + each(value, lambda name: agent_option(name, folders))
    if key in ('task', 'Task'):
        return 'task=' + each(value, lambda name: task_option(name, folders))
    if key == 'recipe':
        return 'recipe=' + each(value, lambda name: recipe_option(name, folders))
    if key in SWITCHES:
        return f'{SWITCHES[key][0]}=' + each(value, lambda name: switch(key, name))
    if key in ('Dataset.subset', 'Dataset.per_class', 'Dataset.labelled'):
        key = key.replace('Dataset', 'suite')
    if key == 'Dataset' and value[:1] not in FREE:
        key, value = 'Dataset._target_', each(value, lambda name: qualify(name, 'torchvision.datasets'))
    if key.startswith('recipes.'):
        return '++' + block_word(key, value)
    if re.fullmatch(rf'({"|".join(FORMS)})\(.*\)', value):
        value = f"'{value}'"
    if plus and key not in GROUPS:
        plus = '++'
    return f'{plus}{key}={value}'


def full_key(key: str) -> str:
    """Returns recipes.encoder.eyes.depth for Eyes.depth. Eyes, pool and Aug may be written in any letter case."""
    parts = key.split('.')
    start = 1 if parts[0] == 'recipes' else 0
    if start and parts[1:2] == ['encoder']:
        start = 2
    alias = ALIASES.get(parts[start].lower()) if start < len(parts) else None
    return '.'.join([alias, *parts[start + 1 :]]) if alias else key


def block_word(key: str, value: str) -> str:
    """Rewrites recipes.aug=RandomShifts to recipes.aug._target_=Blocks.Augmentations.RandomShifts. Raises UserError."""
    block = next((block for block in BLOCKS if f'{key}.'.startswith(f'{block}.')), None)
    if block is None:
        near = nearest(key, BLOCKS)
        raise UserError(f"No block '{key}'." + (f' Nearest: {near}.' if near else f' All: {", ".join(BLOCKS)}.'))
    if key == block and value[:1] not in FREE:
        key += '._target_'
    if key == f'{block}._target_':
        value = each(value, lambda name: block_path(name, block))
    return f'{key}={value}'


def block_path(name: str, block: str) -> str:
    """Returns Blocks.Architectures.CNN for CNN; other libraries' networks have a module there that wraps them."""
    for library, module in LIBRARIES.items():
        if name.startswith(library):
            network, _, tag = name.removeprefix(library).partition('.')
            if tag:
                raise UserError(f'{name} holds a dot: give {library}{network}, and pretrained={tag} to that block.')
            return f'Blocks.Architectures.{module}.{network}'
    return qualify(name, augmentation_package(name) if block == ALIASES['aug'] else 'Blocks.Architectures')


def augmentation_package(name: str) -> str:
    """Returns the package of an augmentation. Any block that keeps the shape can be one, Null for example."""
    packages = ('Blocks.Augmentations', 'Blocks.Architectures')
    places = (FOLDER.parent / 'Blocks' / 'Augmentations.py', FOLDER.parent / 'Blocks' / 'Architectures')
    found = (package for package, place in zip(packages, places, strict=True) if name in (public_names(place) or ()))
    return next(found, packages[0])


def qualify(name: str, package: str) -> str:
    """Prepends the package to a bare class name; null and Python paths stay."""
    return name if name == 'null' or not name.isidentifier() else f'{package}.{name}'


def each(value: str, change: Callable[[str], str]) -> str:
    """Changes a value, or each value of a sweep 'a,b'."""
    if value[:1] in FREE or '(' in value or '${' in value:
        return value
    return ','.join(change(item.strip()) for item in value.split(','))


def switch(key: str, value: str) -> str:
    """Returns the option file that a switch chooses: mini for mini=true, full for mini=false."""
    if value.lower() not in ('true', 'false'):
        raise UserError(f"{key} is true or false, not '{value}'.")
    return SWITCHES[key][1 if value.lower() == 'true' else 2]
