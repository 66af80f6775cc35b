"""What every signal of an XDF file needs, whoever recorded it."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtpipe.errors import RecordingError
from rtpipe.recordings.table import FARTHEST
from rtpipe.types import Float32, Float64, StreamInfo
from rtpipe.xdf.clocks import lines, synchronised
from rtpipe.xdf.read import Stream


def name_of(stream: Stream) -> str:
    """Return what a stream goes by."""
    return stream.header.name.strip() or stream.header.type.strip() or "stream"


def times_of(stream: Stream) -> Float64:
    """Return the times of a stream's samples on the recorder's clock, in seconds."""
    return synchronised(stream.stamps, lines(stream.offsets))


def checked(path: Path, info: StreamInfo, times: Float64) -> Float64:
    """Return times that never decrease.

    Raises
    ------
    RecordingError
        If one is none, or so far from the one before that it must be broken.
    """
    name, sfreq = info.name, info.sfreq
    times = np.maximum.accumulate(times)
    if not (np.isfinite(times) & (np.diff(times, prepend=0) < FARTHEST / sfreq)).all():
        raise RecordingError(
            f"{path}: {name} has a time that is none, or too far from the one before"
        )
    return times


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
