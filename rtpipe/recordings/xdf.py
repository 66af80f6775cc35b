"""XDF, the extensible data format that LSL's recorders write."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rtpipe.chtype import chtype
from rtpipe.errors import RecordingError
from rtpipe.estimate import IndexEstimate
from rtpipe.recording import Answers, Recording
from rtpipe.recordings.marks import Mark, marked
from rtpipe.recordings.names import different, named_apart
from rtpipe.recordings.table import FARTHEST
from rtpipe.recordings.xdfload import load
from rtpipe.types import Float32, Float64, StreamInfo
from rtpipe.unit import UNKNOWN, unit

logger = logging.getLogger(__name__)

Stream = dict[str, Any]


class Xdf:
    """Every stream of numbers at a fixed rate; those of texts are markers of them all.

    Notes
    -----
    Read by pyxdf: clocks synchronised, resets of a clock taken care of, times not
    smoothed. The index is estimated from these times, for there is no counter. Numbers
    that float32 does not hold (of int32, int64 and double64 streams) are rounded to
    the nearest it does. A channel without a label goes by its number; one without a
    unit is in ``"unknown"``. Streams without a fixed rate or without a sample are left
    out, which is told in the log, as is a file that is damaged.
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
            If pyxdf cannot read the file, or no stream is left.
        """
        streams, damaged = load(path, synchronised=True)
        raw, _ = load(path, synchronised=False)
        texts = [each for each in streams if _format(each) == "string"]
        numbers = [
            (each, before["time_stamps"])
            for each, before in zip(streams, raw, strict=True)
            if _format(each) != "string"
        ]
        left_out = [
            f"{_name(each)} {fault}" for each, _ in numbers if (fault := _fault(each))
        ]
        kept = [both for both in numbers if not _fault(both[0])]
        if not kept:
            why = "; ".join(left_out) or "it has no stream of numbers"
            raise RecordingError(
                f"{path} holds no samples at a fixed rate, which filters and windows "
                f"need: {why}"
            )
        marks = [
            (float(time), " ".join(map(str, sample)))
            for each in texts
            for time, sample in zip(
                each["time_stamps"], each["time_series"], strict=True
            )
        ]
        if untimed := sum(not np.isfinite(time) for time, _ in marks):
            left_out.append(f"{untimed} markers have no time")
        if damaged:
            logger.warning("%s is damaged or cut short: its rest is played", path)
        if left_out:
            logger.warning("%s: left out: %s", path, "; ".join(left_out))
        zero = min(float(each["time_stamps"][0]) for each, _ in kept)
        timed = [(time - zero, text) for time, text in marks if np.isfinite(time)]
        names = named_apart([_name(each) for each, _ in kept])
        return [
            _recording(path, each, name, stamps, zero, timed)
            for (each, stamps), name in zip(kept, names, strict=True)
        ]


def _recording(
    path: Path,
    stream: Stream,
    name: str,
    device_times: Float64,
    zero: float,
    marks: Sequence[tuple[float, str]],
) -> Recording:
    info = _info(stream, name)
    times: Float64 = np.maximum.accumulate(stream["time_stamps"]) - zero
    if not (
        np.isfinite(times) & (np.diff(times, prepend=0) < FARTHEST / info.sfreq)
    ).all():
        raise RecordingError(
            f"{path}: {name} has a time that is none, or too far from the one before"
        )
    index = IndexEstimate(info.sfreq).indices(times)
    newest = np.searchsorted(times, [time for time, _ in marks], "right") - 1
    events = marked(
        name,
        index,
        [
            Mark(time, text, 0.0, max(0, int(row)))
            for (time, text), row in zip(marks, newest, strict=True)
        ],
    )
    data = _as_float32(path, name, stream["time_series"])
    return Recording(info, index, times, data, events, device_times)


def _info(stream: Stream, name: str) -> StreamInfo:
    """Return what the stream's header says, in our words."""
    n_channels = stream["time_series"].shape[1]
    kind = _text(stream["info"], "type")
    told = _channels(stream["info"])[:n_channels]
    told += [{}] * (n_channels - len(told))
    labels = [_text(each, "label") or str(k) for k, each in enumerate(told, 1)]
    return StreamInfo(
        name=name,
        sfreq=_sfreq(stream),
        ch_names=different(labels),
        ch_types=tuple(chtype(_text(each, "type"), kind) for each in told),
        units=tuple(unit(_text(each, "unit")) or UNKNOWN for each in told),
        counted=False,
    )


def _as_float32(path: Path, name: str, values: Any) -> Float32:
    with np.errstate(over="ignore"):
        data: Float32 = values.astype(np.float32)
    if (np.isinf(data) & np.isfinite(values)).any():
        raise RecordingError(f"{path}: {name} has values too large for float32")
    return data


def _fault(stream: Stream) -> str:
    """Return why a stream of numbers cannot be played, or nothing."""
    if not len(stream["time_stamps"]):
        return "has no samples"
    return "" if 0 < _sfreq(stream) < np.inf else "has no fixed rate"


def _sfreq(stream: Stream) -> float:
    return float(_text(stream["info"], "nominal_srate"))


def _format(stream: Stream) -> str:
    return _text(stream["info"], "channel_format")


def _name(stream: Stream) -> str:
    info = stream["info"]
    return _text(info, "name") or _text(info, "type") or "stream"


def _channels(info: Any) -> list[Any]:
    """Return what a header says of each channel; any part of it may be missing."""
    for key in ("desc", "channels"):
        info = _first(info, key)
    return list(info.get("channel") or []) if isinstance(info, dict) else []


def _text(info: Any, key: str) -> str:
    found = _first(info, key)
    return found.strip() if isinstance(found, str) else ""


def _first(info: Any, key: str) -> Any:
    """Return the first of a header's elements of a name, None where there is none."""
    found = info.get(key) if isinstance(info, dict) else None
    return found[0] if found else None


XDF = Xdf()
