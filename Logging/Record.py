"""The record of a run: all it takes to run it again (`Runs/Reproduce.py`), in a file beside its results.

A record, <task>_<seed>_Run.json, is a list of starts, the latest last: each load=true adds one.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shlex
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from Support.Errors import UserError
from Support.Files import PROJECT, atomic_write
from Support.Machine import usable_cores

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from Datasets.Replay.Replay import Replay

DIFF = 100_000  # characters of the uncommitted diff that are kept
LIBRARIES = ('torch', 'torchvision', 'numpy', 'hydra-core', 'omegaconf', 'gymnasium', 'ale-py', 'dm_control', 'mujoco',
             'safetensors', 'scikit-learn', 'timm')  # fmt: skip


class Record:
    """Writes the record of a start at `prefix`, and completes it at the end.

    Arguments:
        prefix: path of the run's files.
        args: the run's config, with device, threads and precision as chosen.
        began: time.monotonic() of the start.
        replay: what the agent learns from; a saved one is recorded by its path.

    Raises UserError if the disk is full, or another file lies there.
    """

    def __init__(self, prefix: Path, args: DictConfig, began: float, replay: Replay) -> None:
        from omegaconf import OmegaConf

        self.path, self.began = prefix.with_name(f'{prefix.name}_Run.json'), began
        added = args.load or args.evaluate_checkpoints
        earlier = read(self.path) if added and self.path.exists() else []
        config, source = OmegaConf.to_container(args), checkout()
        if args.replay.load or args.replay.path:  # the newest one may be another later
            config['replay']['path'] = str(getattr(replay, 'path', args.replay.path))
        self.start = {
            'description': args.description,
            'command': shlex.join(sys.orig_argv),
            'folder': os.getcwd(),
            'seed': args.seed,
            'started': (datetime.now() - timedelta(seconds=self.seconds)).isoformat(timespec='seconds'),
            'ended': None,  # this and the next two stay None if the run is killed
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
    def seconds(self) -> float:
        """Since the start."""
        return round(time.monotonic() - self.began, 3)

    def end(self, step: int) -> None:
        """Adds the wall time and the agent's last step."""
        ended = datetime.now().isoformat(timespec='seconds')
        self.start |= {'ended': ended, 'seconds': self.seconds, 'step': step}
        self.write()

    def write(self) -> None:
        atomic_write(self.path, json.dumps(self.starts, indent=1) + '\n')


def read(path: Path) -> list[dict[str, Any]]:
    """Returns the starts of a record. Raises UserError if the file is not a record."""
    try:
        starts = json.loads(path.read_text())
        whole = all({'step', 'git', 'versions', 'hardware', 'config'} <= start.keys() for start in starts)
        if isinstance(starts, list) and starts and whole and all(isinstance(start['config'], dict) for start in starts):
            return starts
    except (OSError, ValueError, TypeError, AttributeError):
        pass
    raise UserError(f'{path} is no record of a run: give a <task>_<seed>_Run.json, or move this one away')


def require_clean(args: DictConfig) -> None:
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


def checkout() -> dict[str, Any] | None:
    """Returns commit, changed (lines of `git status`) and diff of the program's own git checkout, None without one."""
    place = git('rev-parse', '--show-toplevel', 'HEAD')
    if place is None:
        return None
    top, commit = place.splitlines()
    if not os.path.samefile(top, PROJECT):
        return None  # installed inside another checkout
    changed = git('status', '--porcelain', '--untracked-files=normal')
    diff = git('diff', '--no-color', '--no-ext-diff', '--no-textconv', 'HEAD') if changed else ''
    if changed is None or diff is None:
        return None
    return {'commit': commit, 'changed': changed.splitlines(), 'diff': diff[:DIFF], 'diff_cut': len(diff) > DIFF}


def git(*words: str) -> str | None:
    """Runs a git command that changes nothing in the program's folder; returns its output, None if it fails."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith('GIT_')}
    command = ['git', '--no-optional-locks', '-c', 'core.fsmonitor=false', '-C', str(PROJECT), *words]
    try:
        done = subprocess.run(command, capture_output=True, check=True, timeout=10, env=environment)
    except (OSError, subprocess.SubprocessError):
        return None  # no git, no checkout, or no commit in it yet
    return done.stdout.decode(errors='replace')


def versions() -> dict[str, str]:
    """Returns the versions of Python and of the installed libraries."""
    found = {'python': platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def hardware(device: str) -> dict[str, Any]:
    """Returns system, CPU, number of cores, and the GPU if `device` is one."""
    import torch

    gpu = torch.cuda.get_device_name(device) if torch.device(device).type == 'cuda' else None
    return {'system': platform.platform(), 'cpu': processor(), 'cores': usable_cores(), 'gpu': gpu}


def processor() -> str:
    """Returns the CPU's model, which on Linux only /proc knows."""
    try:
        with open('/proc/cpuinfo') as file:
            return next(line.partition(':')[2].strip() for line in file if line.startswith('model name'))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
