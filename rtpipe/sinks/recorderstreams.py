"""A run's items, sorted into the streams of a recording."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rtpipe.clock import now
from rtpipe.sink import Run, Taken
from rtpipe.sinks import recorderheaders as headers
from rtpipe.sinks.jsonl import as_json, line
from rtpipe.sinks.recordertrack import RecorderTrack
from rtpipe.types import Chunk, Event, Float64, Prediction
from rtpipe.xdf.header import Header

NONE = "none"  # the decision where there is none
OFFSETS = 5.0  # seconds between two clock offsets of a stream
_TOGETHER = 0.05  # seconds within which one text on several streams is one marker
_REMEMBERED = 1024  # markers


class RecorderStreams:
    """All streams of one recording.

    Parameters
    ----------
    run : Run
    origins : mapping of str to int
        Index of the run's first sample of each stream that had begun before.

    Attributes
    ----------
    time : float or None
        Of the newest sample that came.
    bytes : int
        Of the samples that wait to be written.
    """

    def __init__(self, run: Run, origins: Mapping[str, int]) -> None:
        self._run = run
        self._tracks: list[RecorderTrack] = []
        self._headless: list[RecorderTrack] = []  # begun since the file was
        self._signals = {
            name: _Signal(
                self._track(headers.signal(each)),
                self._track(headers.index(name)),
                each.info.counted,
            )
            for name, each in run.streams.items()
        }
        self._events = self._track(headers.events(run, origins))
        self._markers = self._track(headers.markers())
        self._models = {
            (model.name, stream): _Model(
                self._track(headers.probabilities(model, stream)),
                self._track(headers.decisions(model.name, stream)),
                self._track(headers.skipped(model.name, stream)),
            )
            for model in run.models.values()
            for stream in model.windows
        }
        self._truths: dict[str, _Truth] = {}
        self._told: deque[_Marker] = deque(maxlen=_REMEMBERED)
        self._unsaid: list[_Marker] = []
        self.time: float | None = None
        self.bytes = 0
        self._offset_at = float("-inf")

    def head(self) -> bytes:
        """Return the headers of all streams that are known."""
        self._headless = []
        return b"".join(each.head() for each in self._tracks)

    @property
    def waiting(self) -> dict[str, int]:
        """The samples of each signal that are not in the file yet."""
        return {name: each.samples.waiting for name, each in self._signals.items()}

    def add(self, item: Taken) -> None:
        """Take in what the run tells."""
        if isinstance(item, Chunk):
            self._add_chunk(item)
        elif isinstance(item, Prediction):
            self._models[item.model, item.stream].add(item)
        else:
            self._add_event(item)

    def add_ledger(self) -> None:
        """Put the run's counters among the events."""
        self._say(Event("", self.moment(), "ledger", None, self._run.summary()))

    def moment(self) -> float:
        """Return what time it is: on the recording's clock in a replay."""
        replayed = any(each.clock != "run" for each in self._run.streams.values())
        return self.time or 0.0 if replayed else now()

    def chunks(self) -> bytes:
        """Return what waits, as chunks: an index before its samples."""
        for marker in self._unsaid:
            self._markers.say(marker.time, _text(marker.event))
        self._unsaid = []
        heads = [each.head() for each in self._headless]
        return b"".join(heads + [each.chunks() for each in self._ordered()])

    def written(self) -> None:
        """Note that what `chunks` gave is in the file."""
        self._headless, self.bytes = [], 0
        for each in self._tracks:
            each.written()

    def footers(self) -> bytes:
        """Return the footers, of what is in the file."""
        begun = [each for each in self._tracks if each not in self._headless]
        return b"".join(each.footer() for each in begun)

    def _track(self, header: Header) -> RecorderTrack:
        track = RecorderTrack(len(self._tracks) + 1, header)
        self._tracks.append(track)
        self._headless.append(track)
        return track

    def _ordered(self) -> list[RecorderTrack]:
        indices = [each.index for each in self._signals.values()]
        return indices + [each for each in self._tracks if each not in indices]

    def _add_chunk(self, chunk: Chunk) -> None:
        self._signals[chunk.stream].add(chunk)
        self.bytes += chunk.data.nbytes
        newest = float(chunk.times[-1])
        self.time = newest if self.time is None else max(self.time, newest)
        if self.time - self._offset_at >= OFFSETS:
            self._offset_at = self.time
            signals = [each.samples for each in self._signals.values()]
            for track in self._tracks:
                if track not in signals:
                    track.offset(self.time, 0.0)

    def _add_event(self, event: Event) -> None:
        self._say(event)
        told = event.data
        if event.kind == "marker":
            self._add_marker(event)
        elif event.kind == "truth" and event.stream in self._signals:
            if told.keys() >= {"task", "label"}:
                self._add_truth(event)
        elif event.kind == "skipped":
            model = self._models.get((told.get("model", ""), event.stream))
            if model is not None:
                model.skip(event)

    def _say(self, event: Event) -> None:
        self._events.say(event.time, line(as_json(event)).rstrip())

    def _add_marker(self, event: Event) -> None:
        """Add a marker, unless it has come already, on another stream."""
        if any(told.join(event) for told in reversed(self._told)):
            return
        # One that came before the first sample is the run's.
        time = event.time if event.stream else self.moment()
        self._told.append(_Marker(event, time, {event.stream}))
        self._unsaid.append(self._told[-1])

    def _add_truth(self, event: Event) -> None:
        name = event.stream
        if name not in self._truths:
            track = self._track(headers.truth(name))
            track.offset(self.moment(), 0.0)
            self._truths[name] = _Truth(track)
        self._truths[name].add(event)


