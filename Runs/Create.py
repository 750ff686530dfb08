"""Agents in scripts and notebooks, by the words of the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from Hyperparams.Compose import compose
from Runs import Build
from Support.Machine import choose_device

if TYPE_CHECKING:
    from Agents.Agent import Agent
    from Datasets.Experience import Spec


def create_agent(spec: Spec, *words: str, config_dir: Path | str | None = None) -> Agent:
    """Builds the agent that `python Run.py <words>` trains, for a suite's spec, on the device that it chooses.

    Its weights are drawn from torch's generator: those of a run after `seed_everything(1)`, 1 being the run's seed.
    config_dir: folder of your own option files (--config-dir). Raises UserError for a mistake in the words.

        agent = create_agent(suite.spec, 'Agent=DQN', 'task=gym/cartpole', 'lr=1e-3')
    """
    args = compose(list(words), config_dir)
    return Build.agent(args, spec, choose_device(args.device, args.parallel))
