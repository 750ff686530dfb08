"""Mistakes that only the run can see, each told in one sentence; those of the command line are in tests/Hyperparams."""

import pytest

from tests.program.results import CARTPOLE, DIGITS, QUIET, TINY, files
from tests.program.runs import finish, process, run_here


@pytest.mark.parametrize(
    ('words', 'part'),
    [
        ([*CARTPOLE, 'device=cuda:99'], 'device=cpu'),
        ([*CARTPOLE, 'device=foo'], 'device=cpu'),
        ([*CARTPOLE, 'precision=fp8'], 'precision=auto, precision=fp32 or precision=bf16'),
        ([*CARTPOLE, 'generate=true'], 'needs images'),
        ([*CARTPOLE, 'Eyes=torch.nn.Linear'], 'Linear'),
        ([*CARTPOLE, 'gym.id=CartPol-v1'], 'CartPole-v1'),
        ([*CARTPOLE, 'load=true'], 'load=true'),
        ([*CARTPOLE, 'agent.optimizer.lrr=1'], 'Nearest: agent.optimizer.'),
        (['task=classify/cifar10', *QUIET], 'cifar-10-python.tar.gz'),
        ([*DIGITS, 'replay.transform={RandomCrop:{size:80}}'], '80x80'),
        (['task=gym/lunarlander', *TINY], 'gymnasium[box2d]'),
    ],
)
def test_a_mistake_is_one_sentence(folder, monkeypatch, capsys, words, part):
    if 'task=gym/lunarlander' in words:
        try:
            import Box2D  # noqa: F401
        except ImportError:
            pass
        else:
            pytest.skip('Box2D is installed here')
    if 'task=classify/cifar10' in words:

        def offline(*_, **__):
            raise OSError('no network')

        monkeypatch.setattr('urllib.request.urlopen', offline)
    run_here(*words, status=2)
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1 and part in err
    assert not [name for name in files(folder) if 'Datasets/Data' not in name]


def test_a_wrong_optimizer_is_one_sentence(capsys):
    run_here(*CARTPOLE, '++agent.optimizer.betas=[2,2]', status=2)  # found at the first update
    assert 'agent.optimizer' in capsys.readouterr().err


def test_mistakes_leave_with_status_2(folder):
    _, err = finish(process('lrr=3'), status=2)
    assert err.strip() == "No key 'lrr'. Nearest: lr. All: python Run.py --help"
    assert not files(folder)
