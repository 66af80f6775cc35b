"""How often a model was right, as far as it is known. No Qt."""

from dataclasses import dataclass

import numpy as np

from rtpipe.dashboard.model import Answers


@dataclass(frozen=True, slots=True)
class Agreement:
    """The answers whose truth is known, and those that were right, by true label.

    Counted are the answers that are kept, those of the last ten minutes, where all
    samples of the window have one true label: a window across a change of label is left
    out. An answer without a decision is not right.

    Parameters
    ----------
    judged, correct : dict of str to int
        By true label; those that never were true are left out.
    n_labels : int
        How many labels there are.
    """

    judged: dict[str, int]
    correct: dict[str, int]
    n_labels: int

    @property
    def balanced_accuracy(self) -> float | None:
        """The mean of the labels' recalls; None where no truth is known."""
        recalls = [self.correct[each] / n for each, n in self.judged.items()]
        return sum(recalls) / len(recalls) if recalls else None

    def short(self) -> str:
        """Return it in a few words; empty where no truth is known."""
        share = self.balanced_accuracy
        if share is None:
            return ""
        known = len(self.judged)
        of = f", {known} of {self.n_labels} labels" * (known < self.n_labels)
        return f"balanced accuracy {_percent(share)}{of}"

    def long(self) -> str:
        """Return what it counts, and of each label how often it was recognised."""
        lines = [
            f"{label}: {_percent(self.correct[label] / n)} of {n:,} windows"
            for label, n in self.judged.items()
        ]
        return "\n".join(
            [
                "Of what was true, this much was recognised:",
                *lines,
                f"Their mean is the balanced accuracy: guessing has "
                f"{_percent(1 / self.n_labels)}.",
                "Counted are the last ten minutes that this window has seen.",
                "An answer without a decision counts as wrong.",
                "Windows across a change of label are not counted.",
            ]
        )


def agreement(answers: Answers) -> Agreement:
    """Count how often answers were right."""
    truth, label, n = answers.truth, answers.label, len(answers.labels)
    known = truth >= 0
    judged = np.bincount(truth[known], minlength=n).tolist()
    correct = np.bincount(truth[known & (label == truth)], minlength=n).tolist()
    there = [k for k in range(n) if judged[k]]
    return Agreement(
        {answers.labels[k]: judged[k] for k in there},
        {answers.labels[k]: correct[k] for k in there},
        n,
    )


def _percent(share: float) -> str:
    """Return a share that is rounded down, so that 100% is all of it."""
    return f"{np.floor(1000 * share + 1e-9) / 10:.1f}%"
