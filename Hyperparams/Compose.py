"""From the words of a command line to one config: rewritten, composed by Hydra, completed and checked."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from Hyperparams.Checks import check, unknown_key
from Hyperparams.Complete import complete
from Hyperparams.Nested import keys
from Hyperparams.Options import FOLDER
from Hyperparams.Shorthands import GROUPS, rewrite
from Support.Classes import allowed
from Support.Errors import UserError

if TYPE_CHECKING:
    from omegaconf import DictConfig


def compose(words: list[str], config_dir: str | Path | None = None) -> DictConfig:
    """Returns the config of a command line, completed and checked. Raises UserError for any mistake in the words.

    config_dir: folder of the user's own option files (--config-dir).
    """
    config = compose_only(hydra_words(words, config_dir))
    complete(config)
    check(config)
    return config


def folders(config_dir: str | Path | None = None) -> tuple[Path, ...]:
    """Returns the folders of option files: this one and the user's own."""
    return (FOLDER, Path(config_dir).resolve()) if config_dir else (FOLDER,)


def hydra_words(words: list[str], config_dir: str | Path | None = None) -> list[str]:
    """Rewrites words as typed into words for Hydra, with the user's folder and classes made known."""
    out = rewrite(words, folders(config_dir))
    if config_dir:
        out.append(f'hydra.searchpath=[file://{Path(config_dir).resolve()}]')
    named = {name for word in out for name in re.findall(r'[=,](\w+)\.', word) if '_target_=' in word}
    own = sorted(name for name in named if not allowed(name))
    if own and not any(word.startswith('targets=') for word in out):
        out.append(f'++targets=[{",".join(own)}]')  # whoever types the command may name any class
    return out


def version_base() -> dict[str, Any]:
    """Returns the argument that keeps Hydra quiet: 1.3 warns if version_base is left out, 1.4 if it is passed."""
    import hydra

    return {'version_base': None} if tuple(map(int, hydra.__version__.split('.')[:2])) < (1, 4) else {}


def compose_only(words: list[str]) -> DictConfig:
    """Returns the config of words for Hydra, neither completed nor checked. Raises UserError."""
    import hydra
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    failures = (HydraException, OmegaConfBaseException, YAMLError, ValueError)
    with hydra.initialize_config_dir(str(FOLDER), job_name='Run', **version_base()):
        try:
            return hydra.compose('args', words)
        except failures as error:
            raise explain(error, words, failures) from error


def explain(error: Exception, words: list[str], failures: tuple[type[Exception], ...]) -> UserError:
    """Returns the sentence for a composition that failed: which word is wrong, and what would be right."""
    import hydra
    from hydra.errors import OverrideParseException
    from omegaconf import OmegaConf

    if isinstance(error, OverrideParseException):
        return UserError(f"Cannot read '{error.override}': quote values with spaces, braces or $ as 'key=\"value\"'.")
    settings = [word.partition('=')[::2] for word in words if word[0] not in '+~' and not word.startswith('hydra')]
    for key, value in settings:
        if ',' in value and value[:1] not in '{[("\'':
            return UserError(f"'{key}={value}' names several values: add -m to run each, or quote it.")
    groups = [word for word in words if word.partition('=')[0] in GROUPS or word.startswith('hydra')]
    try:
        known: Any = OmegaConf.to_container(hydra.compose('args', groups))
    except failures as deeper:  # the option files themselves are at fault
        return UserError(f'{first_line(str(deeper))}.')
    for key, _ in settings:
        if key not in GROUPS and key not in keys(known):
            return unknown_key(key, known)
    return UserError(f'{first_line(str(error))}.')


def first_line(message: str) -> str:
    """Returns the first line of a Hydra message, without the advice that follows."""
    return re.sub(r'\s+', ' ', message.strip().splitlines()[0]).rstrip('.')
