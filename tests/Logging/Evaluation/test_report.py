"""Evaluation of a classifier: numbers worked by hand, and the files beside them."""

import csv
from types import SimpleNamespace

import numpy as np
import pytest

from Datasets.Suites.Classify import Classify, Digits
from Environment import Environment
from Logging.Evaluation import Report
from Logging.Evaluation.Accuracy import calibration_error, rank, summary


def test_numbers_by_hand():
    logits = np.log([[0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.1, 0.1, 0.8], [0.25, 0.5, 0.25]]).astype(np.float32)
    numbers = summary(np.array([0, 1, 2, 1]), logits, ['ape', 'cat', 'dog'])
    assert numbers['accuracy'] == 0.75 and 'top5_accuracy' not in numbers
    assert numbers['loss'] == pytest.approx(-np.log([0.7, 0.3, 0.8, 0.5]).mean())
    # each in a bin of its own: |1 - 0.7| + |0 - 0.6| + |1 - 0.8| + |1 - 0.5|
    assert numbers['calibration_error'] == pytest.approx((0.3 + 0.6 + 0.2 + 0.5) / 4)
    assert [numbers[f'accuracy/{name}'] for name in ('ape', 'cat', 'dog')] == [1, 0.5, 1]
    assert all(type(number) is float for number in numbers.values())


def test_a_class_without_images_has_no_accuracy():
    assert 'accuracy/dog' not in summary(np.array([0, 1]), np.eye(3)[:2], ['ape', 'cat', 'dog'])


def test_calibration_by_hand():
    confidence = np.array([0.91, 0.95, 0.99, 0.52, 0.55])
    right = np.array([1, 1, 0, 1, 0])
    # 10 bins: (0.9, 1]: 3 items, accuracy 2/3, confidence 0.95; (0.5, 0.6]: 2 items, accuracy 1/2, confidence 0.535
    assert calibration_error(confidence, right, 10) == pytest.approx(3 / 5 * (0.95 - 2 / 3) + 2 / 5 * 0.035)
    assert calibration_error(np.array([1.0, 1.0]), np.array([1, 1])) == 0
    assert calibration_error(np.array([0.5]), np.array([0]), 2) == 0.5  # at a border: of the bin below


def test_ranks_order_ties_as_argmax_does():
    logits = np.array([[3.0, 1.0, 2.0], [0.0, 0.0, 0.0], [1.0, 2.0, 2.0]])
    assert [rank(np.full(3, k), logits).tolist() for k in range(3)] == [[0, 0, 2], [2, 1, 0], [1, 2, 1]]
    for row in logits:
        assert rank(np.array([row.argmax()]), row[None])[0] == 0


def test_top_five():
    logits = np.tile(np.arange(8.0), (8, 1))  # 7 before 6 before 5 ...
    assert summary(np.arange(8), logits, list('abcdefgh'))['top5_accuracy'] == 5 / 8


class Knower:
    """Classifies every digit of the test set correctly, but each 3 as an 8, with a confidence of 1 / (1 + 9 exp(-4)).

    It knows no other images."""

    domain, step = SimpleNamespace(name='classify'), 40

    def __init__(self, images):
        self.labels = {image.tobytes(): int(k) for image, k in zip(images.obs.numpy(), images.label, strict=True)}
        self.asked = []

    def act(self, obs, explore=True, first=None):
        assert not explore
        self.asked.append(len(obs))
        named = [self.labels.get(image.tobytes(), 10) for image in obs]
        return 4 * np.eye(11, 10, dtype=np.float32)[[8 if k == 3 else k for k in named]]


def evaluated(tmp_path, **settings):
    arena = Environment(Classify(Digits, num_envs=100, train=False))
    agent = Knower(arena.suite.data.test)
    args = SimpleNamespace(**{'tta': None, 'evaluate_episodes': None, 'train_steps': 40} | settings)
    numbers, files = Report.evaluate(args, agent, arena, None, tmp_path / 'digits_1')
    assert all(path.is_file() for path in files.values())
    return numbers, files, agent, arena.suite.data.test


def test_a_test_set_is_told_by_numbers_a_table_and_a_picture(tmp_path):
    numbers, files, agent, test = evaluated(tmp_path)
    assert list(files) == ['Confusion', 'Predictions']
    threes = int((test.label == 3).sum())
    assert (
        numbers['accuracy'] == pytest.approx(1 - threes / 359) and numbers['top5_accuracy'] == 1
    )  # 8, then 0, 1, 2, 3
    assert numbers['accuracy/3'] == 0 and numbers['accuracy/8'] == 1
    assert agent.asked == [100] * 4  # a batch at a time
    with open(tmp_path / 'digits_1_Predictions.csv', newline='') as file:
        rows = list(csv.DictReader(file))
    assert [int(row['item']) for row in rows] == list(range(359))
    assert [int(row['label']) for row in rows] == test.label.tolist()
    assert {(row['label'], row['prediction']) for row in rows if row['label'] != row['prediction']} == {('3', '8')}
    assert {row['confidence'] for row in rows} == {f'{1 / (1 + 9 * np.exp(-4)):.4f}'}
    assert (tmp_path / 'digits_1_Video_Image' / '40.png').stat().st_size > 5000


def test_only_the_end_of_training_writes_files(tmp_path):
    evaluated(tmp_path, train_steps=41)
    assert not list(tmp_path.iterdir())


def test_views_are_averaged(tmp_path):
    numbers, _, agent, _ = evaluated(tmp_path, tta=['mirror'])
    assert agent.asked == [100] * 8 and numbers['accuracy'] == pytest.approx(evaluated(tmp_path)[0]['accuracy'])
    assert numbers['loss'] == pytest.approx(0, abs=2) and numbers['calibration_error'] > 0.3  # half as sure