class _Signal:
    """A device's stream: its samples, and which index they have."""

    def __init__(
        self, samples: RecorderTrack, index: RecorderTrack, counted: bool
    ) -> None:
        self.samples, self.index, self._counted = samples, index, counted
        self._shift: int | None = None  # index less row
        self._offset_at = float("-inf")

    def add(self, chunk: Chunk) -> None:
        times = chunk.times if chunk.device_times is None else chunk.device_times
        row = self.samples.count
        if chunk.index - row != self._shift:
            jump = self._shift is not None
            estimated = chunk.estimated or (jump and not self._counted)
            self._shift = chunk.index - row
            self.index.add(times[:1], np.array([[row, chunk.index, estimated]]))
        values = np.asarray(chunk.data, np.float32)  # as the header says
        self.samples.add(times, values.reshape(len(chunk), -1))
        # A device may stamp a sample with no number; an offset of none would make
        # every time of the stream one.
        known = np.flatnonzero(np.isfinite(times))
        if len(known) and chunk.times[-1] - self._offset_at >= OFFSETS:
            self._offset_at = float(chunk.times[-1])
            ours, theirs = float(chunk.times[known[-1]]), float(times[known[-1]])
            self.samples.offset(theirs, ours - theirs)


def _text(marker: Event) -> str:
    return str(marker.data.get("text", ""))


@dataclass(slots=True)
class _Marker:
    """A marker as it came first, when it was set, and the streams that told it."""

    event: Event
    time: float
    streams: set[str]

    def join(self, event: Event) -> bool:
        """Take in what another stream tells; return False where that is another marker.

        A marker of the run has one content for all streams, and was set at the newest
        sample of any. One of a device with several streams, or of a sender to whom
        two devices listen, has one time.
        """
        ours = self.event.data is event.data
        near = abs(self.event.time - event.time) <= _TOGETHER
        same = ours or (near and _text(self.event) == _text(event))
        if not same or event.stream in self.streams:
            return False
        self.streams.add(event.stream)
        if ours:
            self.time = max(self.time, event.time)
        return True


@dataclass(slots=True)
class _Model:
    """A model's answers on a stream, what was decided, and what was skipped."""

    probabilities: RecorderTrack
    decisions: RecorderTrack
    skipped: RecorderTrack

    def add(self, answer: Prediction) -> None:
        numbers = [getattr(answer, each) for each in headers.NUMBERS]
        labels = self.probabilities.header.channels[: -len(numbers)]
        shares = [answer.probabilities[each.label] for each in labels]
        end: Float64 = np.array([answer.end])
        self.probabilities.add(end, np.array([[*shares, *numbers]], np.float64))
        said = (answer.label or NONE, answer.reason or "", str(answer.index))
        self.decisions.say(answer.end, *said)

    def skip(self, event: Event) -> None:
        indices = np.array(event.data["indices"], np.int64).reshape(-1, 1)
        if len(indices):
            self.skipped.add(np.full(len(indices), event.time), indices)


class _Truth:
    """The true label of each task, where it changes."""

    def __init__(self, track: RecorderTrack) -> None:
        self._track = track
        self._labels: dict[str, str | None] = {}

    def add(self, event: Event) -> None:
        task, label = str(event.data["task"]), event.data["label"]
        if task not in self._labels or self._labels[task] != label:
            self._labels[task] = label
            self._track.say(event.time, f"{task}: {label or 'unknown'}")
