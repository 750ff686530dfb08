"""What every part shares: errors that say what to type, classes by name, schedules, seeds, atomic files.

Importing this module costs milliseconds: torch, Hydra and omegaconf are imported where they are used.
"""

import difflib
import functools
import glob
import importlib
import itertools
import math
import os
import re
import shutil
import signal
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import NamedTuple

PROJECT = Path(__file__).resolve().parent


class UserError(Exception):
    """Something that the user can put right. Its message is one sentence that says what is wrong and what to type."""


def nearest(name, options):
    """The option that `name` most likely meant, whatever its case; None if none comes near."""
    name, options = str(name), [str(option) for option in options]
    found = difflib.get_close_matches(name.lower(), {option.lower() for option in options}, n=1)
    alike = [option for option in options if option.lower() in found]
    return difflib.get_close_matches(name, alike, n=1, cutoff=0.0)[0] if found else None


def hint(name, options):
    """' Nearest: pong.' to end an error's message with, or '' if nothing comes near."""
    near = nearest(name, options)
    return f' Nearest: {near}.' if near else ''


def one_line(error):
    """The message of an exception without line breaks; its type where it has no message."""
    return ' '.join(str(error).split()) or type(error).__name__


def resolve(path):
    """'torch.optim.AdamW' -> the object. A module that holds a class of its own name gives that class.

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


def _import(module, path):
    try:
        return importlib.import_module(module)
    except ImportError as error:
        if getattr(error, 'name', None) == module:
            raise UserError(f"No module '{module}' (given: {path}); it must be installed or lie here.") from error
        raise UserError(f'Cannot import {module} (given: {path}): {one_line(error)}.') from error


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
        raise UserError(f'{key}: {path} failed with {type(error).__name__}: {one_line(error)}') from error


def load(path, attr='', allowed=()):
    """A part of a saved agent as a block of another one, with its weights, which go on learning (Agents/Transfer.py).

    Eyes=Utils.load Eyes.path=Checkpoints/Exp/DQNAgent/classify/mnist_1 Eyes.attr=encoder.eyes
    allowed: modules of your own whose classes that agent consists of.
    """
    from Agents.Transfer import part

    return part(path, attr, allowed)


def allowed(path, targets=()):
    """Whether a config may name this class: a config from elsewhere must not run any code it likes."""
    package = str(path).split('.')[0]
    ours = (PROJECT / package).is_dir() or (PROJECT / f'{package}.py').is_file()
    return ours or package in ('torch', 'torchvision') or any(f'{path}.'.startswith(f'{name}.') for name in targets)


def check_arguments(target, arguments, key, path):
    """Raises UserError, with the nearest name, if the target does not take an argument of this name."""
    taken = argument_names(target)
    for name in arguments if taken else ():
        if name not in taken:
            raise UserError(f"{key}.{name}: {path} takes no '{name}'.{hint(name, taken)} All: {', '.join(taken)}")


def argument_names(target):
    """Names of what a class or function takes, `**kwargs` followed up the base classes; None if any name goes."""
    import inspect

    names = {}
    owners = target.__mro__ if inspect.isclass(target) else (target,)
    for owner in owners:
        if inspect.isclass(owner) and '__init__' not in vars(owner):
            continue
        try:
            parameters = inspect.signature(owner).parameters.values()
        except (TypeError, ValueError):
            return None
        names |= {p.name: None for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            return list(names)
    return None


class Schedule(NamedTuple):
    """`values` in turn, the `steps` from each to the next, and how: functions (start, end, share) -> value. Anew after
    each `period`."""

    values: tuple
    steps: tuple = ()
    blends: tuple = ()
    period: float = math.inf


FORMS = {
    'linear': 'start,end,steps',
    'step_linear': 'start,middle,steps,end,steps',
    'exponential': 'start,end,steps,limit=0',
    'cosine': 'start,end,steps,warmup=0',
    'one_cycle': 'peak,steps',
    'stairs': 'start,factor,steps,times',
    'cycle': 'period,schedule',
}


def straight(start, end, share):
    return (1.0 - share) * start + share * end


def wave(start, end, share):
    """Half a cosine: it begins and ends level (arXiv:1608.03983, eq. 5)."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


def hold(start, end, share):
    return start


def decay(limit):
    """The distance from the limit changes by the same factor at every step."""
    return lambda start, end, share: limit + (start - limit) * ((end - limit) / (start - limit)) ** share


