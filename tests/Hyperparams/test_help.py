"""The page of --help."""

import subprocess
import sys

from Hyperparams.Nested import keys
from Hyperparams.Options import FOLDER, options
from tests.Hyperparams.command_line import run

PROJECT = FOLDER.parent


def test_help_is_quick_and_complete(capsys):
    status, out, _, _ = run(capsys, '--help')
    page = '\n'.join(out)
    assert status == 0
    for key in keys({'RL': 0, 'train_steps': 0, 'agent': {'ema_decay': 0}, 'replay': {'transform': 0}}):
        assert key in page
    for name in (*options('Agent'), 'breakout', 'mnist', 'cartpole', 'Eyes='):
        assert name in page
    code = (
        'import sys, time; began = time.perf_counter()\n'
        'from Hyperparams.Launch import launch; launch(print, ["--help"])\n'
        'assert not {"torch", "hydra", "omegaconf", "numpy"} & set(sys.modules)\n'
        'print(time.perf_counter() - began, file=sys.stderr)'
    )
    times = []
    for _ in range(3):
        done = subprocess.run([sys.executable, '-c', code], cwd=PROJECT, capture_output=True, text=True, check=True)
        times.append(float(done.stderr))
    assert min(times) < 0.5  # seconds; 0.06 on an idle core
