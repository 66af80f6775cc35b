"""A recorded stream on a regular grid, as the formats of others want it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rtpipe.convert.annotation import BAD_LOST, BAD_VALUE, Annotation, annotations
from rtpipe.errors import RecordingError
from rtpipe.recording import Recording, constant
from rtpipe.recordings.losses import Losses, losses
from rtpipe.types import Event, Float32, Float64, StreamInfo

MOST = 2**27  # values that may be made up for lost samples: half a GiB
_DATES = (473_385_600.0, 3_629_491_200.0)  # 1985 to 2085, in seconds since 1970


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """One stream with a row for each index, whether it was received or not.

    Parameters
    ----------
    info : StreamInfo
    first : int
        Index of the first row.
    times : ndarray of float64, shape (n_times,)
        As in the recording; of lost rows, on the straight line between.
    data : ndarray of float32, shape (n_times, n_channels)
        NaN where a row was lost.
    annotations : tuple of Annotation
        Markers, cues, truth, and what is bad, in the order of their rows.
    started : float or None
        Seconds since 1970 at the first row, where the recording tells them.
    losses : Losses
        What a run counts of these samples.
    n_lost : int
        Rows that never came: those that were lost and came late are in their place.
    dead : tuple of int
        Channels without a finite value.
    """

    info: StreamInfo
    first: int
    times: Float64
    data: Float32
    annotations: tuple[Annotation, ...]
    started: float | None
    losses: Losses
    n_lost: int
    dead: tuple[int, ...]

    def held(self, channel: int) -> Float64:
        """Return a channel with its last finite value where there is none.

        Shape (n_times,); 0 before the first finite value.
        """
        column = self.data[:, channel]
        finite = np.isfinite(column)
        rows = np.maximum.accumulate(np.where(finite, np.arange(len(column)), -1))
        known: Float64 = np.where(rows < 0, 0.0, column[rows]).astype(np.float64)
        return known

    def onset(self, annotation: Annotation) -> float:
        """Return where an annotation begins, in seconds after the first row."""
        return annotation.row / self.info.sfreq


def grid(recording: Recording) -> Grid:
    """Return a recording on the grid of its index.

    Raises
    ------
    RecordingError
        If a sample is not one row of numbers, or by far most samples were lost.
    """
    info = recording.info
    if info.sample_shape != (info.n_channels,):
        raise RecordingError(
            f"{info.name}: its samples have the shape {info.sample_shape}, and only "
            "one number a channel can be converted"
        )
    index, kept = np.unique(recording.index, return_index=True)
    first, n = int(index[0]), len(index)
    n_times = int(index[-1]) - first + 1
    if (n_times - n) * info.n_channels > MOST and n_times > 10 * n:
        raise RecordingError(
            f"{info.name}: {n_times - n} of {n_times} samples were lost, too many to "
            "write a row for each: is the recording damaged?"
        )
    rows = index - first
    data = np.full((n_times, info.n_channels), np.nan, np.float32)
    data[rows] = recording.data[kept]
    received = np.zeros(n_times, bool)
    received[rows] = True
    dead = ~np.isfinite(data).any(axis=0)
    wrong = received & ~np.isfinite(data[:, ~dead]).all(axis=1)
    bad = [*_spans(~received, BAD_LOST, info), *_spans(wrong, BAD_VALUE, info)]
    said = annotations(_placed(recording), first, n_times, info.sfreq)
    return Grid(
        info,
        first,
        np.interp(np.arange(n_times), rows, recording.times[kept]),
        data,
        tuple(sorted([*said, *bad])),
        _started(recording, kept),
        losses(recording.index),
        n_times - n,
        tuple(np.flatnonzero(dead).tolist()),
    )


def _placed(recording: Recording) -> list[Event]:
    """Return the events, each with the newest sample that is not later."""
    return [
        each
        if each.index is not None
        else replace(each, index=int(recording.index[_row(recording.times, each.time)]))
        for each in recording.events
    ]


def _row(times: Float64, time: float) -> int:
    return max(0, int(np.searchsorted(times, time, "right")) - 1)


def _spans(
    where: NDArray[np.bool_], text: str, info: StreamInfo
) -> Iterator[Annotation]:
    for start, stop in constant(where):
        if where[start]:
            yield Annotation(start, (stop - start) / info.sfreq, text)


def _started(recording: Recording, kept: NDArray[np.intp]) -> float | None:
    """Return when the first row was taken; devices' times may be dates."""
    if recording.started is not None:
        first = recording.started + float(recording.times[kept[0]])
    elif recording.device_times is not None:
        first = float(recording.device_times[kept[0]])
    else:
        return None
    return first if _DATES[0] <= first < _DATES[1] else None
