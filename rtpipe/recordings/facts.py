"""What can be told of a recording without a model: rates, losses, clocks, marks."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtpipe.errors import RecordingError
from rtpipe.recording import Answers, Layout, Recording
from rtpipe.recordings.losses import losses
from rtpipe.recordings.xdf import XDF, recordings
from rtpipe.recordings.xdfrun import about_run, is_run, role
from rtpipe.recordings.xdfstream import name_of, times_of
from rtpipe.types import Float64
from rtpipe.xdf.clocks import Line, lines
from rtpipe.xdf.header import STRING
from rtpipe.xdf.read import File, Stream
from rtpipe.xdf.read import read as read_file

_NOTHING = Answers()
_DRIFTS = 60.0  # seconds; in less the measurements' own errors look like a drift
_AT_ONCE = 1 << 16  # samples, so that what is made on the way stays small


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """What is known of one stream; None where it does not apply.

    Parameters
    ----------
    name, type : str
    n_channels, samples : int
    sfreq, effective : float or None
        The rate that is told, and that of the samples with the lost ones between them,
        in hertz.
    duration : float
        From the first sample to the last, in seconds.
    gaps, lost, late : int or None
        Jumps of the index, samples lost in them, and samples that came late or twice:
        what a run counts of them, see `rtpipe.recordings.losses`.
    counted : bool or None
        Whether the device counted them; else they are estimated from the times.
    jitter : float or None
        By how much the time between two samples, none of them lost, is off at most, in
        seconds.
    drift : float or None
        Of the sender's clock against the recorder's, in parts per million: that of the
        longest stretch between two resets, if it was measured for a minute at least.
    resets : tuple of float
        By how many seconds the sender's clock was set anew, each time.
    unreadable : int
        Samples that the footer tells of and the file has not.
    plays : bool
        Whether it can be replayed.
    """

    name: str
    type: str
    n_channels: int
    samples: int
    sfreq: float | None = None
    effective: float | None = None
    duration: float = 0.0
    gaps: int | None = None
    lost: int | None = None
    late: int | None = None
    counted: bool | None = None
    jitter: float | None = None
    drift: float | None = None
    resets: tuple[float, ...] = ()
    unreadable: int = 0
    plays: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a file.

    Parameters
    ----------
    file, layout : str
    size : int
        In bytes.
    streams : tuple of StreamFacts
        Of a file of rtpipe's, its signals only.
    markers : dict of str to int
        How often each text was marked.
    events : dict of str to int
        Of a file of rtpipe's: how often each kind of event was told.
    models : dict of str to dict
        Of a file of rtpipe's, by model and stream: its decisions by their label, and
        how many windows were skipped.
    run : dict
        What a file of rtpipe's says of its run.
    whole : bool or None
        Whether nothing is missing; None where the layout does not tell.
    cut : int or None
        The byte from which on nothing can be read.
    damage, notes : tuple of str
        What cannot be read, and where; what else is not as it should be.
    """

    file: str
    layout: str
    size: int
    streams: tuple[StreamFacts, ...]
    markers: dict[str, int]
    events: dict[str, int] = field(default_factory=dict)
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    run: dict[str, Any] = field(default_factory=dict)
    whole: bool | None = None
    cut: int | None = None
    damage: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def facts(path: Path, layout: Layout, answers: Answers = _NOTHING) -> Facts:
    """Look into a recording.

    Parameters
    ----------
    path : Path
    layout : Layout
        Which it is in.
    answers : Answers
        What it does not say itself.

    Raises
    ------
    RecordingError
        If it cannot be read.
    """
    if layout is XDF:
        return _of_xdf(path, read_file(path))
    found = layout.read(path, answers)
    return Facts(
        file=str(path),
        layout=layout.title,
        size=path.stat().st_size,
        streams=tuple(_of_recording(each) for each in found),
        markers=_most(_texts(each) for each in found),
    )


