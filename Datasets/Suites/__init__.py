"""Suites: what an agent lives in. One contract, which tests/Suites/test_contract.py holds every suite to.

    suite = Suite(..., num_envs=8, seed=1, train=True)     train=False: the evaluation version, on other seeds
    suite.spec, suite.num_envs, suite.frames_per_step      Spec, N, emulator frames (or simulation steps) per agent step
    suite.episodes                                         size of the test set in evaluation, else None
    suite.reset() -> obs [N, *obs_shape]                   single frames: stacks are the agent's and the memory's affair
    suite.step(action [N, *action_shape]) -> Step          an episode that ends restarts in the same step (SAME_STEP)
    suite.render(envs=None) -> [uint8 [H, W, 3]] or None   of these environments, or all; None if it cannot draw
    suite.close()

To add a suite: a class with these members, and a task file whose `suite._target_` names it.
"""

import numpy as np


def env_seeds(seed, train, num_envs):
    """One seed (int, 0 .. 2^31 - 1) per environment; neighbouring seeds share none, nor do training and evaluation.

    Consecutive seeds, as vector environments give them out, leave runs 1 and 2 with seven of eight games in common.
    """
    states = np.random.SeedSequence([int(seed), int(bool(train))]).generate_state(num_envs)
    return [int(state >> 1) for state in states]
