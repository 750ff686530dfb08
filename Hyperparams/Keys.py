"""The keys of the option files: where each stands, its default, range and meaning, as its line and comment say."""

from __future__ import annotations

import functools
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from Hyperparams.Options import FOLDER

if TYPE_CHECKING:
    from omegaconf import DictConfig

ARGS = FOLDER / 'args.yaml'
KINDS = {'bool': bool, 'int': int, 'float': float}


class Key(NamedTuple):
    """A line `name: value  # [tag] meaning` of an option file.

    The tag, in this order and each part optional: `[int >=1, schedule, null, e.g. 5]`. Without a range a number is at
    least 0; without a kind it is of its default's kind.
    """

    name: str  # dotted
    value: str  # as written; '' for a group of keys
    comment: str = ''  # tag and meaning
    heading: str = ''  # of its part of the file
    kind: type | None = None  # bool, int or float, where the default does not tell
    least: float = 0.0
    most: float = math.inf
    schedule: bool = False  # a number or a schedule
    null: bool = False  # null is allowed although it is not the default
    example: str = ''  # of a key that must be given


@functools.cache
def read(path: Path) -> dict[str, Key]:
    """Returns the keys of an option file by their dotted names, in the file's order."""
    found: dict[str, Key] = {}
    parents: list[tuple[int, str]] = []  # (indentation, name)
    heading = ''
    for line in path.read_text().splitlines():
        if title := re.match(r'# ([A-Z].*)', line):
            heading = title[1]
        match = re.match(r'( *)([\w.]+): *([^#]*?) *(?:# (.*))?$', line)
        if not match:
            continue
        indent, name, value, comment = len(match[1]), match[2], match[3], match[4] or ''
        parents = [parent for parent in parents if parent[0] < indent]
        dotted = '.'.join([*(parent[1] for parent in parents), name])
        parents.append((indent, name))
        found[dotted] = Key(dotted, value, comment, heading, **tag(comment))
    return found


def tag(comment: str) -> dict[str, Any]:
    """Parses the `[...]` that a comment begins with, into fields of `Key`. Raises ValueError if it is no tag."""
    match = re.match(r'\[(.*?)\]', comment)
    fields: dict[str, Any] = {}
    for part in match[1].split(', ') if match else ():
        if part.startswith('e.g. '):
            fields['example'] = part.removeprefix('e.g. ')
            continue
        for word in part.split():
            bounds = re.fullmatch(r'>=(\S+)|(\S+)\.\.(\S+)', word)
            if word in KINDS:
                fields['kind'] = KINDS[word]
            elif word in ('schedule', 'null'):
                fields[word] = True
            elif bounds:
                fields['least'] = float(bounds[1] or bounds[2])
                fields['most'] = float(bounds[3] or 'inf')
            else:
                raise ValueError(f"'{word}' in '{comment}' is no kind, range, schedule or null.")
    return fields


@functools.cache
def facts(agent: str = '') -> dict[str, Key]:
    """Returns the keys that args.yaml and the file of an agent's class explain, by their dotted names.

    Of the other agents' keys only schedules are among them: an agent of the user's may give the rest another meaning.
    """
    files = {file.stem: read(file) for file in sorted((FOLDER / 'Agent').glob('*.yaml'))}
    others = {name: key for file in files.values() for name, key in file.items() if key.schedule}
    own = {name: key for name, key in files.get(agent, {}).items() if name.startswith('agent.')}
    known = others | own | read(ARGS)
    for name, key in known.items():
        source = re.fullmatch(r'\$\{(\w+)\}', key.value)
        if source and source[1] in known:  # `agent.lr: ${lr}` has the range of lr
            known[name] = known[source[1]]._replace(name=name, value=key.value, comment=key.comment)
    return known


@functools.cache
def expected(agent: str = '') -> dict[str, Any]:
    """Returns the defaults of args.yaml and of the file of an agent's class, resolved: what kinds values are of."""
    from omegaconf import OmegaConf

    return OmegaConf.to_container(agent_defaults(agent), resolve=True)  # type: ignore[return-value]


def example(key: str, suite: str) -> str:
    """Returns the value that the files of a suite give as an example for a key that must be given."""
    for file in (FOLDER / 'task' / suite).glob('*.yaml'):
        if key in read(file) and read(file)[key].example:
            return read(file)[key].example
    return '<value>'


@functools.cache
def defaults() -> DictConfig:
    """Returns args.yaml as it stands: every key with its default."""
    from omegaconf import OmegaConf

    config = OmegaConf.load(ARGS)
    return OmegaConf.masked_copy(config, [name for name in config if name not in ('defaults', 'hydra')])  # type: ignore


def agent_defaults(agent: str) -> DictConfig:
    """Returns args.yaml with the keys of `agent` as the file of an agent's class has them, if there is one."""
    from omegaconf import OmegaConf

    file = FOLDER / 'Agent' / f'{agent}.yaml'
    own = {'agent': OmegaConf.select(OmegaConf.load(file), 'agent')} if file.is_file() else {}
    return OmegaConf.merge(defaults(), own)  # type: ignore[return-value]
