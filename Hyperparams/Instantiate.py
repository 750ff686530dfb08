"""Objects from the configs that describe them."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from Support.Classes import allowed, argument_names, resolve
from Support.Errors import UserError, hint, one_line

if TYPE_CHECKING:
    from omegaconf import DictConfig


def instantiate(config: DictConfig | dict[str, Any], **arguments: Any) -> Any:
    """Builds the object that a config describes, by Hydra's keys: `_target_`, `_args_` and `_partial_`, at any depth.

    arguments: passed to the outermost target unchanged; they override the config's.
    `_target_: null` gives None, so that the caller chooses. Targets are in this project, torch, torchvision or the
    packages of `targets=`. Raises UserError with the config key, the target, the cause and similar names.
    Hydra's own instantiate is not used: 1.3 turns tuples among the arguments into lists and hides the cause of an
    error, and 1.4 behaves differently.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

    described: Any = config if OmegaConf.is_config(config) else OmegaConf.create(config)
    key = described._get_full_key(None) or 'config'
    try:
        node: Any = OmegaConf.to_container(described, resolve=True, throw_on_missing=True)
        targets = OmegaConf.select(described._get_root(), 'targets') or ()
    except OmegaConfBaseException as error:
        through = re.search(r'interpolation: Missing mandatory value: (\S+)', str(error))
        if through or isinstance(error, MissingMandatoryValue):
            missing = through[1] if through else error.full_key
            raise UserError(f'{missing} must be given: {missing}=<value>.') from error
        cause = str(error).splitlines()[0]
        raise UserError(f'{error.full_key or key}: {cause}.') from error
    if arguments and node.get('_target_') is None:
        raise UserError(f'{key}._target_ is missing: {key}._target_=<class>.')
    return _build(node, key, tuple(targets), arguments)


def scalars(config: DictConfig) -> SimpleNamespace:
    """Returns the keys of a config that hold numbers, text or None, for loops: OmegaConf's look-ups are slow."""
    from omegaconf import OmegaConf

    return SimpleNamespace(**{str(name): config[name] for name in config if not OmegaConf.is_config(config[name])})


def _build(node: Any, key: str, targets: tuple[str, ...], arguments: dict[str, Any] | None = None) -> Any:
    """Builds a plain config, its parts first. arguments: finished objects that override the config's of that name."""
    if isinstance(node, list):
        return [_build(item, f'{key}[{i}]', targets) for i, item in enumerate(node)]
    if not isinstance(node, dict):
        return node
    arguments = arguments or {}
    config = {name: value for name, value in node.items() if name not in arguments}
    built = {name: _build(value, f'{key}.{name}', targets) for name, value in config.items()} | arguments
    if '_target_' not in node:
        return built
    path, partial, args = built.pop('_target_'), built.pop('_partial_', False), built.pop('_args_', ())
    if path is None:
        if built:
            raise UserError(f'{key}.{next(iter(built))} goes to a class that is not named: add {key}._target_=<class>.')
        return None
    if not allowed(path, targets):
        package = path.split('.')[0]
        raise UserError(f'{key}._target_={path} lies outside the project: add targets=[{package}] to allow it.')
    try:
        target = resolve(path)
    except UserError as error:
        raise UserError(f'{key}: {error}') from error
    check_arguments(target, built, key, path)
    if partial:
        return functools.partial(target, *args, **built)
    try:
        return target(*args, **built)
    except UserError:
        raise
    except Exception as error:
        missing = re.search(r"missing \d+ required .*arguments?: '(\w+)'", str(error))
        if missing and isinstance(error, TypeError):
            name = missing[1]
            raise UserError(
                f'{key}.{name} must be given to {path}: {key}.{name}=<value>, or choose the option file that has it.'
            ) from error
        raise UserError(f'{key}: {path} failed with {type(error).__name__}: {one_line(error)}') from error


def check_arguments(target: Callable[..., Any], arguments: Iterable[str], key: str, path: str) -> None:
    """Raises UserError, with the nearest name, for an argument that the target does not take."""
    taken = argument_names(target) or []
    for name in arguments if taken else ():
        if name not in taken:
            raise UserError(f"{key}.{name}: {path} takes no '{name}'.{hint(name, taken)} All: {', '.join(taken)}")
