"""What it takes to run again: the record that each run leaves beside its results. Reproduce.py runs one again.

A record, <task>_<seed>_Run.json, is a list of starts, the latest last: load=true adds one to those before.
"""

import importlib.metadata
import json
import os
import platform
import shlex
import subprocess
import sys
import time
from datetime import datetime, timedelta

from Support.Errors import UserError
from Support.Files import PROJECT, atomic_write
from Support.Machine import usable_cores

DIFF = 100_000  # characters of the uncommitted diff; what is beyond is cut
LIBRARIES = ('torch', 'torchvision', 'numpy', 'hydra-core', 'omegaconf', 'gymnasium', 'ale-py', 'dm_control', 'mujoco',
             'safetensors', 'scikit-learn', 'timm')  # fmt: skip


class Record:
    """Writes the record of a start under `prefix`, and at the end how far it came.

    args: the run's config, with device, threads and precision as chosen. began: time.monotonic() of its start. replay:
    what it learns from, of which a saved one is recorded by its path.
    Raises UserError if the disk is full, or what lies there is no record.
    """

    def __init__(self, prefix, args, began, replay):
        from omegaconf import OmegaConf

        self.path, self.began = prefix.with_name(f'{prefix.name}_Run.json'), began
        added = args.load or args.evaluate_checkpoints
        earlier = read(self.path) if added and self.path.exists() else []
        config, source = OmegaConf.to_container(args), checkout()
        if args.replay.load or args.replay.path:  # the newest one may be another by then
            config['replay']['path'] = str(getattr(replay, 'path', args.replay.path))
        self.start = {
            'description': args.description,
            'command': shlex.join(sys.orig_argv),
            'folder': os.getcwd(),
            'seed': args.seed,
            'started': (datetime.now() - timedelta(seconds=self.seconds)).isoformat(timespec='seconds'),
            'ended': None,  # and the next two: killed before the end
            'seconds': None,
            'step': None,
            'reproducible': bool(args.reproducible and source and not source['changed']),
            'git': source,
            'versions': versions(),
            'hardware': hardware(args.device),
            'config': config,
        }
        self.starts = [*earlier, self.start]
        self.write()

    @property
    def seconds(self):
        return round(time.monotonic() - self.began, 3)

    def end(self, step):
        """Adds wall time and the step that the agent has come to."""
        ended = datetime.now().isoformat(timespec='seconds')
        self.start |= {'ended': ended, 'seconds': self.seconds, 'step': step}
        self.write()

    def write(self):
        atomic_write(self.path, json.dumps(self.starts, indent=1) + '\n')


def read(path):
    """The starts of a record. Raises UserError if it is none."""
    try:
        starts = json.loads(path.read_text())
        whole = all({'step', 'git', 'versions', 'hardware', 'config'} <= start.keys() for start in starts)
        if isinstance(starts, list) and starts and whole and all(isinstance(start['config'], dict) for start in starts):
            return starts
    except (OSError, ValueError, TypeError, AttributeError):
        pass  # told below
    raise UserError(f'{path} is no record of a run: give a <task>_<seed>_Run.json, or move this one away')


def require_clean(args):
    """Raises UserError if the program differs from its last commit, unless allow_dirty=true."""
    source = checkout()
    if source is None and not args.allow_dirty:
        raise UserError(f'reproducible=true: {PROJECT} is no git checkout; add allow_dirty=true to run all the same')
    if source and source['changed'] and not args.allow_dirty:
        first, *others = source['changed']
        more = f' and {len(others)} more' if others else ''
        raise UserError(
            f'reproducible=true: not committed in {PROJECT}: {first.strip()}{more}; commit, or add allow_dirty=true'
        )


def checkout():
    """The program's own git checkout: commit, changed (lines of `git status`), diff. None if it lies in none."""
    place = git('rev-parse', '--show-toplevel', 'HEAD')
    if place is None:
        return None
    top, commit = place.splitlines()
    if not os.path.samefile(top, PROJECT):
        return None  # installed within someone's checkout
    changed = git('status', '--porcelain', '--untracked-files=normal')
    diff = git('diff', '--no-color', '--no-ext-diff', '--no-textconv', 'HEAD') if changed else ''
    if changed is None or diff is None:
        return None
    return {'commit': commit, 'changed': changed.splitlines(), 'diff': diff[:DIFF], 'diff_cut': len(diff) > DIFF}


def git(*words):
    """What git says in the program's folder, without touching anything there; None if it does not answer."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith('GIT_')}
    command = ['git', '--no-optional-locks', '-c', 'core.fsmonitor=false', '-C', str(PROJECT), *words]
    try:
        done = subprocess.run(command, capture_output=True, check=True, timeout=10, env=environment)
    except (OSError, subprocess.SubprocessError):
        return None  # no git, no checkout, or no commit in it yet
    return done.stdout.decode(errors='replace')


def versions():
    """Of Python and the libraries that are installed."""
    found = {'python': platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def hardware(device):
    """What computes: system, CPU and cores, and the GPU that the run is on."""
    import torch

    gpu = torch.cuda.get_device_name(device) if torch.device(device).type == 'cuda' else None
    return {'system': platform.platform(), 'cpu': processor(), 'cores': usable_cores(), 'gpu': gpu}


def processor():
    """The CPU's model: Linux tells it in /proc alone."""
    try:
        with open('/proc/cpuinfo') as file:
            return next(line.partition(':')[2].strip() for line in file if line.startswith('model name'))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
