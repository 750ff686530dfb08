"""`python Run.py why=lr ...`: which option files and words set a key, from the weakest to the strongest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from Hyperparams.Checks import unknown_key
from Hyperparams.Compose import compose, compose_only, folders, hydra_words, version_base
from Hyperparams.Keys import ARGS
from Hyperparams.Nested import keys, lookup, to_plain
from Hyperparams.Options import FOLDER
from Hyperparams.Shorthands import GROUPS, full_key, implied, rewrite_word

if TYPE_CHECKING:
    from omegaconf import DictConfig
    from yaml import Node


class Setting(NamedTuple):
    """A key's value in one layer."""

    place: str  # file:line, or the origin of a word
    value: str  # as written


Layer = dict[str, Setting]  # by dotted key
SHORTHANDS, COMPLETE = 'Hyperparams/Shorthands.py', 'Hyperparams/Complete.py'  # also they set keys


def why(asked: str, words: list[str], config_dir: str | None = None) -> str:
    """Returns the page on a key, a group of keys or a choice of files (`task`), for a command line of these words.

    Each key with its final value, then the layers that set it, the winner marked with `>`; of a single key also those
    that its interpolations point to. Raises UserError for a mistake in the words and for an unknown key.
    """
    key, composed = full_key(asked), compose(words, config_dir)
    config = to_plain(composed)
    if key in GROUPS:
        settings = chosen(key, words, config_dir)
        return '\n'.join(table(key, settings[-1].value, settings))
    if key not in keys(config):
        raise unknown_key(asked, config)
    found = [*layers(words, config_dir), completed(composed, compose_only(hydra_words(words, config_dir)))]
    value = lookup(config, key)
    if not isinstance(value, dict) or not value:
        return '\n'.join(trace(key, config, found))
    leaves = [name for name in keys(value, f'{key}.') if not isinstance(lookup(config, name), dict)]
    return '\n'.join(line for name in leaves for line in table(name, lookup(config, name), of(name, found)))


def trace(key: str, config: dict[str, Any], found: list[Layer], followed: tuple[str, ...] = ()) -> Iterator[str]:
    """Yields the lines on a key, and indented those on the keys that its interpolations point to."""
    settings = of(key, found)
    yield from table(key, lookup(config, key), settings)
    for name in dict.fromkeys(re.findall(r'\$\{([\w.]+)\}', settings[-1].value)):
        if isinstance(lookup(config, name, None), dict):
            yield f'    {name}: why={name}'
        elif name in keys(config) and name not in (key, *followed):
            for line in trace(name, config, found, (*followed, key)):
                yield f'    {line}'


def table(key: str, value: Any, settings: list[Setting]) -> list[str]:
    """Returns the lines on a key: its final value, then each layer's."""
    width = max(len(setting.place) for setting in settings)
    rows = [f'    {place:{width}}  {text}' for place, text in settings]
    return [f'{key} = {written(value)}', *rows[:-1], f'  > {rows[-1].strip()}']


def written(value: Any) -> str:
    """Returns a value as YAML writes it."""
    return str(value).lower() if isinstance(value, bool) else 'null' if value is None else str(value)


def of(key: str, found: list[Layer]) -> list[Setting]:
    """Returns the settings of a key, or of a group that holds it, in each layer that has one."""
    parts = key.split('.')
    names = ['.'.join(parts[:length]) for length in range(len(parts), 0, -1)]
    return [setting for layer in found if (setting := next((layer[name] for name in names if name in layer), None))]


def layers(words: list[str], config_dir: str | None) -> list[Layer]:
    """Returns what option files and words set, from the weakest to the strongest; Hydra says which files those are."""
    import hydra
    from hydra.core.global_hydra import GlobalHydra
    from hydra.types import RunMode

    with hydra.initialize_config_dir(str(FOLDER), job_name='Run', **version_base()):
        loader = GlobalHydra.instance().config_loader()
        defaults = loader.compute_defaults_list('args', hydra_words(words, config_dir), RunMode.RUN)
    files = [default for default in defaults.defaults if not str(default.config_path).startswith('hydra/')]
    found = [of_file(f'{default.config_path}.yaml', default.package or '', config_dir) for default in files]
    origins = typed(words, config_dir)
    for override in defaults.config_overrides:
        line = str(override.input_line)
        place = origins.get(line.lstrip('+'), SHORTHANDS)
        found.append({override.key_or_group: Setting(place, line.partition('=')[2] or '(removed)')})
    return found


def typed(words: list[str], config_dir: str | None) -> dict[str, str]:
    """Returns the origin of each word, by what it is rewritten to for Hydra."""
    own, recipe = folders(config_dir), next((word for word in words if word.startswith('recipe=')), '')
    origins = {word: f'{recipe} implies' for word in implied(words, own)} | dict.fromkeys(words, 'command line')
    return {rewrite_word(word, own).lstrip('+'): place for word, place in origins.items()}


def chosen(group: str, words: list[str], config_dir: str | None) -> list[Setting]:
    """Returns what chooses the file of a group: args.yaml's defaults list, a recipe, the command line."""
    from yaml import safe_load

    entries = [entry for entry in safe_load(ARGS.read_text())['defaults'] if isinstance(entry, dict) and group in entry]
    rewritten = [word for word in hydra_words(words, config_dir) if word.startswith(f'{group}=')]
    origins = typed(words, config_dir)
    return [
        *(Setting('Hyperparams/args.yaml', entry[group]) for entry in entries),
        *(Setting(origins.get(word, SHORTHANDS), word.partition('=')[2]) for word in rewritten),
    ]


def of_file(name: str, package: str, config_dir: str | None) -> Layer:
    """Returns what an option file sets, with line numbers."""
    import yaml

    file = next(folder / name for folder in folders(config_dir) if (folder / name).is_file())
    place = file.relative_to(FOLDER.parent) if file.is_relative_to(FOLDER) else Path(config_dir or '', name)
    text, found = file.read_text(), {}
    for key, node in nodes(yaml.compose(text), f'{package}.' if package else ''):
        value = text[node.start_mark.index : node.end_mark.index]
        found[key] = Setting(f'{place}:{node.start_mark.line + 1}', value or 'null')
    return found


def nodes(node: Node | None, prefix: str) -> Iterator[tuple[str, Node]]:
    """Yields the leaves of a YAML file by their dotted keys."""
    from yaml import MappingNode

    for name, value in node.value if isinstance(node, MappingNode) else ():
        if isinstance(value, MappingNode) and value.value:
            yield from nodes(value, f'{prefix}{name.value}.')
        else:
            yield f'{prefix}{name.value}', value


def completed(config: DictConfig, before: DictConfig) -> Layer:
    """Returns what the program itself changed in the composed config."""
    from omegaconf import OmegaConf

    now, then = to_plain(config), to_plain(before)
    raw_now: Any = OmegaConf.to_container(config)
    raw_then: Any = OmegaConf.to_container(before)
    found = {}
    for key in keys(raw_now):
        value, old = lookup(now, key), lookup(then, key, None)
        rewritten = lookup(raw_now, key) != lookup(raw_then, key, None)  # it, not a key that it points to
        if rewritten and written(value) != written(old) and not isinstance(value, dict):
            found[key] = Setting(COMPLETE, written(value))
    return found
