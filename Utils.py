"""Helpers under one import, for scripts and notebooks: `from Utils import create_agent, schedule`.

Each lives in a folder of its own, from which the program itself imports it. Importing this module costs milliseconds:
torch, Hydra and omegaconf are imported where they are used.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from Hyperparams.Instantiate import instantiate, scalars
from Support.Classes import allowed, argument_names, resolve
from Support.Errors import UserError, hint, nearest, one_line
from Support.Files import (
    PROJECT,
    atomic,
    atomic_write,
    copy_file,
    is_running,
    keep_earlier,
    save_array,
    wait_for,
)
from Support.Interrupts import Interrupts
from Support.Machine import (
    choose_algorithms,
    choose_device,
    choose_precision,
    choose_threads,
    computes_in_bf16,
    physical_cores,
    tune_processor,
    usable_cores,
)
from Support.RandomState import random_state, restore_random_state, seed_everything, separate_random_state
from Support.Schedules import FORMS, Schedule, extremes, parse_schedule, schedule

__all__ = [
    'FORMS',
    'PROJECT',
    'Interrupts',
    'Schedule',
    'UserError',
    'allowed',
    'argument_names',
    'atomic',
    'atomic_write',
    'choose_algorithms',
    'choose_device',
    'choose_precision',
    'choose_threads',
    'computes_in_bf16',
    'copy_file',
    'create_agent',
    'extremes',
    'hint',
    'instantiate',
    'is_running',
    'keep_earlier',
    'load',
    'nearest',
    'one_line',
    'parse_schedule',
    'physical_cores',
    'random_state',
    'resolve',
    'restore_random_state',
    'save_array',
    'scalars',
    'schedule',
    'seed_everything',
    'separate_random_state',
    'tune_processor',
    'usable_cores',
    'wait_for',
]


if TYPE_CHECKING:
    from torch import nn

    from Agents.Agent import Agent
    from Datasets.Experience import Spec


def create_agent(spec: Spec, *words: str, config_dir: Path | str | None = None) -> Agent:
    """Builds the agent that `python Run.py <words>` trains, for a suite's spec: see `Runs.Create.create_agent`.

    agent = create_agent(suite.spec, 'Agent=DQN', 'task=gym/cartpole', 'lr=1e-3')
    """
    from Runs.Create import create_agent

    return create_agent(spec, *words, config_dir=config_dir)


def load(path: Path | str, attr: str = '', allowed: Collection[str] = ()) -> nn.Module:
    """Returns a part of a saved agent as a block of another agent, with its weights, which stay trainable.

    Eyes=Utils.load Eyes.path=Checkpoints/Exp/DQNAgent/classify/mnist_1 Eyes.attr=encoder.eyes
    allowed: modules of your own whose classes that agent consists of.
    """
    from Logging.Saving.SavedParts import part

    return part(path, attr, allowed)
