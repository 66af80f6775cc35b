"""What a classifier's answers are worth."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def confusion_matrix(
    truth: Sequence[str], answer: Sequence[str | None], labels: Sequence[str]
) -> NDArray[np.int64]:
    """Count the windows by true label (rows) and answer (columns).

    A rejected window (None) counts in no column, so that rows can sum to less than
    the label's windows.

    Returns
    -------
    ndarray of int64, shape (n_labels, n_labels)
    """
    place = {label: k for k, label in enumerate(labels)}
    counts = np.zeros((len(labels), len(labels)), np.int64)
    for true, given in zip(truth, answer, strict=True):
        if given is not None:
            counts[place[true], place[given]] += 1
    return counts


def accuracy(truth: Sequence[str], answer: Sequence[str | None]) -> float | None:
    """Return the share of windows answered rightly; a rejected one is not."""
    if not truth:
        return None
    right = sum(a == b for a, b in zip(truth, answer, strict=True))
    return right / len(truth)


def recalls(
    truth: Sequence[str], answer: Sequence[str | None], labels: Sequence[str]
) -> dict[str, float]:
    """Return the share answered rightly of each label that occurs."""
    counts = confusion_matrix(truth, answer, labels)
    found = {label: sum(true == label for true in truth) for label in labels}
    return {
        label: float(counts[k, k] / found[label])
        for k, label in enumerate(labels)
        if found[label]
    }


def balanced_accuracy(
    truth: Sequence[str], answer: Sequence[str | None], labels: Sequence[str]
) -> float | None:
    """Return the mean of the recalls over the labels that occur."""
    each = recalls(truth, answer, labels)
    return float(np.mean(list(each.values()))) if each else None


def macro_f1(
    truth: Sequence[str], answer: Sequence[str | None], labels: Sequence[str]
) -> float | None:
    """Return the mean F1 over the labels that occur in the truth or in the answers."""
    counts = confusion_matrix(truth, answer, labels)
    found = np.array([sum(true == label for true in truth) for label in labels])
    total = found + counts.sum(0)
    f1 = 2 * counts.diagonal()[total > 0] / total[total > 0]
    return float(f1.mean()) if len(f1) else None


def over_people(scores: Sequence[float]) -> dict[str, float]:
    """Return mean, median and worst of one score a person."""
    return {
        "mean": float(np.mean(scores)),
        "median": float(np.median(scores)),
        "worst": float(np.min(scores)),
    }
