"""Fills in a composed config what follows from its other keys, before it is checked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from Hyperparams.Keys import Key, agent_defaults, example, expected, facts
from Hyperparams.Nested import keys, lookup, to_plain
from Support.Errors import UserError

if TYPE_CHECKING:
    from omegaconf import DictConfig


def complete(config: DictConfig) -> None:
    """Writes into the config: steps for shares of the run, what evaluation alone implies, `1e5` as whole number.

    Raises UserError if a key without default was not given, or an interpolation leads nowhere.
    """
    require_given(config)
    resolve_shares(config)
    resolve_evaluation(config)
    convert(config)


def fill_in(saved: DictConfig) -> DictConfig:
    """Returns a saved config with the defaults of the keys that it lacks, since they are newer than its file."""
    from omegaconf import OmegaConf

    return OmegaConf.merge(agent_defaults(saved.agent._target_), saved)  # type: ignore[return-value]


def require_given(config: DictConfig) -> None:
    """Raises UserError for a key that still is `???`."""
    from omegaconf import OmegaConf

    raw: dict[str, Any] = OmegaConf.to_container(config)  # type: ignore[assignment]
    for key in keys(raw):
        if lookup(raw, key) == '???':
            raise UserError(f'{key} must be given: {key}={example(key, str(raw["suite_name"]))}')


def resolve_shares(config: DictConfig) -> None:
    """Replaces steps of a schedule that are a share of the run, `cosine(1e-3,0,100%)`, by so many of train_steps."""
    from omegaconf import OmegaConf

    def steps(match: re.Match[str]) -> str:
        return f'{float(match[1]) / 100 * config.train_steps:g}'

    raw: dict[str, Any] = OmegaConf.to_container(config)  # type: ignore[assignment]
    for key, fact in facts(str(raw['agent'].get('_target_'))).items():
        value = lookup(raw, key, None)
        if fact.schedule and isinstance(value, str) and '${' not in value and '%' in value:
            OmegaConf.update(config, key, re.sub(r'([\d.]+)\s*%', steps, value))


def resolve_evaluation(config: DictConfig) -> None:
    """evaluate_checkpoints=true and record=true evaluate without training; checkpoint= implies load=true."""
    if config.evaluate_checkpoints or config.record:
        config.train_steps, config.video = 0, config.record
        config.load = not config.evaluate_checkpoints
    if config.checkpoint is not None:
        config.load = True


def convert(config: DictConfig) -> None:
    """Turns floats into whole numbers where the default is one (`train_steps=1e5`), and numbers into names
    (`experiment=1`)."""
    from omegaconf import OmegaConf

    plain = to_plain(config)
    agent = str(plain['agent'].get('_target_'))
    known, wanted = facts(agent), expected(agent)
    for key in keys(wanted):
        value, default = lookup(plain, key, None), lookup(wanted, key)
        fact = known.get(key) or Key(key, '')
        kind = fact.kind or type(default)
        if kind is int and isinstance(value, float) and value.is_integer():
            OmegaConf.update(config, key, int(value))
        elif kind is str and isinstance(value, (str, int, float)) and not fact.schedule:
            OmegaConf.update(config, key, str(value))
