"""Seconds from the start of Python to the first step of an environment, in a fresh process."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

from benchmarks.contest import ABOVE, Contender, Measure, Row, Size
from benchmarks.settings import DQN, QUIET
from Support.Files import PROJECT

OURS = f"""
import os, sys
sys.path.insert(0, {str(PROJECT)!r})
from Hyperparams.Launch import launch
import Run
from Environment import Environment
Run.Training.evaluate = lambda training: None  # ten games to build; peers have none
Environment.count = lambda environment, step: os._exit(0)  # the first step has come back
launch(Run.main, {[*QUIET.split(), *DQN.split()]!r} + sys.argv[1:])
"""
THEIRS = """
import ale_py
from stable_baselines3 import DQN
from stable_baselines3.common.env_util import make_atari_env
from stable_baselines3.common.vec_env import VecFrameStack
model = DQN('CnnPolicy', VecFrameStack(make_atari_env('PongNoFrameskip-v4', 1), 4), buffer_size=10_000)
model.learn(1)
"""
LIGHTNING = 'import lightning'


def starting(code: str) -> Callable[[Size], Measure]:
    """Returns a contender that measures the seconds of a process which runs `code`."""

    def build(size: Size) -> Measure:
        folder = tempfile.TemporaryDirectory()

        def measure() -> float:
            began = time.perf_counter()
            words = [f'root={folder.name}'] if code is OURS else []
            done = subprocess.run([sys.executable, '-c', code, *words], capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(done.stderr.strip().splitlines()[-1])
            return time.perf_counter() - began

        return measure

    return build


ROWS = {
    'first-step': Row(
        'A process begins, builds DQN on Pong with its network and replay, and plays one step (import torch, import '
        'lightning: nothing but this)',
        's',
        {
            'ours': Contender(starting(OURS)),
            'import torch': Contender(starting('import torch')),
            'stable-baselines3': Contender(starting(THEIRS), 'stable-baselines3'),
            'import lightning': Contender(starting(LIGHTNING), 'lightning'),
        },
        {'import torch': 0.4},
        ABOVE,
    ),
}
