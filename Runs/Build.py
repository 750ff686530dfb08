"""From a composed config to what it describes: a process, the places of its files, environments and an agent.

Importing this module costs milliseconds: torch and the parts are imported where they are built.
"""

import re
from pathlib import Path

from Hyperparams.Instantiate import instantiate
from Support.Errors import UserError
from Support.Machine import choose_algorithms, choose_device, choose_precision, tune_processor
from Support.RandomState import seed_everything, separate_random_state


def prepare(args):
    """Seeds and the device of this process; what the config left open is filled in -> torch.device."""
    seed_everything(seed_of(args))
    choose_algorithms(args.deterministic)
    tune_processor()
    device = choose_device(args.device, args.parallel)
    args.device = str(device)
    args.exact = bool(args.save_per_steps or args.load) if args.exact is None else args.exact
    return device


def seed_of(args):
    """Collectors of one run share its name, and so its seed, but do different things."""
    return args.seed + 100_000 * (args.collector - 1)


def places(args, collects):
    """Where the run's files lie: the prefix of its logs, the folder of its agents, the prefix of its replays."""
    task = re.sub(r'[^\w.-]', '_', f'{args.task_name}_{args.seed}')
    folder = Path(args.experiment, args.agent._target_.split('.')[-1], args.suite_name, task)
    collector = f'_Collector{args.collector if args.collector > 1 else ""}' if collects else ''
    parents = (Path(args.root, name) for name in ('Benchmarking', 'Checkpoints', 'Datasets/ReplayBuffer'))
    return [parent / name for parent, name in zip(parents, (f'{folder}{collector}', folder, folder), strict=True)]


def environment(args, num_envs, train):
    """Environments as the task's files describe them."""
    from Datasets.Suites import fit
    from Environment import Environment

    seed = seed_of(args)
    with separate_random_state(seed):  # libraries draw from Python's generator when they are first imported
        suite = instantiate(args.suite, num_envs=num_envs, seed=seed, train=train)
    suite = fit(suite, args.discrete and args.bins)
    return Environment(suite, args.frame_stack, overlap=train and args.overlap)


def arena(args):
    """Environments of evaluation, on seeds of their own."""
    envs = 1 if args.generate and args.suite_name != 'classify' else args.evaluate_envs
    return environment(args, min(envs, args.evaluate_episodes or envs), train=False)


def agent(args, spec, device):
    """The agent for what a suite's spec says, on the device; the config is told the shapes and the precision.

    Raises UserError if it is to generate what is no image.
    """
    args.obs_shape = [args.frame_stack * spec.obs_shape[0], *spec.obs_shape[1:]]
    args.action_shape = list(spec.action_shape)
    if args.generate and len(args.obs_shape) != 3:
        raise UserError(f'generate=true needs images alone, which {args.task_name} has not: task=atari/pong')
    args.precision = choose_precision(args.precision, device, images=spec.images)
    recipes = instantiate(args.recipes)
    built = instantiate(args.agent, spec=spec, recipes=recipes, frame_stack=args.frame_stack)
    built.to(device)
    if args.compile:
        from Agents.Compile import compile_blocks

        compile_blocks(built)
    return built
