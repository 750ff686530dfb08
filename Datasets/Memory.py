"""What an agent learns from: a data set, a saved replay, or a new one."""

from datetime import datetime

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
    if not (load or path or args.offline):
        kind = '' if save else '_unsaved'  # what a killed run leaves behind is not taken for a saved replay
        path = replays.with_name(f'{replays.name}_{datetime.now():%Y-%m-%d-%H-%M-%S-%f}{kind}')
        return (Rollout if on_policy else Replay)(spec, path, args.num_envs, **options)
    saved = sorted(replays.parent.glob(f'{replays.name}_[0-9]*[0-9]/header.json'))
    if not path and not saved:
        raise UserError(f'No replay at {replays}_*: run with replay.save=true first, or give replay.path=<folder>')
    mode = 'r' if args.offline else 'r+' if save else 'c'
    replay = Replay(spec, path or saved[-1].parent, mode=mode, **options)
    if not args.offline and replay.num_envs != args.num_envs:
        raise UserError(f'The replay at {replay.path} has other environments: num_envs={replay.num_envs}')
    if args.offline:
        wait_for(lambda: replay.ready, f'The replay at {replay.path} holds too few steps to learn from')
    return replay
