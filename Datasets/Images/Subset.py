"""Subsets of a data set: the items that are used, their classes, and the share whose labels are known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from Support.Errors import UserError, hint

MINI = {True: 2000, False: 500}  # images for training and testing with mini=true


class Subset(NamedTuple):
    """The values of `Dataset.subset=`, `Dataset.per_class=` and `Dataset.labelled=`; None: everything."""

    subset: Sequence | None = None  # classes, by number or name, which become 0..n-1 in this order
    per_class: int | None = None  # training images of each class at most
    labelled: float | None = None  # share of each class's training images that keep their labels

    def check(self) -> None:
        """Raises UserError for values that make no sense with any data set."""
        subset, per_class, labelled = self
        if subset is not None and (isinstance(subset, str) or not hasattr(subset, '__len__') or not len(subset)):
            raise UserError(
                f"Dataset.subset={subset} is no list of classes: Dataset.subset='[0,1,2]', by number or name."
            )
        if subset is not None and len(set(subset)) < len(subset):
            raise UserError(f'Dataset.subset={list(subset)} names a class twice.')
        if per_class is not None and (isinstance(per_class, bool) or not isinstance(per_class, int) or per_class < 1):
            raise UserError(f'Dataset.per_class={per_class} is no number of images: Dataset.per_class=50')
        if labelled is not None and (isinstance(labelled, (bool, str)) or not 0 < labelled <= 1):
            raise UserError(f'Dataset.labelled={labelled} is no share of the images: Dataset.labelled=0.1')


def class_numbers(subset: Sequence | None, names: list[str]) -> list[int]:
    """Returns the numbers of these classes among `names`; all if subset is None. Raises UserError for unknown ones."""
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


def select(label: np.ndarray, classes: Sequence[int], subset: Subset, train: bool,
           mini: bool) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Returns positions int64 [M] of the items used, ascending, and their new labels [M].

    label: of all items, int64 [N], -1 where unknown; test items must have one. classes: numbers of the classes used,
    in their new order. Draws are the same in every run.
    """
    new = np.full(max(label.max(initial=-1), *classes) + 2, -2)  # -2: of a class not used
    new[classes] = np.arange(len(classes))
    new[-1] = -1 if train and subset.subset is None else -2
    label = new[label]
    kept, random = np.flatnonzero(label >= -1), np.random.default_rng(0)
    if train and subset.per_class:
        some = [random.permutation(np.flatnonzero(label == k))[: subset.per_class] for k in range(len(classes))]
        kept = np.sort(np.concatenate([np.flatnonzero(label == -1), *some]))
    if mini and len(kept) > MINI[train]:  # drawn, because many sets are sorted by class
        kept = np.sort(np.random.default_rng(0).permutation(kept)[: MINI[train]])
    label = label[kept]
    if train and subset.labelled is not None:
        shuffled = [random.permutation(np.flatnonzero(label == k)) for k in range(len(classes))]
        known = np.concatenate([of[: max(1, round(subset.labelled * len(of)))] for of in shuffled])
        label = np.where(np.isin(np.arange(len(label)), known), label, -1)
    return kept, label
