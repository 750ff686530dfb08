"""Objects from the configs that describe them."""

import functools
import re
from types import SimpleNamespace

from Support.Classes import allowed, argument_names, resolve
from Support.Errors import UserError, hint, one_line


def instantiate(config, **arguments):
    """Builds the object that a config describes, by Hydra's keys: `_target_`, `_args_` and `_partial_`, at any depth.

    config: DictConfig or dict. `arguments` are handed to the outermost target as they are and win over the config's.
    `_target_: null` gives None: the caller chooses.
    Hydra's own instantiate is not used because 1.3 turns tuples among the arguments into lists and hides the true
    error, and 1.4 behaves otherwise. Targets lie in this project, torch, torchvision or what `targets=` names.
    Raises UserError naming the config key, the target, the cause and near names.
    """
    from omegaconf import DictConfig, OmegaConf
    from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

    if not isinstance(config, DictConfig):
        config = OmegaConf.create(config)
    key = config._get_full_key(None) or 'config'
    try:
        node = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
        targets = OmegaConf.select(config._get_root(), 'targets') or ()
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


def scalars(config):
    """The keys of a config that hold numbers, text or None, for a loop to ask: OmegaConf looks each up anew."""
    from omegaconf import OmegaConf

    return SimpleNamespace(**{name: config[name] for name in config if not OmegaConf.is_config(config[name])})


def _build(node, key, targets, arguments=None):
    """Builds a plain config, its parts first. arguments: finished objects that win over the config's of that name."""
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


def check_arguments(target, arguments, key, path):
    """Raises UserError, with the nearest name, if the target does not take an argument of this name."""
    taken = argument_names(target)
    for name in arguments if taken else ():
        if name not in taken:
            raise UserError(f"{key}.{name}: {path} takes no '{name}'.{hint(name, taken)} All: {', '.join(taken)}")