@functools.lru_cache
def parse_schedule(value):
    """The Schedule that a number or a text describes. Raises UserError if it describes none."""
    call = re.fullmatch(r'\s*(\w+)\((.*)\)\s*', str(value))
    name, inside = call.groups() if call else ('', str(value))
    try:
        if name == 'cycle':
            period, _, inner = inside.partition(',')
            inner = parse_schedule(inner)
            if 0 < float(period) < inner.period == math.inf:
                return inner._replace(period=float(period))
        match name, [float(number) for number in inside.split(',')]:
            case _, numbers if not all(map(math.isfinite, numbers)):
                pass
            case '', [number]:
                return Schedule((number,))
            case 'linear', [start, end, steps]:
                return Schedule((start, end), (steps,), (straight,))
            case 'step_linear', [start, middle, steps, end, more]:
                return Schedule((start, middle, end), (steps, more), (straight, straight))
            case 'exponential', [start, end, steps] if start * end > 0:  # no factor leads through 0
                return Schedule((start, end), (steps,), (decay(0.0),))
            case 'exponential', [start, end, steps, limit] if (start - limit) * (end - limit) > 0:
                return Schedule((start, end), (steps,), (decay(limit),))
            case 'cosine', [start, end, steps]:
                return Schedule((start, end), (steps,), (wave,))
            case 'cosine', [start, end, steps, warmup] if warmup <= steps:
                return Schedule((0.0, start, end), (warmup, steps - warmup), (straight, wave))
            case 'one_cycle', [peak, steps]:  # arXiv:1708.07120, as torch.optim.lr_scheduler.OneCycleLR has it
                return Schedule((peak / 25, peak, peak / 25e4), (0.3 * steps, 0.7 * steps), (wave, wave))
            case 'stairs', [start, factor, steps, times] if times == int(times) >= 0:
                values = tuple(start * factor**i for i in range(int(times) + 1))
                return Schedule(values, (steps,) * int(times), (hold,) * int(times))
    except ValueError:
        pass  # no numbers
    raise UserError(
        f"'{value}' is no schedule: "
        + (f'{name}({FORMS[name]})' if name in FORMS else f'give a number, linear({FORMS["linear"]})')
        + f'; others: {", ".join(other for other in FORMS if other != name)}.'
    )


def schedule(value, step):
    """The value of a schedule at a step: of the agent, or of what else the schedule is said to be over.

    0.1
    linear(start,end,steps)
    step_linear(start,middle,steps,end,steps)  the second ramp after the first (github.com/facebookresearch/drqv2)
    exponential(start,end,steps,limit=0)  the distance from the limit changes by a factor (BBF, arXiv:2305.19452)
    cosine(start,end,steps,warmup=0)      in `steps` in all; linearly from 0 in the first `warmup` of them
    one_cycle(peak,steps)                 up from peak / 25 in 30 % of the steps, then down to a 10,000th of that
    stairs(start,factor,steps,times)      times the factor after each `steps`
    cycle(period,schedule)                anew after every `period` steps
    """
    if isinstance(value, (int, float)):
        return float(value)
    values, steps, blends, period = parse_schedule(value)
    step %= period
    for start, end, ramp, blend in zip(values, values[1:], steps, blends, strict=False):
        if step < ramp:
            return blend(start, end, step / ramp)
        step -= ramp
    return values[-1]


def extremes(value):
    """The least and the greatest value of a schedule."""
    values = parse_schedule(value).values  # between two of them it rises or falls throughout
    return min(values), max(values)


def seed_everything(seed):
    """Seeds Python, NumPy and torch on all devices. Generators of their own are seeded by their owners."""
    import random

    import numpy as np
    import torch

    random.seed(seed)
    # libraries draw from NumPy's global generator
    np.random.seed(seed % 2**32)  # noqa: NPY002
    torch.manual_seed(seed)


def chance():
    """The state of all that `seed_everything` seeds, as nested dicts of arrays and numbers."""
    import random

    import numpy as np
    import torch

    version, internal, gauss = random.getstate()
    return {
        'python': {'version': version, 'internal': np.array(internal), 'gauss': gauss},
        'numpy': np.random.get_state(legacy=False),  # noqa: NPY002
        'torch': torch.get_rng_state().numpy(),
        'cuda': [state.numpy() for state in torch.cuda.get_rng_state_all()] if torch.cuda.is_available() else [],
    }


