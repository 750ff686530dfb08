"""The command line: flags, commands, and the exit status of what it starts."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from Hyperparams.Checks import unknown_key
from Hyperparams.Compose import compose
from Hyperparams.Help import page
from Hyperparams.Nested import keys
from Hyperparams.Sweeps import run_hydra
from Hyperparams.Why import why
from Support.Classes import resolve
from Support.Errors import UserError, one_line

if TYPE_CHECKING:
    from omegaconf import DictConfig


def launch(main: Callable[[DictConfig], Any], argv: list[str] | None = None) -> int:
    """Composes the config of a command line and calls main(config). Returns the exit status.

    0: done; 2: a UserError, an OSError or too little memory, told in one sentence; 130: Ctrl-C; 143: SIGTERM.
    HYDRA_FULL_ERROR=1 shows the traceback.
    --help, --cfg job and -m (a sweep: main is called once per job) work as in Hydra.
    """
    argv = sys.argv[1:] if argv is None else argv
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # a user's own modules, also where Run.py lies elsewhere
    try:
        flags, words = parse(argv)
        command = next(
            (COMMANDS[name] for name in (word.partition('=')[0] for word in words) if name in COMMANDS), None
        )
        if flags.help:
            show(page())
        elif command:
            command(words, flags.config_dir)
        elif flags.hydra:
            return run_hydra(main, flags, words)
        elif flags.cfg:
            show(as_yaml(compose(words, flags.config_dir), flags))
        else:
            main(compose(words, flags.config_dir))
    except UserError as error:
        if os.environ.get('HYDRA_FULL_ERROR') == '1':
            raise
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        if os.environ.get('HYDRA_FULL_ERROR') == '1':
            raise
        print(f'{one_line(error)} (HYDRA_FULL_ERROR=1 shows where).', file=sys.stderr)
        return 2
    except (MemoryError, RuntimeError) as error:
        if os.environ.get('HYDRA_FULL_ERROR') == '1' or not re.search('(allocate|out of) memory', f'{error!r}', re.I):
            raise
        print(f'{one_line(error)[:200]}: give a smaller batch_size=, num_envs= or evaluate_envs=.', file=sys.stderr)
        return 2
    except KeyboardInterrupt as interrupt:
        return 128 + (interrupt.args or (2,))[0]
    return 0


def parse(argv: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """Splits a command line into flags and key=value words. flags.hydra: only Hydra's own main can serve them."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument('--help', '-h', action='store_true')
    parser.add_argument('--multirun', '-m', action='store_true')
    parser.add_argument('--cfg', '-c', choices=('job', 'hydra', 'all'))
    parser.add_argument('--resolve', action='store_true')
    parser.add_argument('--package', '-p')
    parser.add_argument('--config-dir', '-cd')
    parser.add_argument('--info', '-i', nargs='?', const='all')
    parser.add_argument('--hydra-help', action='store_true')
    parser.add_argument('--version', action='store_true')
    try:
        flags, rest = parser.parse_known_args(argv)
    except argparse.ArgumentError as error:
        raise UserError(f'{error}; see python Run.py --help') from error
    for word in rest:
        if word.startswith('-'):
            raise UserError(f"No flag '{word}': settings are key=value, see python Run.py --help")
    flags.hydra = flags.multirun or flags.cfg in ('hydra', 'all') or flags.info or flags.hydra_help or flags.version
    if flags.config_dir and not Path(flags.config_dir).is_dir():
        raise UserError(f"No folder '{flags.config_dir}': --config-dir=<folder with Agent/ or task/ files>.")
    return flags, rest


def replay_command(name: str, function: str, words: list[str], config_dir: str | None = None) -> None:
    """Calls function(path, to) for the words `<name>=<path> to=<path>`, beside which no other may stand."""
    given = {key: value for key, _, value in (word.partition('=') for word in words)}
    if set(given) - {name, 'to'} or not all(given.values()):
        raise UserError(f"{name}=<path> takes to=<path> alone, not '{' '.join(words)}'.")
    resolve(function)(given[name], given.get('to'))


def why_command(words: list[str], config_dir: str | None = None) -> None:
    """why=<key>: prints which files and words set a key, in a command line that holds the other words."""
    asked = next(word.partition('=')[2] for word in words if word.startswith('why='))
    show(why(asked, [word for word in words if not word.startswith('why=')], config_dir))


COMMANDS: dict[str, Callable[[list[str], str | None], None]] = {  # words that start something other than a run
    'inspect': partial(replay_command, 'inspect', 'Logging.Plots.InspectReplay.inspect'),
    'export': partial(replay_command, 'export', 'Datasets.Replay.ImportExport.export_replay'),
    'import': partial(replay_command, 'import', 'Datasets.Replay.ImportExport.import_replay'),
    'why': why_command,
}


def show(text: str) -> None:
    """Prints a page, also to a reader who leaves early (`| head`)."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python flushes again, and fails, at its end


def as_yaml(config: DictConfig, flags: argparse.Namespace) -> str:
    """Returns the composed config as YAML: --cfg job [--resolve] [--package agent]."""
    from omegaconf import OmegaConf

    if flags.package:
        known: Any = OmegaConf.to_container(config)
        if flags.package not in keys(known):
            raise unknown_key(flags.package, known)
        config = OmegaConf.select(config, flags.package)
    return OmegaConf.to_yaml(config, resolve=flags.resolve).rstrip()
