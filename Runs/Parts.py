"""The parts of a run, which the roles in Runs/ share: config, files, environments, agent, replay, log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    """The parts of a run, built from its config. Training and the other roles in Runs/ share them.

    Attributes:
        args: the config, with what it left open chosen: device, threads, precision, shapes.
        began: time.monotonic() when the run began.
        world: rank of this process and number of processes that train together.
        prefix: path of the run's logs and pictures; each file adds its own ending.
        checkpoints: the folder of its saved agents.
        environment: the environments of training; None offline.
        replay: what the agent learns from: a Replay, or what shares its interface (Rollout, Dataset, SharedReplays).
        seed_steps: the step after which the agent learns.
        frames_per_step: frames of an agent step.
        resumed: the state of the run that `load=true` resumes; empty for a new run.
        build_arena: builds the environments of evaluation.
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
    build_arena: Callable[[], Environment]
    arena_built: Environment | None = None
    start: int = field(init=False)
    record: Record | None = field(default=None, init=False)
    logger_opened: Logger | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.start = self.agent.step

    @property
    def arena(self) -> Environment:
        """The environments of evaluation, on seeds of their own. Built when first needed: ten games take seconds."""
        if self.arena_built is None:
            self.arena_built = self.build_arena()
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
        if self.args.save_per_steps:
            self.replay.flush()
        state = Resume.state(self.agent, self.environment, self.replay, log, whole)
        self.checkpoints.save(self.agent, state, OmegaConf.to_yaml(self.args), copy)

    def close(self) -> None:
        """Closes files and environments and ends the record; deletes the replay that the run made unless it is kept."""
        self.replay.close(keep=self.args.replay.save)
        if self.logger_opened:
            self.logger_opened.close()
        for environments in (self.arena_built, self.environment):
            if environments:
                environments.suite.close()
        if self.record:
            self.record.end(self.agent.step)