def restore_chance(state):
    """What is drawn next is what was drawn after `chance()`."""
    import random

    import numpy as np
    import torch

    python = state['python']
    random.setstate((python['version'], tuple(python['internal'].tolist()), python['gauss']))
    np.random.set_state(state['numpy'])  # noqa: NPY002
    torch.set_rng_state(torch.as_tensor(state['torch']))
    if len(state['cuda']) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all([torch.as_tensor(each) for each in state['cuda']])


@contextmanager
def own_chance(seed):
    """What is drawn in the block is of its own seed, and leaves no trace outside."""
    state = chance()
    seed_everything(seed)
    try:
        yield
    finally:
        restore_chance(state)


def choose_algorithms(deterministic=False):
    """Whether torch computes the same bits at every run, on a GPU too; where it cannot, it warns. It may be slower.

    Process-wide: a sweep's next run chooses anew. To be called before the first work on a GPU.
    """
    import torch

    torch.backends.cudnn.deterministic = deterministic
    if deterministic:
        torch.backends.cudnn.benchmark = False
        os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')  # docs.nvidia.com/cuda/cublas, reproducibility
    if deterministic != torch.are_deterministic_algorithms_enabled():  # it imports what takes a while
        torch.use_deterministic_algorithms(deterministic, warn_only=True)


def choose_device(device=None, parallel=False):
    """torch.device: the one named, else cuda, else mps, else cpu. Raises UserError if it is not there."""
    import torch

    if parallel and torch.cuda.device_count() < 2:
        print('parallel=true changes nothing: fewer than two GPUs are visible')
    there = {'cuda': torch.cuda.is_available(), 'mps': torch.backends.mps.is_available(), 'cpu': True}
    if device is None:
        return torch.device(next(kind for kind, available in there.items() if available))
    try:
        chosen = torch.device(device)
    except RuntimeError:
        raise UserError(f"No device '{device}': device=cpu, device=cuda or device=cuda:1.") from None
    if not there.get(chosen.type, True) or (chosen.type == 'cuda' and (chosen.index or 0) >= torch.cuda.device_count()):
        raise UserError(f"Device '{device}' is not on this machine: device=cpu, or leave it out.")
    return chosen


def choose_precision(precision, device, images):
    """'fp32' or 'bf16': the one given; for 'auto' (or None) bf16 for images where the hardware computes in it.

    Small networks on states gain nothing from it. Raises UserError for anything else.
    """
    if precision in ('fp32', 'bf16'):
        return precision
    if precision not in ('auto', None):
        raise UserError(f"No precision '{precision}': precision=auto, precision=fp32 or precision=bf16.")
    return 'bf16' if images and computes_in_bf16(device) else 'fp32'


def computes_in_bf16(device):
    """Whether the hardware does: elsewhere bf16 is emulated, and slower than fp32."""
    import torch

    if device.type == 'cpu':
        return torch.cpu._is_avx512_bf16_supported()
    return device.type == 'cuda' and torch.cuda.is_bf16_supported(including_emulation=False)


def tune_processor():
    """Two settings that make updates up to twice as fast on CPU and change nothing else.

    Numbers below 1e-38 are zero (Adam's moments of idle units get there, and arithmetic on them is slow), and glibc
    keeps freed memory instead of giving it back, page by page, after each tensor (on Linux alone).
    """
    import ctypes

    import torch

    torch.set_flush_denormal(True)
    try:
        mallopt = ctypes.CDLL('libc.so.6').mallopt
    except OSError:
        return
    trim_threshold, top_pad, mmap_threshold = -1, -2, -3  # malloc.h
    for option, value in ((mmap_threshold, 32 << 20), (trim_threshold, 1 << 30), (top_pad, 64 << 20)):
        # 32 MB is the most that mmap_threshold takes
        mallopt(option, value)


