"""Opens the replay that the config asks for: a data set, saved replays, a new one, or that of the run being resumed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from Datasets.Images.Dataset import Dataset, resident
from Datasets.Images.ImageData import Images
from Datasets.Replay import ReplayFiles
from Datasets.Replay.Replay import Replay
from Datasets.Replay.Rollout import Rollout
from Datasets.Replay.SharedReplays import SharedReplays
from Support.Errors import UserError
from Support.Files import wait_for

if TYPE_CHECKING:
    from Datasets.Experience import Spec

UNSAVED = '_unsaved'  # suffix of replays that are deleted with their run, and not taken for saved ones


def open_replay(args: Any, spec: Spec, replays: Path, arena: Callable[[], Any], on_policy: bool = False,
                left: dict[str, Any] | None = None) -> Replay | SharedReplays | Dataset:  # fmt: skip
    """Returns the replay that the config asks for.

    Arguments:
        args: the config. spec: of the suite, with the `extras` of the agent.
        replays: path of this run's replays, to which each adds a date.
        arena: () -> the environments of evaluation, whose suite holds the data set.
        on_policy: whether the agent learns from its latest steps alone.
        left: the `state()` of this run's replay when it was saved; the run continues with that one if it still exists.

    Raises UserError if no such replay is saved, or not for these settings.
    """
    if spec.kind == 'classify' and args.offline:
        return open_dataset(args, spec, arena().suite.data.train, left)
    save, load, path = args.replay.save, args.replay.load, args.replay.path
    if on_policy and (load or path or args.offline):
        raise UserError(
            'This agent learns only from its latest steps, not from a saved replay: choose another, as Agent=DQN'
        )
    wanted: Any = (newest_replay(Path(path or replays)) or path) if path or load else None
    options = replay_options(args, on_policy)
    if args.offline:
        return open_shared(args, spec, replays, Path(wanted) if path else None, options, left or {})
    kind = Rollout if on_policy else Replay
    suffix = f'{collector_suffix(args.collector)}{"" if save else UNSAVED}'
    new = replays.with_name(f'{replays.name}_{datetime.now():%Y-%m-%d-%H-%M-%S-%f}{suffix}')
    if left and (own := own_replay(replays.parent, left, wanted, save)):
        replay = kind(spec, own, mode='r+' if save or own.name.endswith(UNSAVED) else 'c', **options)
        replay.restore(left)
        replay.ours = own.name.endswith(UNSAVED)  # so that it is deleted with its run
    elif wanted:
        replay = Replay(spec, wanted, mode='r+' if save else 'c', **options)
    elif load:
        raise UserError(f'No replay at {replays}_*: run with replay.save=true first, or give replay.path=<folder>')
    else:
        name_leftovers(replays.parents[2])
        refuse_twins(replays, args)
        return kind(spec, new, args.num_envs, **options)
    if replay.num_envs != args.num_envs:
        raise UserError(f'The replay at {replay.path} has other environments: num_envs={replay.num_envs}')
    if resized(args, replay):
        replay = kind(spec, new, args.num_envs, source=replay, **options)
    if not replay.resumed:
        replay.cut()
    return replay


def open_dataset(args: Any, spec: Spec, data: Images, left: dict[str, Any] | None) -> Dataset:
    """Returns a data set's training images as a replay."""
    if args.conditional and (data.label < 0).any():
        raise UserError('conditional=true needs the label of every image: leave Dataset.labelled= out.')
    options = {name: args.replay[name] for name in ('transform', 'mix', 'balanced')}
    if not (options['transform'] or options['mix']):  # these run on the CPU; `Aug=` runs on the device
        data = resident(data, torch.device(args.device))
    dataset = Dataset(data, args.batch_size, args.seed, **options, mean=spec.mean, classes=spec.num_actions)
    if left:
        dataset.restore(left)
    return dataset