def _of_xdf(path: Path, file: File) -> Facts:
    ours = is_run(file)
    notes: list[str] = []
    playable: dict[int, Recording] = {}
    try:
        found, left_out = recordings(path, file)
        playable = {stream.stream_id: recording for stream, recording in found}
        if left_out:
            notes.append(f"left out of a replay: {'; '.join(left_out)}")
    except RecordingError as error:
        notes.append(f"it cannot be replayed: {error}")
    if lacking := [name_of(each) for each in file.streams if each.footer is None]:
        notes.append(
            f"not ended by its recorder: {len(lacking)} of {len(file.streams)} streams "
            "have no footer"
        )
    shown = [each for each in file.streams if not ours or role(each) == "signal"]
    return Facts(
        file=str(path),
        layout="XDF",
        size=file.size,
        streams=tuple(_of_stream(each, playable.get(each.stream_id)) for each in shown),
        markers=_counted(
            " ".join(row)
            for each in file.streams
            if each.header.channel_format == STRING
            and (role(each) == "markers" if ours else True)
            for row in each.rows()
        ),
        events=_events(file) if ours else {},
        models=_models(file) if ours else {},
        run=about_run(file) if ours else {},
        whole=file.whole,
        cut=file.cut,
        damage=file.damage,
        notes=tuple(notes),
    )


def _of_recording(recording: Recording) -> StreamFacts:
    info = recording.info
    ((kind, _),) = Counter(info.ch_types).most_common(1)
    times, index = recording.times, recording.index
    return StreamFacts(
        name=info.name,
        type=kind,
        n_channels=info.n_channels,
        samples=len(times),
        sfreq=info.sfreq,
        duration=_span(times),
        counted=info.counted,
        plays=True,
        **_regular(times, index),
    )


def _of_stream(stream: Stream, recording: Recording | None) -> StreamFacts:
    header, count = stream.header, len(stream.stamps)
    times = recording.times if recording else times_of(stream)
    told = stream.footer.count if stream.footer else None
    rate = header.nominal_srate
    found = lines(stream.offsets)
    longest = max(found, key=lambda line: line.last - line.first, default=None)
    return StreamFacts(
        name=recording.info.name if recording else name_of(stream),
        type=header.type,
        n_channels=header.channel_count,
        samples=count,
        sfreq=rate if 0 < rate < np.inf else None,
        duration=_span(times),
        counted=recording.info.counted if recording else None,
        drift=longest.slope * 1e6
        if longest and longest.last - longest.first >= _DRIFTS
        else None,
        resets=tuple(
            _offset(after, after.first) - _offset(before, before.last)
            for before, after in pairwise(found)
        ),
        unreadable=max(0, (told or 0) - count),
        plays=recording is not None,
        **(_regular(recording.times, recording.index) if recording else {}),
    )


def _offset(line: Line, at: float) -> float:
    return float(line.of(np.array([at]))[0])


def _regular(times: Float64, index: NDArray[np.int64]) -> dict[str, Any]:
    """Return what is known of samples that come at a fixed rate."""
    span = _span(times)
    passed = int(index.max() - index[0]) if len(index) else 0
    found = asdict(losses(index))
    if span <= 0 or passed <= 0:
        return found
    jitter = 0.0
    for k in range(0, len(index) - 1, _AT_ONCE):
        rows = slice(k, k + _AT_ONCE + 1)
        off = np.abs(np.diff(times[rows]) - span / passed)[np.diff(index[rows]) == 1]
        jitter = max(jitter, float(off.max(initial=0)))
    return {**found, "effective": passed / span, "jitter": jitter}


def _span(times: Float64) -> float:
    known = times if np.isfinite(times).all() else times[np.isfinite(times)]
    return float(known.max() - known.min()) if len(known) else 0.0


def _texts(recording: Recording) -> dict[str, int]:
    return _counted(e.data["text"] for e in recording.events if e.kind == "marker")


def _counted(texts: Any) -> dict[str, int]:
    return dict(Counter(texts).most_common())


def _most(counts: Any) -> dict[str, int]:
    """Return the counts of the stream with the most: each stream has all marks."""
    found: Sequence[dict[str, int]] = list(counts)
    return max(found, key=lambda each: sum(each.values()), default={})


def _events(file: File) -> dict[str, int]:
    kinds = Counter[str]()
    for each in file.streams:
        if role(each) == "events":
            for line, *_ in each.rows():
                kinds[_kind(line)] += 1
    return dict(kinds.most_common())


def _kind(line: str) -> str:
    try:
        return str(json.loads(line)["kind"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return "unreadable"


def _models(file: File) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for each in file.streams:
        about = each.header.about
        if role(each) not in ("decisions", "skipped"):
            continue
        name = f"{about.get('model', '')} on {about.get('stream', '')}"
        told = found.setdefault(name, {"decisions": 0, "labels": {}, "skipped": 0})
        if role(each) == "decisions":
            told["decisions"] = len(each.stamps)
            told["labels"] = _counted(row[0] for row in each.rows())
        else:
            told["skipped"] = len(each.stamps)
    return found
