"""Sweeps (-m) and Hydra's own pages: one command line, run by Hydra's main."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from Hyperparams.Checks import check
from Hyperparams.Complete import complete
from Hyperparams.Compose import compose, hydra_words, version_base
from Hyperparams.Options import FOLDER
from Support.Errors import UserError
from Support.Files import PROJECT

if TYPE_CHECKING:
    from argparse import Namespace

    from omegaconf import DictConfig


def run_hydra(main: Callable[[DictConfig], Any], flags: Namespace, words: list[str]) -> int:
    """Runs a sweep or a page of Hydra's; checks every value first. Returns the exit status.

    Launchers run jobs in processes of their own, which find this program by PYTHONPATH.
    """
    import hydra
    from hydra.errors import CompactHydraException

    for line in singles(words) if flags.multirun else [words]:
        compose(line, flags.config_dir)
    pages = {'--multirun': flags.multirun, '--hydra-help': flags.hydra_help, '--version': flags.version}
    argv = [flag for flag, given in pages.items() if given]
    for flag in ('cfg', 'info', 'package'):
        if getattr(flags, flag):
            argv += [f'--{flag}', getattr(flags, flag)]

    own_process = os.getpid()

    def job(config: DictConfig) -> Any:
        try:
            complete(config)
            check(config)
            return main(config)
        except UserError as error:
            if os.environ.get('HYDRA_FULL_ERROR') == '1':
                raise
            if os.getpid() != own_process:  # Hydra carries the error back and prints its sentence
                raise CompactHydraException(str(error)) from None
            print(error, file=sys.stderr)
            raise SystemExit(2) from error

    before = sys.argv, os.environ.get('PYTHONPATH')
    sys.argv = [sys.argv[0], *argv, *hydra_words(words, flags.config_dir)]
    os.environ['PYTHONPATH'] = os.pathsep.join(filter(None, [str(PROJECT), before[1]]))
    try:
        hydra.main(config_path=str(FOLDER), config_name='args', **version_base())(job)()
    except SystemExit as stop:
        return 2 if isinstance(stop.__context__, CompactHydraException) else stop.code  # type: ignore[return-value]
    finally:
        sys.argv = before[0]
        if before[1] is None:
            del os.environ['PYTHONPATH']
        else:
            os.environ['PYTHONPATH'] = before[1]
    return 0


def singles(words: list[str]) -> Iterator[list[str]]:
    """Yields command lines without sweep that together hold each value of a sweep at least once.

    Skips values that only Hydra can expand (range, glob, choice, interval).
    """
    values = {}
    for word in words:
        key, _, value = word.partition('=')
        if re.search(r'\b(range|glob|choice|interval|shuffle|sort|tag)\(', value):
            continue
        values[key] = split(value)
    first = {key: several[0] for key, several in values.items()}
    yield [f'{key}={value}' for key, value in first.items()]
    for key, several in values.items():
        for value in several[1:]:
            yield [f'{name}={single}' for name, single in {**first, key: value}.items()]


def split(value: str) -> list[str]:
    """Splits 'a,b' into ['a', 'b'], but not at commas within brackets, braces and quotes."""
    parts, depth, quote = [''], 0, ''
    for letter in value:
        if quote:
            quote = '' if letter == quote else quote
        elif letter in '\'"':
            quote = letter
        else:
            depth += (letter in '[{(') - (letter in ']})')
        if letter == ',' and not depth and not quote:
            parts.append('')
        else:
            parts[-1] += letter
    return parts
