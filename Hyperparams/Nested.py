"""Dotted keys of nested dicts: 'agent.optimizer.eps'."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from Support.Errors import UserError

if TYPE_CHECKING:
    from omegaconf import DictConfig


def keys(node: dict[str, Any], prefix: str = '') -> Iterator[str]:
    """Yields every dotted key, those of groups included."""
    for name, value in node.items():
        yield f'{prefix}{name}'
        if isinstance(value, dict):
            yield from keys(value, f'{prefix}{name}.')


def lookup(node: dict[str, Any], key: str, *default: Any) -> Any:
    """Returns the value at a dotted key, or the default. Raises KeyError if there is neither."""
    found: Any = node
    for name in key.split('.'):
        if not isinstance(found, dict) or name not in found:
            if default:
                return default[0]
            raise KeyError(key)
        found = found[name]
    return found


def to_plain(config: DictConfig) -> dict[str, Any]:
    """Converts a config to a dict and resolves every `${...}`. Raises UserError naming the key of a broken one."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        return OmegaConf.to_container(config, resolve=True)  # type: ignore[return-value]
    except OmegaConfBaseException as error:
        raise UserError(f'{error.full_key}: {str(error).splitlines()[0]}.') from error


def targets(node: dict[str, Any] | list[Any], key: str = '') -> Iterator[tuple[str, str]]:
    """Yields (key, Python path) of every class that a plain config names."""
    for name, value in node.items() if isinstance(node, dict) else enumerate(node):
        if isinstance(value, (dict, list)):
            yield from targets(value, f'{key}.{name}' if key else str(name))
        elif name == '_target_' and value is not None:
            yield f'{key}._target_', value