def replay_options(args: Any, on_policy: bool) -> dict[str, Any]:
    """Returns the arguments of a replay, whichever one it is."""
    other = ('save', 'load', 'path', 'wait', 'transform', 'mix', 'balanced')
    options = {name: value for name, value in args.replay.items() if name not in other}
    short = on_policy and not args.replay.save
    steps = int(2 * args.learn_per_steps) if short else min(max(args.train_steps, 1), 1_000_000)
    slack = -(-args.save_per_steps // args.num_envs)
    return options | {'capacity': options['capacity'] or steps, 'frame_stack': args.frame_stack, 'seed': args.seed,
                      'slack': slack, 'device': torch.device(args.device)}  # fmt: skip


def resized(args: Any, replay: Replay) -> bool:
    """Returns whether the config asks for another capacity than a replay has."""
    return args.replay.capacity and replay.slots(args.replay.capacity, replay.num_envs) != replay.kept


def own_replay(folder: Path, left: dict[str, Any], wanted: Path | None, save: bool) -> Path | None:
    """Returns the replay of the run being resumed, or None; to `save` it, its `_unsaved` suffix is dropped.

    Raises UserError if another process still writes it.
    """
    if 'name' not in left:  # it learned from replays of other processes
        return None
    own = folder / left['name']
    if not (own / ReplayFiles.HEADER).is_file():
        own = own.with_name(own.name.removesuffix(UNSAVED))
    if not (own / ReplayFiles.HEADER).is_file() or (wanted and not own.samefile(wanted)):
        return None
    if ReplayFiles.in_use(own):
        raise UserError(f'Another process still writes {own}: stop it first, or give replay.path=')
    return own.rename(own.with_name(own.name.removesuffix(UNSAVED))) if save else own


def newest_replay(replays: Path) -> Path | None:
    """Returns the replay at a path, or the newest one with that name and a date, or None."""
    if (replays / ReplayFiles.HEADER).is_file():
        return replays
    return max(saved_replays(replays), default=None)


def saved_replays(replays: Path) -> list[Path]:
    """Returns the replays of that name, each with a date, by which they sort."""
    return [path.parent for path in replays.parent.glob(f'{replays.name}_[0-9]*[0-9]/{ReplayFiles.HEADER}')]


def open_shared(args: Any, spec: Spec, replays: Path, path: Path | None, options: dict[str, Any],
                left: dict[str, Any]) -> SharedReplays:  # fmt: skip
    """Returns saved replays to learn from without collecting: the one at `path`, or else the newest of this run, those
    that other processes are writing, and those that come later.
    """
    first = newest_replay(replays)

    def find() -> Iterable[Path]:
        return [each for each in sorted(saved_replays(replays)) if first is None or each >= first
                or each.name in left.get('names', ()) or ReplayFiles.in_use(each)]  # fmt: skip

    def read(place: Path) -> Replay:
        replay = Replay(spec, place, mode='r', **options)
        if resized(args, replay):
            raise UserError(f'offline=true reads the replay at {place} as it is: leave replay.capacity= out.')
        return replay

    shared = SharedReplays((lambda: [path]) if path else find, read, args.batch_size, args.seed)
    lack = f'The replay at {path or replays} holds too few steps to learn from'
    if not shared.parts:
        lack = f'No replay at {replays}_*: run with replay.save=true, or give replay.path=<folder>'
    wait_for(lambda: shared.ready, lack, args.replay.wait)
    shared.cursor = left.get('cursor', 0)
    return shared


def collector_suffix(collector: int) -> str:
    """Returns the suffix of the name of a collector's replay."""
    return f'_{collector}' if collector > 1 else ''


def refuse_twins(replays: Path, args: Any) -> None:
    """Raises UserError if a collector of the same number is at work: both would do the same."""
    twins = re.compile(rf'{re.escape(replays.name)}_[\d-]+{collector_suffix(args.collector)}')
    others = (each for each in saved_replays(replays) if twins.fullmatch(each.name))
    if args.load_per_steps and any(ReplayFiles.in_use(each) for each in others):
        raise UserError(f'Collector {args.collector} of this run is at work already: collector={args.collector + 1}')


def name_leftovers(experiment: Path) -> None:
    """Prints a line for each replay in an experiment's folder that a killed run could not delete."""
    for path in sorted(experiment.glob(f'*/*/*{UNSAVED}')):
        if not ReplayFiles.in_use(path):
            size = ReplayFiles.folder_bytes(path) / 1e6
            print(f'A killed run left {path} ({size:.1f} MB): delete it, or continue from it with replay.path=')
