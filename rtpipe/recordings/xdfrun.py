"""XDF files that rtpipe recorded: what a stream is says its role in its header."""

import json
from collections.abc import Mapping
from dataclasses import replace
from math import isfinite, prod
from pathlib import Path
from typing import Any

from rtpipe.errors import RecordingError
from rtpipe.estimate import finite
from rtpipe.recording import Recording
from rtpipe.recordings.xdfindex import numbered
from rtpipe.recordings.xdfstream import (
    as_float32,
    checked,
    estimated,
    first_time,
    name_of,
    times_of,
)
from rtpipe.types import Event, StreamInfo
from rtpipe.xdf.header import STRING
from rtpipe.xdf.read import File, Stream
from rtpipe.xdf.signal import signal_info

# What a run tells of itself: a replay makes these anew, they are not the device's.
MADE_BY_A_RUN = frozenset(
    (
        *("gap", "late", "quality", "skipped", "overrun", "sink", "none", "unfit"),
        *("degraded", "steady", "ledger", "disk", "recording", "malformed", "cues"),
        "placement",
    )
)
_NEEDED = {"truth": ("task", "label"), "marker": ("text",)}
_OF_EVERY_EVENT = ("type", "stream", "time", "kind", "index")


def is_run(file: File) -> bool:
    """Tell whether a file is one that rtpipe recorded."""
    return any(role(each) for each in file.streams)


def role(stream: Stream) -> str:
    """Return what a stream is for; empty where rtpipe did not write it."""
    return stream.header.about.get("role", "")


def about_run(file: File) -> dict[str, Any]:
    """Return what a file says of the run that it was recorded in."""
    said = [each.header.about.get("run", "") for each in file.streams]
    for text in filter(None, said):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            return found
    return {}


def recordings_of_run(
    path: Path, file: File
) -> tuple[list[tuple[Stream, Recording]], list[str]]:
    """Return the signals of a file, and why others are left out.

    Raises
    ------
    RecordingError
        If no signal is left, or one cannot be what it says it is.
    """
    signals = [each for each in file.streams if role(each) == "signal"]
    left_out = [f"{name_of(each)} {why}" for each in signals if (why := _fault(each))]
    kept = [each for each in signals if not _fault(each)]
    if not kept:
        why = "; ".join([*left_out, *file.damage[:1]]) or "it has no signal"
        raise RecordingError(f"{path} holds no samples that can be played: {why}")
    zero = min(first_time(each) for each in kept)
    events, broken = _events(file, zero)
    if broken:
        left_out.append(f"{broken} events that cannot be read")
    about = about_run(file)
    origins, started = about.get("origins"), _started(about, zero)
    found = []
    for each in kept:
        origin = _origin(each, origins)
        recording = _recording(path, file, each, events, zero, origin)
        found.append((each, replace(recording, started=started)))
    return found, left_out


def _started(about: Mapping[str, Any], zero: float) -> float | None:
    """Return a time of the run's clock in seconds since 1970, where both are told."""
    try:
        found = float(about["unix"]) + zero - float(about["started"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return found if isfinite(found) else None


def _recording(
    path: Path,
    file: File,
    stream: Stream,
    events: Mapping[str, list[Event]],
    zero: float,
    origin: int | None,
) -> Recording:
    info = _info(stream, origin)
    assert info is not None
    times = finite(times_of(stream), None, info.sfreq)
    times = checked(path, info, times, zero)
    told = _index_of(file, stream)
    guessed: tuple[int, ...] = ()
    if told is not None and len(told.values):
        index, guessed = numbered(path, stream, told)
    else:
        index = estimated(info, times)
    data = as_float32(path, info.name, stream.values)
    return Recording(
        info,
        index,
        times,
        data.reshape(-1, *info.sample_shape),
        tuple(events.get(info.name, ())),
        stream.stamps,
        guessed,
    )


def _fault(stream: Stream) -> str:
    """Return why a signal cannot be played, or nothing."""
    info = _info(stream, None)
    if info is None:
        return "does not say what it is"
    if not len(stream.stamps):
        return "has no samples"
    if stream.values.shape[1] != prod(info.sample_shape):
        return f"has samples of {stream.values.shape[1]} values, not as it says"
    return ""


def _info(stream: Stream, origin: int | None) -> StreamInfo | None:
    try:
        return signal_info(stream.header.about, origin)
    except ValueError:
        return None


def _origin(stream: Stream, origins: Any) -> int | None:
    if not isinstance(origins, dict):
        return None
    found = origins.get(stream.header.about.get("stream"))
    return found if isinstance(found, int) else None


def _index_of(file: File, signal: Stream) -> Stream | None:
    """Return the stream that says which index the samples of a signal have."""
    for each in file.streams:
        told = each.header.about
        if (
            told.get("role") == "index"
            and told.get("stream") == (signal.header.about["stream"])
        ):
            return each
    return None


def _events(file: File, zero: float) -> tuple[dict[str, list[Event]], int]:
    """Return what the devices told, by stream, and how many lines are broken.

    An event without an index stays behind all that were told before it.
    """
    found: dict[str, list[tuple[int, Event]]] = {}
    newest: dict[str, int] = {}
    broken = 0
    for stream in file.streams:
        if role(stream) != "events" or stream.header.channel_format != STRING:
            continue
        for time, (line, *_) in zip(times_of(stream), stream.rows(), strict=True):
            event = _event(line, float(time) - zero)
            if event is None:
                broken += 1
            elif event.kind not in MADE_BY_A_RUN:
                place = newest.get(event.stream, 0)
                if event.index is not None:
                    place = event.index
                newest[event.stream] = max(place, newest.get(event.stream, place))
                found.setdefault(event.stream, []).append((place, event))
    return {
        name: [event for _, event in sorted(events, key=lambda both: both[0])]
        for name, events in found.items()
    }, broken


def _event(line: str, time: float) -> Event | None:
    try:
        told = json.loads(line)
        stream, kind, index = told["stream"], told["kind"], told.get("index")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    if not (isinstance(stream, str) and isinstance(kind, str) and isfinite(time)):
        return None
    if index is not None and not isinstance(index, int):
        return None
    data = {key: each for key, each in told.items() if key not in _OF_EVERY_EVENT}
    if any(key not in data for key in _NEEDED.get(kind, ())):
        return None
    return Event(stream, time, kind, index, data)
