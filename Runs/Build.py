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
    import torch
    from omegaconf import DictConfig

    from Agents.Agent import Agent
    from Datasets.Experience import Spec
    from Datasets.Replay.Replay import Replay
    from Environment import Environment
    from Logging.Logger import Logger
    from Logging.Record import Record
    from Logging.Saving.CheckpointFolder import CheckpointFolder


@dataclass
class Parts:
    """The parts of a run, built from its config. Training and the other roles in Runs/ share them.

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
        """The log of the run. Opened when first needed: that sets an earlier run's files aside, and a run that cannot
        begin leaves them where they are. Only the first process has sinks."""
        if self.logger_opened is None:
            from Logging.Logger import Logger, open_log

            if self.world.first:
                args, resumed = self.args, self.resumed
                step = self.start if self.start < args.train_steps else None  # evaluation alone removes no row
                evaluated = resumed['log']['evaluated'] if resumed and step is not None else None
                self.logger_opened = open_log(
                    self.prefix, args.train_steps, args.load, step, evaluated, args.tensorboard, self.began
                )
                self.begin_record()
            else:
                self.logger_opened = Logger()
        return self.logger_opened

    def begin_record(self) -> None:
        """Writes the record that `reproduce=` runs again, beside the logs."""
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
