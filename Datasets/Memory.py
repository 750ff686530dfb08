"""What an agent learns from: a data set, a saved replay, or a new one."""

from datetime import datetime

from Datasets import Rings
from Datasets.Dataset import Dataset
from Datasets.Replay import Replay
from Datasets.Rollout import Rollout
from Utils import UserError, wait_for


def remember(args, spec, replays, arena, on_policy=False):
    """The memory that the config asks for.

    replays: path at which this run's replays lie, each with a date behind its name. arena(): the environments of
    evaluation, whose suite holds the data set. on_policy: the agent learns from its last steps alone.
    Raises UserError if no such replay is saved, or not for these settings.
    """
    options = dict(args.replay)
    save, load, path = (options.pop(key) for key in ('save', 'load', 'path'))
    of_images = {name: options.pop(name) for name in ('transform', 'mix', 'balanced')}
    if spec.kind == 'classify' and args.offline:
        images = arena().suite.data.train
        if args.conditional and (images.label < 0).any():
            raise UserError('conditional=true needs the label of every image: leave Dataset.labelled= out.')
        return Dataset(images, args.batch_size, args.seed, **of_images, mean=spec.mean, classes=spec.num_actions)
    if on_policy and (load or path or args.offline):
        raise UserError('This agent learns only from what it just did, not from a replay: choose another, as Agent=DQN')
    all_steps = min(max(args.train_steps, 1), 1_000_000)
    options['capacity'] = options['capacity'] or (
        int(2 * args.learn_per_steps) if on_policy and not save else all_steps
    )
    options |= {'frame_stack': args.frame_stack, 'seed': args.seed}
    kind = '' if save else '_unsaved'  # what a killed run leaves behind is not taken for a saved replay
    new = replays.with_name(f'{replays.name}_{datetime.now():%Y-%m-%d-%H-%M-%S-%f}{kind}')
    name_leftovers(replays.parents[2])
    if not (load or path or args.offline):
        return (Rollout if on_policy else Replay)(spec, new, args.num_envs, **options)
    saved = sorted(replays.parent.glob(f'{replays.name}_[0-9]*[0-9]/{Rings.HEADER}'))
    if not path and not saved:
        raise UserError(f'No replay at {replays}_*: run with replay.save=true first, or give replay.path=<folder>')
    replay = Replay(spec, path or saved[-1].parent, mode='r' if args.offline else 'r+' if save else 'c', **options)
    resized = args.replay.capacity and replay.slots(options['capacity'], replay.num_envs) != replay.capacity
    if args.offline:
        if resized:
            raise UserError(f'offline=true reads the replay at {replay.path} as it is: leave replay.capacity= out.')
        wait_for(lambda: replay.ready, f'The replay at {replay.path} holds too few steps to learn from')
        return replay
    if replay.num_envs != args.num_envs:
        raise UserError(f'The replay at {replay.path} has other environments: num_envs={replay.num_envs}')
    if resized:
        replay = Replay(spec, new, args.num_envs, source=replay, **options)
    replay.cut()
    return replay


def name_leftovers(experiment):
    """A line for each replay in an experiment's folder that a killed run could not delete. They are not ours to."""
    for path in sorted(experiment.glob('*/*/*_unsaved')):
        if not Rings.in_use(path):
            print(f'A killed run left {path} ({Rings.size(path) / 1e6:.1f} MB): delete it, or go on with replay.path=')
