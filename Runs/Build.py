"""From a composed config to the parts of a run: process, files, environments, agent and replay.

Importing this module costs milliseconds: torch and the parts are imported where they are built.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from Hyperparams.Instantiate import instantiate
from Runs.Collect import collects
from Support.Errors import UserError
from Support.Machine import choose_algorithms, choose_device, choose_precision, choose_threads, tune_processor
from Support.RandomState import seed_everything, separate_random_state
from Support.World import World

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from Agents.Agent import Agent
    from Datasets.Replay.Replay import Replay
    from Environment import Environment
    from Logging.Logger import Logger
    from Logging.Record import Record
    from Logging.Saving.CheckpointFolder import CheckpointFolder


@dataclass
class Parts:
    """The parts of a run, as its config describes them. Training and the other roles in Runs/ share them.

    Attributes:
        args: the config, with what it left open chosen: device, threads, precision, shapes.
        began: time.monotonic() when the run began.
        world: rank of this process and number of processes that train together.
        prefix: path of the run's logs and pictures; each file adds its own ending.
        checkpoints: the folder of its saved agents.
        environment: the environments of training; None offline.
        replay: what the agent learns from: a Replay, a Rollout, a Dataset or replays of other processes.
        seed_steps: the step after which the agent learns.
        frames_per_step: frames of an agent step.
        resumed: the state of the run that `load=true` resumes; empty for a new run.
        start: the agent's step when the run began.
    """

    args: DictConfig
    began: float
    world: World
    prefix: Path
    checkpoints: CheckpointFolder
    environment: Environment | None
    agent: Agent
    replay: Replay
    seed_steps: int
    frames_per_step: int
    resumed: dict[str, Any]
    start: int = field(init=False)
    record: Record | None = field(default=None, init=False)
    arena_built: Environment | None = None
    logger_opened: Logger | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.start = self.agent.step

    @property
    def arena(self) -> Environment:
        """The environments of evaluation, on seeds of their own. Built when first needed: ten games take seconds."""
        if self.arena_built is None:
            self.arena_built = arena(self.args)
        return self.arena_built

    @property
    def logger(self) -> Logger:
        """The run's log. Opened when first needed: it moves an earlier run's files aside, which a run that fails to
        begin leaves where they are."""
        if self.logger_opened is None:
            from Logging.Logger import Logger, open_log

            if not self.world.first:
                self.logger_opened = Logger()
                return self.logger_opened
            args = self.args
            step = self.start if self.start < args.train_steps else None  # evaluation alone removes no row
            evaluated = self.resumed['log']['evaluated'] if self.resumed and step is not None else None
            self.logger_opened = open_log(
                self.prefix, args.train_steps, args.load, step, evaluated, args.tensorboard, self.began
            )
            self.begin_record()
        return self.logger_opened

    def begin_record(self) -> None:
        """Writes down how to run this again, beside the logs."""
        from Logging.Record import Record

        self.record = Record(self.prefix, self.args, self.began, self.replay)

    def save(self, log: dict[str, Any], whole: bool = True, copy: str | int | None = None) -> None:
        """Saves the agent and the run as they are now; arguments as of `Resume.state` and `CheckpointFolder.save`."""
        from omegaconf import OmegaConf

        from Logging.Saving import Resume

        if not self.world.first:
            return
        if self.args.save_per_steps and hasattr(self.replay, 'flush'):
            self.replay.flush()
        state = Resume.state(self.agent, self.environment, self.replay, log, whole)
        self.checkpoints.save(self.agent, state, OmegaConf.to_yaml(self.args), copy)

    def close(self) -> None:
        """Closes files and environments and ends the record; deletes the replay that the run made unless it is kept."""
        if hasattr(self.replay, 'close'):
            self.replay.close(keep=self.args.replay.save)
        if self.logger_opened:
            self.logger_opened.close()
        for environments in (self.arena_built, self.environment):
            if environments:
                environments.suite.close()
        if self.record:
            self.record.end(self.agent.step)


def parts(args: DictConfig) -> Parts:
    """Builds the parts of a run, and restores the run that `load=true` resumes."""
    from Datasets.OpenReplay import open_replay
    from Logging.Saving import Resume
    from Logging.Saving.CheckpointFolder import CheckpointFolder

    began, world = time.monotonic(), World()
    device = prepare(args)
    prefix, saved, replays = places(args)
    checkpoints = CheckpointFolder(saved, args.checkpoint, args.load)
    training = None if args.offline else environment(args, args.num_envs, train=True)
    evaluation = arena(args) if args.offline else None  # built here for what its suite tells
    suite = (training or evaluation).suite
    args.threads = choose_threads(args.threads, images=suite.spec.images)
    built = agent(args, suite.spec, device)
    if training and built.on_policy:
        training.overlap = False  # it learns from whole rollouts of its own
    resumed = checkpoints.load(built) if args.load else {}
    spec = suite.spec._replace(extras=built.extra_parts)  # of the replay
    replay = open_replay(args, spec, replays, lambda: evaluation, built.on_policy, resumed.get('memory'))
    seed_steps = 0 if args.offline or built.on_policy else args.seed_steps
    seed_steps += 0 if len(replay) else built.step  # a replay that is empty again is filled before it is learned from
    if resumed:
        Resume.restore(resumed, built, training, replay)
    return Parts(
        args=args, began=began, world=world, prefix=prefix, checkpoints=checkpoints, environment=training, agent=built,
        replay=replay, seed_steps=seed_steps, frames_per_step=suite.frames_per_step, resumed=resumed,
        arena_built=evaluation,
    )  # fmt: skip


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


def places(args):
    """Where the run's files lie: the prefix of its logs, the folder of its agents, the prefix of its replays."""
    task = re.sub(r'[^\w.-]', '_', f'{args.task_name}_{args.seed}')
    folder = Path(args.experiment, args.agent._target_.split('.')[-1], args.suite_name, task)
    collector = f'_Collector{args.collector if args.collector > 1 else ""}' if collects(args) else ''
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
