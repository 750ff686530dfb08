"""Which items of a data set are used, in which classes, and whose labels are known."""

from typing import NamedTuple

import numpy as np

from Support.Errors import UserError, hint

MINI = {True: 2000, False: 500}  # images for training and testing with mini=true


class Selection(NamedTuple):
    """What `Dataset.subset=`, `Dataset.per_class=` and `Dataset.labelled=` say; None: everything."""

    subset: list | None = None  # classes, by number or name, which become 0..n-1 in this order
    per_class: int | None = None  # at most so many images of each class, for training
    labelled: float | None = None  # share of the training images, alike in every class, that keep their labels


def check(selection):
    """Raises UserError for values that make no sense with any data set."""
    subset, per_class, labelled = selection
    if subset is not None and (isinstance(subset, str) or not hasattr(subset, '__len__') or not len(subset)):
        raise UserError(f"Dataset.subset={subset} is no list of classes: Dataset.subset='[0,1,2]', by number or name.")
    if subset is not None and len(set(subset)) < len(subset):
        raise UserError(f'Dataset.subset={list(subset)} names a class twice.')
    if per_class is not None and (isinstance(per_class, bool) or not isinstance(per_class, int) or per_class < 1):
        raise UserError(f'Dataset.per_class={per_class} is no number of images: Dataset.per_class=50')
    if labelled is not None and (isinstance(labelled, (bool, str)) or not 0 < labelled <= 1):
        raise UserError(f'Dataset.labelled={labelled} is no share of the images: Dataset.labelled=0.1')


def numbered(subset, names):
    """The numbers of these classes among `names`; of all if subset is None. Raises UserError for one not there."""
    if subset is None:
        return list(range(len(names)))
    numbers = []
    for each in subset:
        if each in names:
            numbers.append(names.index(each))
        elif isinstance(each, int) and 0 <= each < len(names):
            numbers.append(each)
        else:
            raise UserError(
                f"Dataset.subset: no class '{each}' among {len(names)}.{hint(each, names)}"
                f' By number: 0 to {len(names) - 1}.'
            )
    return numbers


def select(label, classes, selection, train, mini):
    """Labels int64 [N], -1 where unknown -> positions int64 [M] of the items used, ascending, and their new labels [M].

    classes: numbers of the classes used, in their new order. Draws are the same in every run. For testing every item
    must have a label.
    """
    new = np.full(max(label.max(initial=-1), *classes) + 2, -2)  # -2: of a class not used
    new[classes] = np.arange(len(classes))
    new[-1] = -1 if train and selection.subset is None else -2
    label = new[label]
    kept, random = np.flatnonzero(label >= -1), np.random.default_rng(0)
    if train and selection.per_class:
        some = [random.permutation(np.flatnonzero(label == k))[: selection.per_class] for k in range(len(classes))]
        kept = np.sort(np.concatenate([np.flatnonzero(label == -1), *some]))
    if mini and len(kept) > MINI[train]:  # drawn, because many sets are sorted by class
        kept = np.sort(np.random.default_rng(0).permutation(kept)[: MINI[train]])
    label = label[kept]
    if train and selection.labelled is not None:
        known = [random.permutation(np.flatnonzero(label == k)) for k in range(len(classes))]
        known = np.concatenate([of[: max(1, round(selection.labelled * len(of)))] for of in known])
        label = np.where(np.isin(np.arange(len(label)), known), label, -1)
    return kept, label
