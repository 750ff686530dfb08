"""From the command line to one config: rewrite the words, let Hydra compose, check, and hand it to the program."""

import argparse
import os
import re
import sys
from pathlib import Path

from Hyperparams.Checks import check, first_line, keys, unknown_key
from Hyperparams.Options import FOLDER
from Hyperparams.Shorthands import GROUPS, rewrite
from Support.Classes import allowed, resolve
from Support.Errors import UserError, one_line
from Support.Files import PROJECT

COMMANDS = {  # words that stand for something else than a run -> what does it
    'inspect': 'Logging.Plots.InspectReplay.inspect',
    'export': 'Datasets.Replay.ImportExport.write',
    'import': 'Datasets.Replay.ImportExport.read',
}


def launch(main, argv=None):
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
        if flags.help:
            from Hyperparams.Help import page

            show(page())
        elif any(word.partition('=')[0] in COMMANDS for word in words):
            command(words)
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


def parse(argv):
    """Command line -> (flags, key=value words). flags.hydra: only Hydra's own main can serve them."""
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


def command(words):
    """inspect=<replay>, export=<replay> to=<file>, import=<file> to=<replay>: no run, so no other key."""
    given = dict(word.partition('=')[::2] for word in words)
    name = next(name for name in given if name in COMMANDS)
    other = [key for key in given if key not in (name, 'to')]
    if other or not all(given.values()):
        raise UserError(f"{name}=<path> takes to=<path> alone, not '{' '.join(words)}'.")
    resolve(COMMANDS[name])(given[name], given.get('to'))


def folders(config_dir=None):
    """Where option files lie: this folder and the user's own (--config-dir)."""
    return (FOLDER, Path(config_dir).resolve()) if config_dir else (FOLDER,)


def hydra_words(words, config_dir=None):
    """Words as typed -> words for Hydra: shorthands rewritten, own folder and own classes made known."""
    out = rewrite(words, folders(config_dir))
    if config_dir:
        out.append(f'hydra.searchpath=[file://{Path(config_dir).resolve()}]')
    named = {name for word in out for name in re.findall(r'[=,](\w+)\.', word) if '_target_=' in word}
    own = sorted(name for name in named if not allowed(name))
    if own and not any(word.startswith('targets=') for word in out):
        out.append(f'++targets=[{",".join(own)}]')  # whoever types the command may name any class
    return out


def version_base():
    """Hydra 1.3 warns if version_base is left out, 1.4 if it is passed."""
    import hydra

    return {'version_base': None} if tuple(map(int, hydra.__version__.split('.')[:2])) < (1, 4) else {}


def compose(words, config_dir=None):
    """Words of the command line -> DictConfig, composed and checked. Raises UserError for any mistake in them."""
    config = compose_only(hydra_words(words, config_dir))
    check(config)
    return config


def compose_only(words):
    """Words for Hydra -> DictConfig, unchecked. Raises UserError."""
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


def explain(error, words, failures):
    """The sentence for a composition that failed: which word is it, and what would be right?"""
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
        known = OmegaConf.to_container(hydra.compose('args', groups))
    except failures as deeper:  # the option files themselves are at fault
        return UserError(f'{first_line(str(deeper))}.')
    for key, _ in settings:
        if key not in GROUPS and key not in keys(known):
            return unknown_key(key, known)
    return UserError(f'{first_line(str(error))}.')


def show(text):
    """Prints a page, also to a reader who leaves early (`| head`)."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that Python does not try again at its end


def as_yaml(config, flags):
    """--cfg job [--resolve] [--package agent]: the composed config as YAML."""
    from omegaconf import OmegaConf

    if flags.package:
        known = OmegaConf.to_container(config)
        if flags.package not in keys(known):
            raise unknown_key(flags.package, known)
        config = OmegaConf.select(config, flags.package)
    return OmegaConf.to_yaml(config, resolve=flags.resolve).rstrip()


def run_hydra(main, flags, words):
    """Sweeps and Hydra's own pages through Hydra's main; every value is checked before. Returns the exit status.

    Launchers run jobs in processes of their own, which find this program by PYTHONPATH.
    """
    import hydra
    from hydra.errors import CompactHydraException

    for job in singles(words) if flags.multirun else [words]:
        compose(job, flags.config_dir)
    pages = {'--multirun': flags.multirun, '--hydra-help': flags.hydra_help, '--version': flags.version}
    argv = [flag for flag, given in pages.items() if given]
    for flag in ('cfg', 'info', 'package'):
        if getattr(flags, flag):
            argv += [f'--{flag}', getattr(flags, flag)]

    own_process = os.getpid()

    def job(config):
        try:
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
        return 2 if isinstance(stop.__context__, CompactHydraException) else stop.code
    finally:
        sys.argv = before[0]
        if before[1] is None:
            del os.environ['PYTHONPATH']
        else:
            os.environ['PYTHONPATH'] = before[1]
    return 0


def singles(words):
    """The words of a sweep -> command lines without one that hold each of its values at least once.

    What only Hydra can unfold (range, glob, choice, interval) is left out.
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


def split(value):
    """'a,b' -> ['a', 'b']; commas within brackets, braces and quotes do not part."""
    parts, depth, quote = [''], 0, None
    for letter in value:
        if quote:
            quote = None if letter == quote else quote
        elif letter in '\'"':
            quote = letter
        else:
            depth += (letter in '[{(') - (letter in ']})')
        if letter == ',' and not depth and not quote:
            parts.append('')
        else:
            parts[-1] += letter
    return parts
