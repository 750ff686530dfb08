"""The value that `main` returns to a sweeper: the score of the last evaluation, as it is logged."""

import csv
from pathlib import Path

import pytest

import Run
from Hyperparams.Compose import compose
from Logging.Evaluation import Report

TINY = """threads=1 tensorboard=false video=false plotting.plot_experiments=false train_steps=40 seed_steps=10
          explore_steps=10 evaluate_per_steps=0 evaluate_episodes=1 hidden_dim=16 trunk_dim=16 batch_size=8"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def main(*words):
    return Run.main(compose([*TINY.split(), *words]))


def logged(kind, agent='gym/cartpole_1'):
    with Path(f'Benchmarking/Exp/DQNAgent/{agent}_{kind}.csv').open(newline='') as file:
        return list(csv.DictReader(file))


def test_the_score_is_the_last_reward_or_accuracy():
    reward = main('task=gym/cartpole', 'save_per_steps=20', 'keep_checkpoints=1')
    assert type(reward) is float and reward == float(logged('Eval')[-1]['reward'])
    best = main('task=gym/cartpole', 'evaluate_checkpoints=true')
    assert best == max(float(row['reward']) for row in logged('Checkpoints'))
    accuracy = main('task=classify/digits', 'train_steps=2')
    assert accuracy == float(logged('Eval', 'classify/digits_1')[-1]['accuracy'])


def test_without_an_evaluation_there_is_no_score():
    assert main('task=gym/cartpole', 'load_per_steps=10', 'learn_per_steps=0') is None
    assert not list(Path().rglob('*_Eval.csv'))
    assert main('task=classify/digits', 'generate=true', 'samples=4', 'train_steps=1') is None
    assert main('task=classify/digits', 'find_lr=3') is None


def test_a_repeated_run_returns_its_score_again(capsys):
    reward = main('task=gym/cartpole')
    assert Run.main(compose(['reproduce=Benchmarking'])) == reward


def test_more_merit_is_a_lower_fid_and_a_higher_accuracy():
    assert Report.merit({'fid': 3.0}) == -3 and Report.score({'fid': 3.0}) == 3
    assert Report.merit({'reward': 1.0, 'accuracy': 0.5}) == 0.5
    assert Report.score({'fid': None}) is Report.merit({}) is None
