"""Suites: what an agent lives in. One contract, which tests/Suites/test_contract.py holds every suite to.

    suite = Suite(..., num_envs=8, seed=1, train=True)     train=False: the evaluation version, on other seeds
    suite.spec, suite.num_envs, suite.frames_per_step      Spec, N, emulator frames (or simulation steps) per agent step
    suite.episodes                                         size of the test set in evaluation, else None
    suite.reset() -> obs [N, *obs_shape]                   single frames: stacks are the agent's and the memory's affair
    suite.step(action [N, *action_shape]) -> Step          an episode that ends restarts in the same step (SAME_STEP)
    suite.render(envs=None) -> [uint8 [H, W, 3]] or None   of these environments, or all; None if it cannot draw
    suite.close()

A suite may have `state` and `restore`, with which a resumed run goes on where it was saved, bit for bit. Without them,
or where `state` gives None, its episodes begin anew, and the run says so.

    suite.state() -> dict or None       once reset, between two steps: all that decides what comes next, as nested dicts
                                        and lists of numeric arrays, bool, int, float, str and None
    suite.restore(state)                instead of `reset`, of a suite just built from the same arguments

And two with which it steps while the learner works (`overlap`), instead of `step`:

    suite.send(action)                  starts a step and returns
    suite.recv() -> Step                waits for it

To add a suite: a class with these members, `suite._target_=my_module.MySuite` on the command line or in a task file.
"""

import numpy as np

from Datasets.Experience import Spec
from Support.Errors import UserError

CONTRACT = ('spec', 'num_envs', 'frames_per_step', 'episodes', 'reset', 'step', 'render', 'close')


def fit(suite, bins=None):
    """The suite, found to have what a suite has; with `bins`, its continuous actions made choices (Discrete.py).

    Raises UserError naming what is missing.
    """
    from Datasets.Suites.Discrete import Discrete

    target = f'suite._target_={type(suite).__module__}.{type(suite).__qualname__}'
    missing = [name for name in CONTRACT if not hasattr(suite, name)]
    if missing:
        raise UserError(f'{target} is no suite: it has no {", ".join(missing)} (see Datasets/Suites/__init__.py).')
    if not isinstance(suite.spec, Spec):
        raise UserError(f'{target} is no suite: its spec is no Datasets.Experience.Spec.')
    return Discrete(suite, bins) if bins and suite.spec.num_actions is None else suite


def matching(state, **own):
    """`state`, in which a suite has said the same of itself as `own`. Raises UserError that names what differs."""
    for name, value in own.items():
        if state.get(name) != value:
            raise UserError(
                f'The saved state is of a suite with {name}={state.get(name)}, this one has {name}={value}: '
                'resume with the same arguments, or start anew without load=true.'
            )
    return state


def env_seeds(seed, train, num_envs):
    """One seed (int, 0 .. 2^31 - 1) per environment; neighbouring seeds share none, nor do training and evaluation.

    Consecutive seeds, as vector environments give them out, leave runs 1 and 2 with seven of eight games in common.
    """
    states = np.random.SeedSequence([int(seed), int(bool(train))]).generate_state(num_envs)
    return [int(state >> 1) for state in states]
