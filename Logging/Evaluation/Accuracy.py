"""How right a classifier is, and how well it knows it: labels int64 [N] against logits [N, K]."""

import csv
import io

import numpy as np

from Support.Files import atomic_write

BINS = 15  # of confidence


def summary(label, logits, names):
    """Numbers by name, shares in 0..1: accuracy, top5_accuracy (of more than five classes), loss (mean negative
    log-likelihood), calibration_error, and accuracy/<class> of each class that there are images of."""
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


def log_softmax(logits):
    """[N, K] -> [N, K]"""
    logits = logits - logits.max(-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def rank(label, logits):
    """How many classes come before the label's [N]; of those equally likely the first one does, as in argmax."""
    own, before = logits[np.arange(len(label)), label][:, None], np.arange(logits.shape[1]) < label[:, None]
    return ((logits > own) | ((logits == own) & before)).sum(-1)


def calibration_error(confidence, right, bins=BINS):
    """Mean gap between confidence and accuracy over bins of confidence, weighted by their items (arXiv:1706.04599,
    eq. 3). Both [N]."""
    which = (np.ceil(confidence * bins) - 1).clip(0, bins - 1).astype(int)  # bin m is ((m - 1) / M, m / M]
    gaps = np.bincount(which, right - confidence, minlength=bins)  # of sums over items
    return np.abs(gaps).sum() / len(confidence)


def save_predictions(path, label, logits, names):
    """A CSV with a row per test item, in the data set's order: item, label, prediction, confidence."""
    prediction, confidence = logits.argmax(-1), np.exp(log_softmax(logits).max(-1))
    text = io.StringIO()
    table = csv.writer(text, lineterminator='\n')
    table.writerow(('item', 'label', 'prediction', 'confidence'))
    for item, (own, named, sure) in enumerate(zip(label, prediction, confidence, strict=True)):
        table.writerow((item, names[own], names[named], f'{sure:.4f}'))
    atomic_write(path, text.getvalue())
