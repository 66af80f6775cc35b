"""Probabilities as bars, one row a label."""

from collections.abc import Sequence
from math import isfinite

from rtpipe.percent import percent
from rtpipe.printable import clean
from rtpipe.terminal.canvas import (
    ACCENT,
    BOLD,
    FRAME,
    PLAIN,
    QUIET,
    STRONG,
    WAVE,
    Line,
    cell,
    fit,
)
from rtpipe.types import Prediction


def bars(
    labels: Sequence[str],
    answer: Prediction | None,
    width: int,
    label_width: int,
    judged: bool,
) -> list[Line]:
    """Return one line a label: a sign for the decision, the bar, percent, the truth.

    Parameters
    ----------
    labels : sequence of str
    answer : Prediction or None
        None draws empty bars.
    width, label_width : int
        Cells of a line, and of the label in it.
    judged : bool
        Whether room is kept for the truth, which may be unknown for a while.
    """
    truth = None if answer is None else answer.truth
    length = max(0, width - label_width - 9 - (9 if judged else 0))
    lines = []
    for label in labels:
        value = None if answer is None else answer.probabilities.get(label)
        decided = answer is not None and answer.label == label
        name = fit([cell(clean(label), BOLD if decided else PLAIN)], label_width)
        lines.append(
            [
                cell("▸ " if decided else "  ", STRONG),
                *name,
                cell(" "),
                *bar(value, length, decided),
                cell("  ◂ truth" if truth == label else "", QUIET),
            ]
        )
    return lines


def bar(value: float | None, length: int, decided: bool) -> Line:
    """Return a bar of `length` cells and, behind it, the percent."""
    full, rest = _bar(value, length)
    return [
        cell(full, ACCENT if decided else WAVE),
        cell(rest, FRAME),
        cell(f" {percent(value)}", BOLD if decided else PLAIN),
    ]


def _bar(value: float | None, length: int) -> tuple[str, str]:
    """Return the full and the empty part, to half a cell."""
    share = value if value is not None and isfinite(value) else 0.0
    halves = round(2 * length * min(1.0, max(0.0, share)))
    full = "━" * (halves // 2) + "╸" * (halves % 2)
    return full, "─" * (length - len(full))
