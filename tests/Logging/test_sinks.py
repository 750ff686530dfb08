"""A run hands its numbers and the files it writes to every sink, also to one of the user's own."""

import csv

import pytest

import Run
from Hyperparams.Compose import compose
from Logging.Logger import Logger
from Logging.Sinks import Sink
from Runs import Build
from Support.Interrupts import Interrupts
from Support.World import World

TINY = """threads=1 tensorboard=false train_steps=40 seed_steps=10 explore_steps=10 evaluate_per_steps=0
          evaluate_episodes=1 log_per_steps=20 hidden_dim=16 trunk_dim=16 batch_size=8"""


class Tracker(Sink):
    """Keeps all that it gets."""

    def __init__(self):
        self.rows, self.files, self.steps, self.closed = [], [], [], 0

    def write(self, kind, row):
        self.rows.append((kind, dict(row)))

    def artifact(self, name, path, step):
        assert path.is_file()  # it is complete by then
        self.files.append((name, path.name, step))

    def progress(self, step):
        self.steps.append(step)

    def close(self):
        self.closed += 1


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tracked(*words):
    """A tiny run with a tracker -> the tracker, the run's prefix."""
    parts, tracker = Build.parts(compose([*TINY.split(), *words])), Tracker()
    parts.logger.sinks.append(tracker)
    with Interrupts() as interrupts:
        Run.train(parts, interrupts)
    parts.close()
    return tracker, parts.prefix


def test_a_tracker_sees_numbers_videos_and_plots():
    tracker, prefix = tracked('task=gym/cartpole')
    assert [(kind, row['step']) for kind, row in tracker.rows] == [
        ('Eval', 0), ('Train', 20), ('Train', 40), ('Eval', 40)]  # fmt: skip
    with prefix.with_name(f'{prefix.name}_Eval.csv').open(newline='') as file:
        table = list(csv.DictReader(file))
    logged = [{key: str(value) for key, value in row.items()} for kind, row in tracker.rows if kind == 'Eval']
    assert table == logged
    assert tracker.files == [('Video', '0.mp4', 0), ('Video', '40.mp4', 40)] + [
        (f'Plots/gym_{name}', f'gym_{name}.{ending}', 40)
        for name, ending in (('table', 'csv'), ('curves', 'png'), ('bars', 'png'))
    ]
    assert tracker.steps == list(range(1, 41)) and tracker.closed == 1


def test_a_tracker_sees_generated_images():
    tracker, _ = tracked('task=classify/digits', 'generate=true', 'samples=12', 'train_steps=1')
    assert [name for name, _, step in tracker.files if step == 1] == ['Samples', 'Grid', 'Morphs', 'Neighbors']


def test_a_process_that_is_not_the_first_logs_evaluates_and_saves_nothing(folder):
    args = compose([*TINY.split(), 'task=gym/cartpole', 'replay.save=false', 'plotting.plot_experiments=false'])
    parts = Build.parts(args)
    parts.world = World(1, 2)
    assert type(parts.logger) is Logger and not parts.logger.sinks
    with Interrupts() as interrupts:
        assert Run.train(parts, interrupts) is None
    parts.close()
    assert parts.agent.updates and not [path for path in folder.rglob('*') if path.is_file()]
