"""What every signal of an XDF file needs, whoever recorded it."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtpipe.errors import RecordingError
from rtpipe.estimate import IndexEstimate
from rtpipe.recordings.table import FARTHEST
from rtpipe.types import Float32, Float64, StreamInfo
from rtpipe.xdf.clocks import lines, synchronised
from rtpipe.xdf.read import Stream

_AT_ONCE = 1 << 16  # samples, so that what is made on the way stays small


def name_of(stream: Stream) -> str:
    """Return what a stream goes by."""
    return stream.header.name.strip() or stream.header.type.strip() or "stream"


def times_of(stream: Stream) -> Float64:
    """Return the times of a stream's samples on the recorder's clock, in seconds."""
    return synchronised(stream.stamps, lines(stream.offsets))


def first_time(stream: Stream) -> float:
    """Return the first time of a stream's samples on the recorder's clock."""
    row = int(np.isfinite(stream.stamps).argmax())
    return float(synchronised(stream.stamps[row : row + 1], lines(stream.offsets))[0])


def checked(path: Path, info: StreamInfo, times: Float64, zero: float) -> Float64:
    """Return times since `zero` that never decrease, in the place of those given.

    Raises
    ------
    RecordingError
        If one is none, or so far from the one before that it must be broken.
    """
    farthest = FARTHEST / info.sfreq
    with np.errstate(invalid="ignore", over="ignore"):
        times -= zero
        np.maximum.accumulate(times, out=times)
        sound = times[0] < farthest and (times[1:] - times[:-1] < farthest).all()
    if not sound:
        raise RecordingError(
            f"{path}: {info.name} has a time that is none, or too far from the one "
            "before"
        )
    return times


def estimated(info: StreamInfo, times: Float64) -> NDArray[np.int64]:
    """Return the index of each sample as its time tells it."""
    index = np.empty(len(times), np.int64)
    estimate = IndexEstimate(info.sfreq)
    for k in range(0, len(times), _AT_ONCE):
        rows = slice(k, k + _AT_ONCE)
        index[rows] = estimate.indices(times[rows])
    return index


def as_float32(path: Path, name: str, values: NDArray[Any]) -> Float32:
    """Return values as the pipeline takes them, rounded to the nearest.

    Raises
    ------
    RecordingError
        If one is too large.
    """
    with np.errstate(over="ignore"):
        data: Float32 = values.astype(np.float32)
    if values.dtype == np.float64 and (np.isinf(data) & np.isfinite(values)).any():
        raise RecordingError(f"{path}: {name} has values too large for float32")
    return data
