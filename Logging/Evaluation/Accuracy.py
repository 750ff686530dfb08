"""Accuracy and calibration of a classifier, from labels int64 [N] and logits [N, K]."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from Support.Files import atomic_write

BINS = 15  # of confidence


def summary(label: np.ndarray, logits: np.ndarray, names: Sequence[str]) -> dict[str, float]:
    """Returns numbers by name, shares in 0..1: accuracy, top5_accuracy (with more than five classes), loss (mean
    negative log-likelihood), calibration_error, and accuracy/<class> of each class that occurs."""
    log_probs = log_softmax(logits)
    prediction = logits.argmax(-1)
    right = prediction == label
    numbers = {'accuracy': right.mean()}
    if logits.shape[1] > 5:
        numbers['top5_accuracy'] = (rank(label, logits) < 5).mean()
    numbers['loss'] = -log_probs[np.arange(len(label)), label].mean()
    numbers['calibration_error'] = calibration_error(np.exp(log_probs.max(-1)), right)
    numbers |= {f'accuracy/{names[k]}': right[label == k].mean() for k in np.unique(label)}
    return {name: float(number) for name, number in numbers.items()}


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """[N, K] -> [N, K]"""
    logits = logits - logits.max(-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def rank(label: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Returns how many classes rank before the label, int64 [N]; of equal logits the first does, as in argmax."""
    own, before = logits[np.arange(len(label)), label][:, None], np.arange(logits.shape[1]) < label[:, None]
    return ((logits > own) | ((logits == own) & before)).sum(-1)


def calibration_error(confidence: np.ndarray, right: np.ndarray, bins: int = BINS) -> float:
    """Returns the expected calibration error: the mean gap between confidence [N] and accuracy (right, [N]) over bins
    of confidence, weighted by their items (arXiv:1706.04599, eq. 3)."""
    which = (np.ceil(confidence * bins) - 1).clip(0, bins - 1).astype(int)  # bin m is ((m - 1) / M, m / M]
    gaps = np.bincount(which, right - confidence, minlength=bins)  # summed over the items of a bin
    return np.abs(gaps).sum() / len(confidence)


def save_predictions(path: Path, label: np.ndarray, logits: np.ndarray, names: Sequence[str]) -> None:
    """Writes a CSV with a row per test item, in the data set's order: item, label, prediction, confidence."""
    prediction, confidence = logits.argmax(-1), np.exp(log_softmax(logits).max(-1))
    text = io.StringIO()
    table = csv.writer(text, lineterminator='\n')
    table.writerow(('item', 'label', 'prediction', 'confidence'))
    for item, (own, named, sure) in enumerate(zip(label, prediction, confidence, strict=True)):
        table.writerow((item, names[own], names[named], f'{sure:.4f}'))
    atomic_write(path, text.getvalue())
