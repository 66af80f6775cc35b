"""XDF, the extensible data format that LSL's recorders write, and ours."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rtpipe.chtype import chtype
from rtpipe.errors import RecordingError
from rtpipe.recording import MOST, Answers, Recording
from rtpipe.recordings.marks import Mark, marked, refuse_many
from rtpipe.recordings.names import different, named_apart
from rtpipe.recordings.xdfrun import is_run, recordings_of_run
from rtpipe.recordings.xdfstream import (
    as_float32,
    checked,
    estimated,
    first_time,
    name_of,
    times_of,
)
from rtpipe.types import StreamInfo
from rtpipe.unit import UNKNOWN, unit
from rtpipe.xdf.header import STRING, Channel
from rtpipe.xdf.read import File, Stream
from rtpipe.xdf.read import read as read_file

logger = logging.getLogger(__name__)


class Xdf:
    """Every stream of numbers at a fixed rate; those of texts are markers of them all.

    Notes
    -----
    Clocks are synchronised, resets of a clock taken care of, times not smoothed. The
    index is estimated from these times, for there is no counter. Numbers that float32
    does not hold (of int32, int64 and double64 streams) are rounded to the nearest it
    does. A channel without a label goes by its number; one without a unit is in
    ``"unknown"``. Streams without a fixed rate or without a sample are left out, which
    is told in the log, as is a file that is damaged.

    Of a file that rtpipe recorded, only its signals are streams: exactly as they were,
    with the index they had, and with the events that their device told.
    """

    title = "XDF"

    def matches(self, head: bytes) -> bool:
        """Compare the first bytes."""
        return head.startswith(b"XDF:")

    def read(self, path: Path, answers: Answers) -> Sequence[Recording]:
        """Return the streams; their times are since the first sample of them all.

        Raises
        ------
        RecordingError
            If no stream is left, or one has times or values that cannot be.
        """
        file = read_file(path)
        if file.damage:
            logger.warning("%s is damaged or cut short: its rest is played", path)
        found, left_out = recordings(path, file)
        if left_out:
            logger.warning("%s: left out: %s", path, "; ".join(left_out))
        return [recording for _, recording in found]


def recordings(
    path: Path, file: File
) -> tuple[list[tuple[Stream, Recording]], list[str]]:
    """Return what of a file can be played, and why the rest is left out.

    Raises
    ------
    RecordingError
        See `Xdf.read`.
    """
    if is_run(file):
        return recordings_of_run(path, file)
    texts = [each for each in file.streams if each.header.channel_format == STRING]
    numbers = [each for each in file.streams if each.header.channel_format != STRING]
    left_out = [f"{name_of(each)} {why}" for each in numbers if (why := _fault(each))]
    kept = [each for each in numbers if not _fault(each)]
    if not kept:
        why = "; ".join([*left_out, *file.damage[:1]]) or "it has no stream of numbers"
        raise RecordingError(
            f"{path} holds no samples at a fixed rate, which filters and windows "
            f"need: {why}"
        )
    # Each stream gets all of them: in a small file they can be very many.
    refuse_many(path, sum(len(each.stamps) for each in texts) * len(kept))
    marks = [
        (float(time), " ".join(row))
        for each in texts
        for time, row in zip(times_of(each), each.rows(), strict=True)
    ]
    if untimed := sum(not np.isfinite(time) for time, _ in marks):
        left_out.append(f"{untimed} markers have no time")
    zero = min(first_time(each) for each in kept)
    timed = [(time - zero, text) for time, text in marks if np.isfinite(time)]
    names = named_apart([name_of(each) for each in kept])
    found = [
        (each, _recording(path, each, name, zero, timed))
        for each, name in zip(kept, names, strict=True)
    ]
    return found, left_out


def _recording(
    path: Path,
    stream: Stream,
    name: str,
    zero: float,
    marks: Sequence[tuple[float, str]],
) -> Recording:
    info = _info(path, stream, name)
    times = checked(path, info, times_of(stream), zero)
    index = estimated(info, times)
    newest = np.searchsorted(times, [time for time, _ in marks], "right") - 1
    events = marked(
        name,
        index,
        [
            Mark(time, text, 0.0, max(0, int(row)))
            for (time, text), row in zip(marks, newest, strict=True)
        ],
    )
    data = as_float32(path, name, stream.values)
    return Recording(info, index, times, data, events, stream.stamps)


def _info(path: Path, stream: Stream, name: str) -> StreamInfo:
    """Return what the stream's header says, in our words."""
    header = stream.header
    if header.channel_count > MOST:
        raise RecordingError(
            f"{path}: {name} is said to have {header.channel_count} channels, more "
            f"than the {MOST} that are read: is the file damaged?"
        )
    n_lacking = header.channel_count - len(header.channels)
    told = [*header.channels, *[Channel()] * n_lacking]
    labels = [each.label.strip() or str(k) for k, each in enumerate(told, 1)]
    return StreamInfo(
        name=name,
        sfreq=header.nominal_srate,
        ch_names=different(labels),
        ch_types=tuple(chtype(each.type, header.type) for each in told),
        units=tuple(unit(each.unit) or UNKNOWN for each in told),
        counted=False,
    )


def _fault(stream: Stream) -> str:
    """Return why a stream of numbers cannot be played, or nothing."""
    if not len(stream.stamps):
        return "has no samples"
    return "" if 0 < stream.header.nominal_srate < np.inf else "has no fixed rate"


XDF = Xdf()
