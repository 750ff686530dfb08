"""The command line: exit statuses, --cfg, nothing written."""

import pytest
from omegaconf import OmegaConf

from Hyperparams.Launch import launch
from Support.Errors import UserError
from tests.Hyperparams.command_line import run


def test_users_errors_and_ctrl_c_in_the_program(capsys, monkeypatch):
    def fail(error):
        def main(config):
            raise error

        return main

    assert launch(fail(UserError('Do this.')), []) == 2
    assert capsys.readouterr().err == 'Do this.\n'
    assert launch(fail(KeyboardInterrupt()), []) == 130
    assert launch(fail(KeyboardInterrupt(15)), []) == 143
    for error in (
        OSError(28, 'No space left'),
        MemoryError('Unable to allocate memory'),
        RuntimeError("can't allocate memory"),
    ):
        assert launch(fail(error), []) == 2 and len(capsys.readouterr().err.splitlines()) == 1
    with pytest.raises(ZeroDivisionError):  # ours to mend: with its traceback
        launch(fail(ZeroDivisionError()), [])
    monkeypatch.setenv('HYDRA_FULL_ERROR', '1')
    with pytest.raises(UserError):
        launch(fail(UserError('Do this.')), [])


def test_show_config(capsys):

    status, out, _, configs = run(capsys, '--cfg', 'job', 'lr=0.5', 'task=gym/cartpole')
    shown = OmegaConf.create('\n'.join(out))
    assert status == 0 and not configs and shown.lr == 0.5 and shown.agent.lr == 0.5
    _, out, _, _ = run(capsys, '-c', 'job', '-p', 'agent', '--resolve', 'lr=0.5')
    assert OmegaConf.create('\n'.join(out)).lr == 0.5


def test_a_run_writes_nothing_itself(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    status, out, err, configs = run(capsys, 'seed=3')
    assert (status, out, err, configs[0].seed) == (0, [], [], 3)
    assert not list(tmp_path.iterdir())
