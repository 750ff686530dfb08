"""From a composed config to the parts of a run: process, files, environments, agent and replay.

Importing this module costs milliseconds: torch and the parts are imported where they are built.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from Hyperparams.Instantiate import instantiate
from Runs.Parts import Parts
from Support.Errors import UserError
from Support.Machine import choose_algorithms, choose_device, choose_precision, choose_threads, tune_processor
from Support.RandomState import seed_everything, separate_random_state
from Support.World import World

if TYPE_CHECKING:
    import torch
    from omegaconf import DictConfig

    from Agents.Agent import Agent
    from Datasets.Experience import Spec
    from Environment import Environment


def collects(args: DictConfig) -> bool:
    """Whether a run only collects: it reloads the agent (`load_per_steps`) and never learns (`learn_per_steps=0`)."""
    return bool(args.load_per_steps and not args.learn_per_steps)


def parts(args: DictConfig) -> Parts:
    """Builds the parts of a run, and restores the run that `load=true` resumes."""
    from Datasets.OpenReplay import open_replay
    from Logging.Saving import Resume
    from Logging.Saving.CheckpointFolder import CheckpointFolder

    began, world = time.monotonic(), World()
    device = prepare(args)
    prefix, saved, replays = places(args)
    checkpoints = CheckpointFolder(saved, args.checkpoint, args.load)
    training = evaluation = None
    if args.offline:
        evaluation = arena(args)
        suite = evaluation.suite  # it has the spec, and the data set if there is one
    else:
        training = environment(args, args.num_envs, train=True)
        suite = training.suite
    args.threads = choose_threads(args.threads, images=suite.spec.images)
    built = agent(args, suite.spec, device)
    if training and built.on_policy:
        training.overlap = False  # it learns from whole rollouts of its own
    resumed = checkpoints.load(built) if args.load else {}
    spec = suite.spec._replace(extras=built.extra_parts)  # of the replay
    replay: Any = open_replay(args, spec, replays, lambda: evaluation, built.on_policy, resumed.get('memory'))
    seed_steps = 0 if args.offline or built.on_policy else args.seed_steps
    seed_steps += 0 if len(replay) else built.step  # a replay that is empty again is filled before it is learned from
    if resumed:
        Resume.restore(resumed, built, training, replay)
    return Parts(
        args=args, began=began, world=world, prefix=prefix, checkpoints=checkpoints, environment=training, agent=built,
        replay=replay, seed_steps=seed_steps, frames_per_step=suite.frames_per_step, resumed=resumed,
        build_arena=lambda: arena(args), arena_built=evaluation,
    )  # fmt: skip


def prepare(args: DictConfig) -> torch.device:
    """Seeds this process and returns its device; fills in what the config leaves open."""
    seed_everything(seed_of(args))
    choose_algorithms(args.deterministic)
    tune_processor()
    device = choose_device(args.device, args.parallel)
    args.device = str(device)
    args.exact = bool(args.save_per_steps or args.load) if args.exact is None else args.exact
    return device


def seed_of(args: DictConfig) -> int:
    """Returns the seed of this process: collectors of one run have the same `seed`, but act differently."""
    return args.seed + 100_000 * (args.collector - 1)


def places(args: DictConfig) -> tuple[Path, Path, Path]:
    """Returns where the run's files lie: prefix of its logs, folder of its saved agents, prefix of its replays."""
    task = re.sub(r'[^\w.-]', '_', f'{args.task_name}_{args.seed}')
    folder = Path(args.experiment, args.agent._target_.split('.')[-1], args.suite_name, task)
    collector = f'_Collector{args.collector if args.collector > 1 else ""}' if collects(args) else ''
    logs, agents, replays = (Path(args.root, name) for name in ('Benchmarking', 'Checkpoints', 'Datasets/ReplayBuffer'))
    return logs / f'{folder}{collector}', agents / folder, replays / folder


def environment(args: DictConfig, num_envs: int, train: bool) -> Environment:
    """Builds environments as the task's files describe them; with `train=False` on the seeds of evaluation."""
    from Datasets.Suites import fit
    from Environment import Environment

    seed = seed_of(args)
    with separate_random_state(seed):  # libraries draw from Python's generator when they are first imported
        suite = instantiate(args.suite, num_envs=num_envs, seed=seed, train=train)
    suite = fit(suite, args.discrete and args.bins)
    return Environment(suite, args.frame_stack, overlap=train and args.overlap)


def arena(args: DictConfig) -> Environment:
    """Builds the environments of evaluation."""
    envs = 1 if args.generate and args.suite_name != 'classify' else args.evaluate_envs
    return environment(args, min(envs, args.evaluate_episodes or envs), train=False)


def agent(args: DictConfig, spec: Spec, device: torch.device) -> Agent:
    """Builds the agent for a suite's spec on the device; fills the shapes and the precision into the config.

    Raises UserError if `generate=true` and observations are not images.
    """
    args.obs_shape = [args.frame_stack * spec.obs_shape[0], *spec.obs_shape[1:]]
    args.action_shape = list(spec.action_shape)
    if args.generate and spec.obs_kind != 'image':
        raise UserError(f'generate=true needs images alone, which {args.task_name} has not: task=atari/pong')
    args.precision = choose_precision(args.precision, device, images=spec.images)
    recipes = instantiate(args.recipes)
    built = instantiate(args.agent, spec=spec, recipes=recipes, frame_stack=args.frame_stack)
    built.to(device)
    if args.compile:
        from Agents.Compile import compile_blocks

        compile_blocks(built)
    return built
