"""Classes and functions by their Python path."""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.util
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from Support.Errors import UserError, hint, one_line
from Support.Files import PROJECT


def resolve(path: str) -> Any:
    """Imports the object at a Python path, 'torch.optim.AdamW'. A module with a class of its own name gives that class.

    Raises UserError with the nearest valid name, or with the cause if a module on the way cannot be imported.
    """
    import pkgutil

    parts = str(path).split('.')
    if not all(part.isidentifier() for part in parts):
        raise UserError(f"'{path}' is no Python path: give for example torch.optim.AdamW.")
    found = _import(parts[0], path)
    for i, name in enumerate(parts[1:], start=1):
        try:
            found = getattr(found, name)
        except AttributeError:
            names = [*dir(found), *(module.name for module in pkgutil.iter_modules(getattr(found, '__path__', ())))]
            if not isinstance(found, ModuleType) or name not in names:
                where = '.'.join(parts[:i])
                public = [option for option in names if not option.startswith('_')]
                raise UserError(f"No '{name}' in {where} (given: {path}).{hint(name, public)}") from None
            found = _import('.'.join(parts[: i + 1]), path)
    return getattr(found, parts[-1], found) if isinstance(found, ModuleType) else found


def _import(module: str, path: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        if getattr(error, 'name', None) == module:
            raise UserError(f"No module '{module}' (given: {path}); it must be installed or lie here.") from error
        raise UserError(f'Cannot import {module} (given: {path}): {one_line(error)}.') from error


def allowed(path: str, targets: Iterable[str] = ()) -> bool:
    """Whether a config may name this class: in this project, torch or torchvision, or below one of the targets.

    Otherwise a config from a stranger could run any code.
    """
    package = str(path).split('.')[0]
    ours = (PROJECT / package).is_dir() or (PROJECT / f'{package}.py').is_file()
    return ours or package in ('torch', 'torchvision') or any(f'{path}.'.startswith(f'{name}.') for name in targets)


def argument_names(target: Callable[..., Any]) -> list[str] | None:
    """Returns the names of the arguments of a class or function, see `arguments_of`; None if any name is allowed."""
    names, anything = arguments_of(target)
    return None if anything else names


def arguments_of(target: Callable[..., Any]) -> tuple[list[str], bool]:
    """Returns the names of the arguments of a class or function, and whether any other name is allowed too.

    The arguments of base classes are among them, as far as `**kwargs` hands them on.
    """
    import inspect

    names: dict[str, None] = {}
    owners = target.__mro__ if inspect.isclass(target) else (target,)
    for owner in owners:
        if inspect.isclass(owner) and '__init__' not in vars(owner):
            continue
        own = vars(owner)['__init__'] if inspect.isclass(owner) else None
        try:  # the constructor's signature itself, since a metaclass may have another one
            parameters = list(inspect.signature(own if inspect.isfunction(own) else owner).parameters.values())
        except (TypeError, ValueError):
            return list(names), True
        parameters = parameters[1:] if inspect.isfunction(own) else parameters  # self
        names |= {p.name: None for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            return list(names), False
    return list(names), True


def check_target(path: str, key: str) -> None:
    """Raises UserError if the source files have no such class. What only an import can tell passes: see `resolve`."""
    package, *rest = str(path).split('.')
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        known = {*(file.stem for file in PROJECT.iterdir()), 'torch', 'torchvision'} - {package}
        raise UserError(f"{key}: no module '{package}' (given: {path}).{hint(package, known)}")
    places = spec.submodule_search_locations or [spec.origin or '']
    missing = [gap for place in places if (gap := absent(Path(place), rest))]
    if len(missing) == len(places):  # a package without __init__.py may lie in several places
        name, parents, known = missing[0]
        where = '.'.join([package, *parents])
        near = hint(name, known) or f' A class of your own: <module>.{name}.'
        raise UserError(f"{key}: no '{name}' in {where} (given: {path}).{near}")


def absent(place: Path, names: list[str]) -> tuple[str, list[str], set[str]] | None:
    """Follows names from a folder or .py file. Returns the first missing name, those before it, and those there.

    None if none is missing, or only an import can tell.
    """
    for i, name in enumerate(names):
        if (place / name).is_dir():
            place = place / name
        elif (place / f'{name}.py').is_file():
            place = place / f'{name}.py'
        else:
            known = public_names(place) if place.is_dir() or place.suffix == '.py' else None
            return None if known is None or name in known else (name, names[:i], known)
    return None


@functools.cache
def public_names(source: Path | str) -> set[str] | None:
    """Returns the public names that a module (.py file or package folder) defines or imports, without importing it.

    None if only an import can tell: `from x import *` or `__getattr__`, without a plain `__all__`.
    """
    source = Path(source)
    names: set[str] = set()
    exported = False
    if source.is_dir():
        names |= {file.stem for file in source.iterdir() if file.suffix == '.py' or (file / '__init__.py').is_file()}
        source = source / '__init__.py'
    for node in ast.walk(ast.parse(source.read_text())) if source.is_file() else ():
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names |= {(alias.asname or alias.name).split('.')[0] for alias in node.names}
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
            if '__all__' in names and isinstance(node.value, (ast.List, ast.Tuple)):
                exported = True
                names |= {str(item.value) for item in node.value.elts if isinstance(item, ast.Constant)}
    return (
        None if names & {'*', '__getattr__'} and not exported else {name for name in names if not name.startswith('_')}
    )
