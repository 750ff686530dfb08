"""Sweeps (-m)."""

from pathlib import Path

from Hyperparams.Launch import launch
from Support.Errors import UserError
from tests.Hyperparams.command_line import run


def test_sweep(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    status, _, err, configs = run(
        capsys, '-m', 'seed=1,2', 'task=atari/pong,gym/cartpole', 'Eyes=CNN', 'Eyes.depth=2', 'mini=true,false'
    )
    jobs = [(config.seed, config.task_name, config.mini) for config in configs]
    assert status == 0 and err == []
    assert jobs == [(s, t, m) for s in (1, 2) for t in ('pong', 'cartpole') for m in (True, False)]
    assert all(config.recipes.encoder.eyes.depth == 2 for config in configs)
    assert Path.cwd() == tmp_path
    assert {path.name for path in tmp_path.rglob('*') if path.is_file()} == {'multirun.yaml'}


def test_sweep_ends_with_a_users_error(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    def main(config):
        raise UserError('Do this.')

    assert launch(main, ['-m', 'seed=1,2']) == 2
    assert capsys.readouterr().err == 'Do this.\n'
