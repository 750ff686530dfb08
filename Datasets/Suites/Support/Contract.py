"""The contract of a suite, to which tests/Datasets/Suites/test_contract.py holds all of them.

To add a suite, write a class with the members of `Suite` and give `suite._target_=my_module.MySuite` on the command
line or in a task file. It is built with `num_envs`, `seed` and `train` beside its own arguments; `train=False` builds
the evaluation version, on other seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from Datasets.Experience import Spec, Step
from Support.Errors import UserError

CONTRACT = ('spec', 'num_envs', 'frames_per_step', 'episodes', 'reset', 'step', 'render', 'close')


class Suite(Protocol):
    """A vector of N environments that play one task side by side."""

    spec: Spec
    num_envs: int  # N
    frames_per_step: int  # emulator frames or simulation steps per agent step
    episodes: int | None  # size of the test set in evaluation; None where there is none

    def reset(self) -> np.ndarray:
        """Starts an episode in every environment, from the suite's seed. Returns obs [N, *obs_shape].

        These are single frames: stacks are made by `Environment` and by the replay.
        """

    def step(self, action: np.ndarray) -> Step:
        """Acts with [N, *action_shape]. An episode that ends restarts in the same step (Gymnasium's SAME_STEP)."""

    def render(self, envs: Sequence[int] | None = None) -> list[np.ndarray] | None:
        """Returns pictures uint8 [H, W, 3] of these environments, or of all; None if the suite cannot draw."""

    def close(self) -> None:
        """Frees what the environments hold."""


class ResumableSuite(Suite, Protocol):
    """A suite with which a resumed run continues bit for bit.

    Without these two methods, or where `state` returns None, episodes restart when a run is resumed, and the run says
    so.
    """

    def state(self) -> dict[str, Any] | None:
        """Returns everything that decides what comes next, between two steps after a reset, or None.

        It consists of nested dicts and lists of numeric arrays, bool, int, float, str and None.
        """

    def restore(self, state: dict[str, Any]) -> None:
        """Continues from `state`, instead of a reset, in a suite just built from the same arguments."""


class AsynchronousSuite(Suite, Protocol):
    """A suite that can step while the learner works (`overlap=true`)."""

    def send(self, action: np.ndarray) -> None:
        """Starts a step and returns."""

    def recv(self) -> Step:
        """Waits for the step that `send` started."""


def check_suite(suite: Any) -> None:
    """Raises UserError that names what an object lacks to be a suite."""
    target = f'suite._target_={type(suite).__module__}.{type(suite).__qualname__}'
    missing = [name for name in CONTRACT if not hasattr(suite, name)]
    if missing:
        raise UserError(
            f'{target} is no suite: it has no {", ".join(missing)} (see Datasets/Suites/Support/Contract.py).'
        )
    if not isinstance(suite.spec, Spec):
        raise UserError(f'{target} is no suite: its spec is no Datasets.Experience.Spec.')


def matching(state: dict[str, Any], **own: Any) -> dict[str, Any]:
    """Returns the saved `state` of a suite if it names the same arguments as `own`. Raises UserError if one differs."""
    for name, value in own.items():
        if state.get(name) != value:
            raise UserError(
                f'The saved state is of a suite with {name}={state.get(name)}, this one has {name}={value}: '
                'resume with the same arguments, or start again without load=true.'
            )
    return state


def env_seeds(seed: int, train: bool, num_envs: int) -> list[int]:
    """Returns one seed (0 .. 2^31 - 1) per environment.

    Neighboring seeds of a run share none, nor do training and evaluation. Consecutive seeds, which vector environments
    use by default, would leave runs 1 and 2 with seven of eight games in common.
    """
    states = np.random.SeedSequence([int(seed), int(bool(train))]).generate_state(num_envs)
    return [int(state >> 1) for state in states]
