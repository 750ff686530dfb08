"""What an agent learns from: a data set, saved replays, a new one, or that of the run which is gone on with."""

import re
from datetime import datetime
from pathlib import Path

import torch

from Datasets.Images.Dataset import Dataset, resident
from Datasets.Replay import ReplayFiles
from Datasets.Replay.Replay import Replay
from Datasets.Replay.Rollout import Rollout
from Datasets.Replay.SharedReplays import SharedReplays
from Support.Errors import UserError
from Support.Files import wait_for

UNSAVED = '_unsaved'  # ends the name of a replay that goes with its run: it is not taken for a saved one


def remember(args, spec, replays, arena, on_policy=False, left=None):
    """The memory that the config asks for.

    replays: path at which this run's replays lie, each with a date behind its name. arena(): the environments of
    evaluation, whose suite holds the data set. on_policy: the agent learns from its last steps alone. left: the
    `state()` of this run's memory when it was saved; if its replay is still there, the run goes on with it.
    Raises UserError if no such replay is saved, or not for these settings.
    """
    if spec.kind == 'classify' and args.offline:
        return images(args, spec, arena().suite.data.train, left)
    save, load, path = args.replay.save, args.replay.load, args.replay.path
    if on_policy and (load or path or args.offline):
        raise UserError('This agent learns only from what it just did, not from a replay: choose another, as Agent=DQN')
    wanted = (newest(Path(path or replays)) or path) if path or load else None
    options = reading(args, on_policy)
    if args.offline:
        return follow(args, spec, replays, path and Path(wanted), options, left or {})
    kind = Rollout if on_policy else Replay
    name = f'{replays.name}_{datetime.now():%Y-%m-%d-%H-%M-%S-%f}{number(args.collector)}{"" if save else UNSAVED}'
    new = replays.with_name(name)
    if left and (own := own_replay(replays.parent, left, wanted, save)):
        replay = kind(spec, own, mode='r+' if save or own.name.endswith(UNSAVED) else 'c', **options)
        replay.restore(left)
        replay.ours = own.name.endswith(UNSAVED)  # what its run made goes with it
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


def images(args, spec, data, left):
    """A data set."""
    if args.conditional and (data.label < 0).any():
        raise UserError('conditional=true needs the label of every image: leave Dataset.labelled= out.')
    options = {name: args.replay[name] for name in ('transform', 'mix', 'balanced')}
    if not (options['transform'] or options['mix']):  # which the processor does; `Aug=` is done on the device
        data = resident(data, torch.device(args.device))
    memory = Dataset(data, args.batch_size, args.seed, **options, mean=spec.mean, classes=spec.num_actions)
    if left:
        memory.restore(left)
    return memory


def reading(args, on_policy):
    """The arguments of a replay that are no matter of which one it is."""
    other = ('save', 'load', 'path', 'wait', 'transform', 'mix', 'balanced')
    options = {name: value for name, value in args.replay.items() if name not in other}
    short = on_policy and not args.replay.save
    steps = int(2 * args.learn_per_steps) if short else min(max(args.train_steps, 1), 1_000_000)
    slack = -(-args.save_per_steps // args.num_envs)
    return options | {'capacity': options['capacity'] or steps, 'frame_stack': args.frame_stack, 'seed': args.seed,
                      'slack': slack, 'device': torch.device(args.device)}  # fmt: skip


def resized(args, replay):
    """Whether another size is asked for than a replay has."""
    return args.replay.capacity and replay.slots(args.replay.capacity, replay.num_envs) != replay.kept


def own_replay(folder, left, wanted, save):
    """The replay that a run left, where it goes on with that one; to be saved, it gets a name that says so."""
    if 'name' not in left:  # it learned from others' replays
        return None
    own = folder / left['name']
    if not (own / ReplayFiles.HEADER).is_file():
        own = own.with_name(own.name.removesuffix(UNSAVED))
    if not (own / ReplayFiles.HEADER).is_file() or (wanted and not own.samefile(wanted)):
        return None
    if ReplayFiles.in_use(own):
        raise UserError(f'Another process still writes {own}: stop it first, or give replay.path=')
    return own.rename(own.with_name(own.name.removesuffix(UNSAVED))) if save else own


def newest(replays):
    """The replay at a path, or the newest of those with that name and a date behind it; None if there is none."""
    if (replays / ReplayFiles.HEADER).is_file():
        return replays
    return max(saved(replays), default=None)


def saved(replays):
    """The replays of that name, each with a date behind it, which sorts them."""
    return [path.parent for path in replays.parent.glob(f'{replays.name}_[0-9]*[0-9]/{ReplayFiles.HEADER}')]


def follow(args, spec, replays, path, options, left):
    """Saved replays, to learn from alone: that at `path`; else the newest of this run with all that other processes are
    writing, and those that come later."""
    first = newest(replays)

    def find():
        return [each for each in sorted(saved(replays)) if first is None or each >= first
                or each.name in left.get('names', ()) or ReplayFiles.in_use(each)]  # fmt: skip

    def read(place):
        replay = Replay(spec, place, mode='r', **options)
        if resized(args, replay):
            raise UserError(f'offline=true reads the replay at {place} as it is: leave replay.capacity= out.')
        return replay

    memory = SharedReplays((lambda: [path]) if path else find, read, args.batch_size, args.seed)
    lack = f'The replay at {path or replays} holds too few steps to learn from'
    if not memory.parts:
        lack = f'No replay at {replays}_*: run with replay.save=true, or give replay.path=<folder>'
    wait_for(lambda: memory.ready, lack, args.replay.wait)
    memory.cursor = left.get('cursor', 0)
    return memory


def number(collector):
    """What ends the name of a collector's replay."""
    return f'_{collector}' if collector > 1 else ''


def refuse_twins(replays, args):
    """Raises UserError if a collector of the same number is at work: both would do the same."""
    twins = re.compile(rf'{re.escape(replays.name)}_[\d-]+{number(args.collector)}')
    if args.load_per_steps and any(twins.fullmatch(each.name) and ReplayFiles.in_use(each) for each in saved(replays)):
        raise UserError(f'Collector {args.collector} of this run is at work already: collector={args.collector + 1}')


def name_leftovers(experiment):
    """A line for each replay in an experiment's folder that a killed run could not delete. They are not ours to."""
    for path in sorted(experiment.glob(f'*/*/*{UNSAVED}')):
        if not ReplayFiles.in_use(path):
            size = ReplayFiles.folder_bytes(path) / 1e6
            print(f'A killed run left {path} ({size:.1f} MB): delete it, or go on with replay.path=')
