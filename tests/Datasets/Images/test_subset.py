"""Classes, images per class, and missing labels: chosen alike in every run, relabelled from 0 on."""

import numpy as np
import pytest

from Datasets.Images.ImageData import ImageData
from Datasets.Images.Subset import Subset, class_numbers, select
from Datasets.Suites.Classify import Classify, Digits
from Hyperparams.Compose import compose
from Support.Errors import UserError

NAMES = ['ape', 'cat', 'dog', 'yak']
LABEL = np.array([0, 1, 2, 3, 3, 2, 1, 0, -1])


def test_classes_by_number_and_name_in_their_order():
    assert class_numbers(None, NAMES) == [0, 1, 2, 3]
    assert class_numbers([3, 'cat', 0], NAMES) == [3, 1, 0]
    assert class_numbers(['2', 2], ['1', '2', '3']) == [1, 2]  # a name is a name, a number a number


def test_a_subset_is_relabelled():
    kept, label = select(LABEL, [3, 1], Subset(subset=[3, 1]), train=True, mini=False)
    assert kept.tolist() == [1, 3, 4, 6] and label.tolist() == [1, 0, 0, 1]  # yak is 0, cat is 1


def test_what_has_no_label_is_for_training_alone():
    kept, label = select(LABEL, range(4), Subset(), train=True, mini=False)
    assert kept.tolist() == list(range(9)) and label[-1] == -1
    kept, _ = select(LABEL, range(4), Subset(), train=False, mini=False)
    assert kept.tolist() == list(range(8))


def test_images_per_class_are_at_most_so_many_and_those_for_testing_all():
    label = np.array([0] * 50 + [1] * 3 + [2] * 20)
    selection = Subset(per_class=10)
    kept, new = select(label, range(3), selection, train=True, mini=False)
    assert np.bincount(new).tolist() == [10, 3, 10] and np.array_equal(label[kept], new)
    assert np.array_equal(kept, select(label, range(3), selection, train=True, mini=False)[0])
    assert len(select(label, range(3), selection, train=False, mini=False)[0]) == 73


def test_a_share_of_each_class_keeps_its_label():
    label = np.array([0] * 50 + [1] * 30 + [2])
    kept, new = select(label, range(3), Subset(labelled=0.1), train=True, mini=False)
    assert len(kept) == 81 and np.bincount(new[new >= 0]).tolist() == [5, 3, 1]  # one at least
    assert np.array_equal(new[new >= 0], label[new >= 0])
    assert (select(label, range(3), Subset(labelled=0.1), train=False, mini=False)[1] >= 0).all()


def test_digits_of_some_classes():
    whole = ImageData(Digits, {}, '')
    data = ImageData(Digits, {}, '', subset=[7, 3], per_class=20, labelled=0.5)
    assert data.class_names == ['7', '3'] and len(data.train.label) == 40
    assert (data.train.label == -1).sum() == 20 and (data.train.label == 0).sum() == 10
    sevens = data.test.obs[data.test.label == 0]
    assert len(sevens) == (whole.test.label == 7).sum()
    assert (sevens == whole.test.obs[whole.test.label == 7]).all()
    suite = Classify(Digits, num_envs=4, train=False, subset=[7, 3])
    assert suite.spec.num_actions == 2 and suite.episodes == len(data.test.label)


def test_the_command_line_says_it_of_the_data_set():
    words = ['task=classify/digits', 'Dataset.subset=[3,8]', '+Dataset.per_class=50', 'Dataset.labelled=0.1']
    suite = compose(words).suite
    assert (suite.subset, suite.per_class, suite.labelled) == ([3, 8], 50, 0.1) and 'subset' not in suite.Dataset


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'subset': ['7', 'eihgt']}, "no class 'eihgt'"),
        ({'subset': [10]}, '0 to 9'),
        ({'subset': []}, 'list of classes'),
        ({'subset': 'cat'}, 'list of classes'),
        ({'subset': [1, 1]}, 'twice'),
        ({'per_class': 0}, 'Dataset.per_class=50'),
        ({'labelled': 1.5}, 'Dataset.labelled=0.1'),
        ({'labelled': 'some'}, 'Dataset.labelled=0.1'),
    ],
)
def test_errors_are_one_sentence(settings, message):
    with pytest.raises(UserError, match=message) as error:
        Classify(Digits, **settings)
    assert '\n' not in str(error.value)