def usable_cores():
    """Cores that this process may run on: hyperthreads count. A container's share of them is rounded up."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()  # absent on macOS
    try:
        quota, period = map(int, Path('/sys/fs/cgroup/cpu.max').read_text().split())  # 'max' where there is no limit
    except (OSError, ValueError):
        return cores
    return max(1, min(cores, math.ceil(quota / period)))


def physical_cores():
    """The same, but of hyperthreads that share a core only one; half of them where that cannot be told."""
    try:
        siblings = {
            Path(f'/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list').read_text()
            for core in os.sched_getaffinity(0)
        }
    except (AttributeError, OSError):  # on Linux alone
        return max(1, usable_cores() // 2)
    return min(len(siblings), usable_cores())


def choose_threads(threads=None, images=False):
    """Sets and returns torch's number of threads: the one given, else a core each to learn from images, else half of
    the usable cores.

    Convolutions take all the time there is; small networks are slower with more threads, and so is everything beside
    another busy process: threads that wait for each other spin. A rule and not a probe, because the number changes the
    last bit of results.
    """
    import torch

    torch.set_num_threads(int(threads or (physical_cores() if images else max(1, usable_cores() // 2))))
    return torch.get_num_threads()


@contextmanager
def atomic(path):
    """Gives a temporary path beside `path`, which takes its place once the block ends, on disk and whole.

    Whatever fails, the old file stays and the temporary one goes. Raises UserError for an OSError (a full disk).
    """
    path = Path(path)
    temporary = path.with_name(f'.{path.name}.{os.getpid()}.tmp')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in path.parent.glob(f'.{glob.escape(path.name)}.*.tmp'):
            if not lives(left.name.split('.')[-2]):  # it was killed in the middle
                left.unlink(missing_ok=True)
        yield temporary
        with open(temporary, 'rb+') as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        cause = error.strerror or one_line(error)
        raise UserError(f'Cannot write {path}: {cause}; make room there or give another folder with root=.') from error
    finally:
        if temporary.exists():
            temporary.unlink()


def lives(process):
    """Whether a process still runs, by its number; also where that cannot be told."""
    if os.name != 'posix' or not process.isdigit():
        return True
    try:
        os.kill(int(process), 0)  # no signal: only asks
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _sync_folder(folder):
    """Makes a rename in the folder outlive a power cut; where folders cannot be opened (Windows) it does already."""
    if hasattr(os, 'O_DIRECTORY'):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def atomic_write(path, data):
    """Writes bytes or text whole or not at all. Raises UserError as `atomic` does."""
    with atomic(path) as temporary:
        temporary.write_bytes(data.encode() if isinstance(data, str) else data)


def copy_file(path, copy):
    """A file once more, whole or not at all. Raises UserError as `atomic` does."""
    with atomic(copy) as temporary:
        shutil.copyfile(path, temporary)


def save_array(path, array):
    """A NumPy array as .npy, whole or not at all. Raises UserError as `atomic` does."""
    import numpy as np

    with atomic(path) as temporary, open(temporary, 'wb') as file:
        np.save(file, array, allow_pickle=False)


@contextmanager
def keep_earlier(*paths):
    """Frees these paths: what an earlier run left there gets a number, agent.safetensors -> agent.1.safetensors.

    If nothing new is there when the block fails, it gets its place back.
    """

    def numbered(n):
        return [path.with_name(f'{path.stem}.{n}{path.suffix}') for path in paths]

    new = next(names for names in map(numbered, itertools.count(1)) if not any(name.exists() for name in names))
    moved = [(path, name) for path, name in zip(paths, new, strict=True) if path.exists()]
    for path, name in moved:
        path.rename(name)
    try:
        yield
    except BaseException:
        for path, name in moved:
            if not path.exists():
                name.rename(path)
        raise
    for path, name in moved[:1]:
        print(f'An earlier run left {path}; it is kept as {name.name}')


def wait_for(ready, problem, seconds=20):
    """Waits until ready(), since another process may be at work on it. Raises UserError when the time is over."""
    end = time.monotonic() + seconds
    if seconds and not ready():
        print(f'{problem}; waiting {seconds} s for another process', flush=True)
    while not ready():
        if time.monotonic() > end:
            raise UserError(f'{problem}, and no other process changed that within {seconds} s.')
        time.sleep(0.05)


class Interrupts:
    """Ctrl-C and SIGTERM as KeyboardInterrupt(number of the signal); within `held()` it comes at the block's end.

    A second signal comes at once. Use as a context manager, in the main thread.
    """

    def __init__(self):
        self.holding, self.waiting = 0, None

    def __enter__(self):
        self.before = {number: signal.signal(number, self._receive) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_):
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _receive(self, number, frame):
        if self.holding and self.waiting is None:
            self.waiting = number
            print('\nStopping at the end of this step (again: at once)', file=sys.stderr)
        else:
            raise KeyboardInterrupt(number)

    @contextmanager
    def held(self):
        self.holding += 1
        try:
            yield
        finally:
            self.holding -= 1
            if self.waiting is not None and not self.holding:
                number, self.waiting = self.waiting, None
                raise KeyboardInterrupt(number)
