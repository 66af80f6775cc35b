"""Marks that were set on a recording, as events of its samples."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtpipe.errors import RecordingError
from rtpipe.types import Event, Float64

MOST = 400_000  # marks of a recording: one a second for a day, on four streams


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that a person or a program wrote onto a recording.

    Parameters
    ----------
    time : float
        When it begins, in seconds on the clock of the recording's times.
    text : str
    duration : float
        In seconds; 0 for a moment.
    row : int
        The newest sample that is not later; the first one where there is none.
    """

    time: float
    text: str
    duration: float
    row: int


def refuse_many(path: Path, n_marks: int) -> None:
    """Raise where a file tells of so many marks that it is not marked but damaged.

    In memory each is a hundred times what it is in the file.
    """
    if n_marks > MOST:
        raise RecordingError(
            f"{path} tells of {n_marks} markers, and at most {MOST} are read"
        )


def marked(
    stream: str, index: NDArray[np.int64], marks: Iterable[Mark]
) -> tuple[Event, ...]:
    """Return an event for each mark, in the order of their samples.

    Parameters
    ----------
    stream : str
    index : ndarray of int64, shape (n_times,)
        Of the recording's samples.
    marks : iterable of Mark
    """
    ordered = sorted(marks, key=lambda mark: (mark.row, mark.time))
    return tuple(
        Event(stream, mark.time, "marker", int(index[mark.row]), _data(mark))
        for mark in ordered
    )


def coded(
    path: Path,
    stream: str,
    column: Float64,
    index: NDArray[np.int64],
    times: Float64,
) -> tuple[Event, ...]:
    """Return an event where a code other than 0 begins in a column of codes.

    What is not finite is no code, as 0 is none.

    Parameters
    ----------
    path : Path
        Of the recording, for the error.
    stream : str
    column, index, times : ndarray, shape (n_times,)
        Of each sample: the code, the running number, the time.

    Raises
    ------
    RecordingError
        If they are more than a person or a program sets.
    """
    codes = np.where(np.isfinite(column), column, 0.0)
    begins = np.flatnonzero((np.diff(codes, prepend=0.0) != 0) & (codes != 0))
    refuse_many(path, len(begins))
    starts = begins.tolist()
    return marked(
        stream,
        index,
        [Mark(float(times[k]), _text(float(codes[k])), 0.0, k) for k in starts],
    )


def row_at(index: NDArray[np.int64], place: int) -> int:
    """Return the row of the newest sample whose index is not above `place`, or 0."""
    return max(0, int(np.searchsorted(index, place, "right")) - 1)


def _text(code: float) -> str:
    """Return the shortest text that no other code has."""
    return repr(code).removesuffix(".0")


def _data(mark: Mark) -> dict[str, Any]:
    data: dict[str, Any] = {"text": mark.text}
    if mark.duration > 0:
        data["duration"] = mark.duration
    return data
