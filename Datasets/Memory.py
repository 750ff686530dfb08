"""What an agent learns from: a data set, a saved replay, or a new one."""

from datetime import datetime

from Datasets import Rings
from Datasets.Dataset import Dataset
from Datasets.Replay import Replay
from Datasets.Rollout import Rollout
from Utils import UserError, wait_for

UNSAVED = '_unsaved'  # ends the name of a replay that goes with its run: it is not taken for a saved one


def remember(args, spec, replays, arena, on_policy=False, left=None):
    """The memory that the config asks for.

    replays: path at which this run's replays lie, each with a date behind its name. arena(): the environments of
    evaluation, whose suite holds the data set. on_policy: the agent learns from its last steps alone. left: the
    `state()` of this run's memory when it was saved; if its replay is still there, the run goes on with it.
    Raises UserError if no such replay is saved, or not for these settings.
    """
    options = dict(args.replay)
    save, load, path = (options.pop(key) for key in ('save', 'load', 'path'))
    of_images = {name: options.pop(name) for name in ('transform', 'mix', 'balanced')}
    if spec.kind == 'classify' and args.offline:
        images = arena().suite.data.train
        if args.conditional and (images.label < 0).any():
            raise UserError('conditional=true needs the label of every image: leave Dataset.labelled= out.')
        memory = Dataset(images, args.batch_size, args.seed, **of_images, mean=spec.mean, classes=spec.num_actions)
        if left:
            memory.restore(left)
        return memory
    if on_policy and (load or path or args.offline):
        raise UserError('This agent learns only from what it just did, not from a replay: choose another, as Agent=DQN')
    kind, all_steps = Rollout if on_policy else Replay, min(max(args.train_steps, 1), 1_000_000)
    options['capacity'] = options['capacity'] or (
        int(2 * args.learn_per_steps) if on_policy and not save else all_steps
    )
    options |= {'frame_stack': args.frame_stack, 'seed': args.seed, 'slack': -(-args.save_per_steps // args.num_envs)}
    new = replays.with_name(f'{replays.name}_{datetime.now():%Y-%m-%d-%H-%M-%S-%f}{"" if save else UNSAVED}')
    saved = sorted(replays.parent.glob(f'{replays.name}_[0-9]*[0-9]/{Rings.HEADER}'))
    wanted = path or (saved[-1].parent if load and saved else None)
    if left and 'name' in left and not args.offline and (own := own_replay(replays.parent, left, wanted, save)):
        replay = kind(spec, own, mode='r+' if save or own.name.endswith(UNSAVED) else 'c', **options)
        replay.restore(left)
        replay.ours = own.name.endswith(UNSAVED)  # what its run made goes with it
        return fitting(replay, args)
    name_leftovers(replays.parents[2])
    if not (load or path or args.offline):
        return kind(spec, new, args.num_envs, **options)
    if not wanted:
        raise UserError(f'No replay at {replays}_*: run with replay.save=true first, or give replay.path=<folder>')
    replay = Replay(spec, wanted, mode='r' if args.offline else 'r+' if save else 'c', **options)
    if args.offline:
        if args.replay.capacity and replay.slots(options['capacity'], replay.num_envs) != replay.kept:
            raise UserError(f'offline=true reads the replay at {replay.path} as it is: leave replay.capacity= out.')
        wait_for(lambda: replay.ready, f'The replay at {replay.path} holds too few steps to learn from')
        replay.cursor = left['cursor'] if left else 0
        return replay
    fitting(replay, args)
    if args.replay.capacity and replay.slots(options['capacity'], replay.num_envs) != replay.kept:
        replay = Replay(spec, new, args.num_envs, source=replay, **options)
    replay.cut()
    return replay


def fitting(replay, args):
    """The replay, if it is of as many environments as step now. Raises UserError if not."""
    if replay.num_envs != args.num_envs:
        raise UserError(f'The replay at {replay.path} has other environments: num_envs={replay.num_envs}')
    return replay


def own_replay(folder, left, wanted, save):
    """The replay that a run left, where it goes on with that one; to be saved, it gets a name that says so."""
    own = folder / left['name']
    if not (own / Rings.HEADER).is_file():
        own = own.with_name(own.name.removesuffix(UNSAVED))
    if not (own / Rings.HEADER).is_file() or (wanted and not own.samefile(wanted)):
        return None
    if Rings.in_use(own):
        raise UserError(f'Another process still writes {own}: stop it first, or give replay.path=')
    return own.rename(own.with_name(own.name.removesuffix(UNSAVED))) if save else own


def name_leftovers(experiment):
    """A line for each replay in an experiment's folder that a killed run could not delete. They are not ours to."""
    for path in sorted(experiment.glob(f'*/*/*{UNSAVED}')):
        if not Rings.in_use(path):
            print(f'A killed run left {path} ({Rings.size(path) / 1e6:.1f} MB): delete it, or go on with replay.path=')
