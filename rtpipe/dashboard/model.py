"""What a dashboard knows of a run. No widgets, no Qt: panels read it.

Times are seconds. Those of a stream (its samples, events and answers) count on its own
clock: the run's (`rtpipe.clock.now`) where it is live, the recording's in a replay.
`StreamModel.now` is that clock's present.
"""

from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rtpipe.attach import Attachment, Line, Rings, of_another_version
from rtpipe.clock import now as present
from rtpipe.errors import Overrun
from rtpipe.sinks.decided import Spell
from rtpipe.types import Float64

SPAN = 600.0  # seconds of answers that are kept
MINUTE = 60.0  # over which losses are called recent
RATED = 10.0  # seconds over which a rate is measured
SILENT = 3.0  # seconds without a word; a run says four times a second how it stands
EVENTS = 2000  # of a stream, and of the run, that are kept
_MOST = 60_000  # answers that are kept, of a model on a stream
_REASONS = 64  # different reasons that are told apart
_KEYS = frozenset({"type", "stream", "time", "kind", "index"})
# What a line raises that is not one of those this version knows.
_ODD = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError)


@dataclass(frozen=True, slots=True)
class Happened:
    """An event of the run.

    Parameters
    ----------
    stream : str
        Empty for the run itself.
    time : float
        On the clock of the stream; nan where it is not known.
    kind : str
        ``"marker"``, ``"gap"``, ``"lost"``, ``"recovered"``, ``"truth"``, ... : see
        docs/json.md or `rtpipe.types.Event`.
    index : int or None
        Of the sample it belongs to.
    data : dict
        What else it tells: ``text`` of a marker; ``lost`` and ``filled`` of a gap,
        whose lost samples are those from `index` on; ``reason`` of a loss.
    came : float
        When it came, on the run's clock.
    """

    stream: str
    time: float
    kind: str
    index: int | None
    data: dict[str, Any]
    came: float


class StreamModel:
    """One stream, as it stands.

    Attributes
    ----------
    info : StreamInfo
    clock : "run" or "recording"
        What its times count on.
    raw : Ring
        `raw.first` and `raw.stop` bound the newest unbroken stretch; see `rtpipe.ring`
        for how to read it while its run writes: copy, then `raw.check`.
    filtered : dict of str to (StreamInfo, Ring)
        By chain of stages; the stream behind it may have fewer channels.
    chains : dict of str to str
        The chain in `filtered` that each model is given, by the model's name.
    status : dict
        What the run told last: ``counters``, ``link`` (``state``, ``reason``,
        ``since``), ``quality``, ``truth``, ``delay``, ``jitter``, ``first``, ``stop``.
    events : deque of Happened
        The newest ones, oldest first.
    unheard : str
        Why what is known of it is old: ``"silent"`` where the run says nothing,
        ``"over"`` and ``"gone"`` where it has ended; empty where it is known.
    lost_minute : int
        Samples lost in the last minute.
    rate : float or None
        Samples a second that came in the last ten seconds; None where not yet known.
    battery : float or None
        Percent, where the stream has a channel of that.
    """

    def __init__(self, rings: Rings) -> None:
        self.info, self.clock = rings.info, rings.clock
        self.raw, self.filtered = rings.raw, rings.filtered
        self.chains = rings.chains
        self.status: dict[str, Any] = {
            "counters": {},
            "link": {"state": "connecting", "reason": "", "since": 0.0},
            "quality": ["?"] * self.info.n_channels,
            "truth": {},
            "delay": None,
            "jitter": None,
            "first": 0,
            "stop": 0,
        }
        self.events: deque[Happened] = deque(maxlen=EVENTS)
        self.unheard = ""
        self.lost_minute = 0
        self.rate: float | None = None
        self._past: deque[tuple[float, int, int]] = deque()  # when, received, lost
        self._present = np.nan  # on a recording's clock

    @property
    def counters(self) -> dict[str, int]:
        """The counters of `rtpipe.counters.StreamCounters`; empty before the first."""
        told: dict[str, int] = self.status["counters"]
        return told

    @property
    def state(self) -> str:
        """How the connection stands: see `rtpipe.link.Link`; or `unheard`."""
        return self.unheard or str(self.status["link"]["state"])

    @property
    def reason(self) -> str:
        """Why it is not streaming; empty where it is, or where nothing is heard."""
        return "" if self.unheard else str(self.status["link"]["reason"])

    @property
    def quality(self) -> list[str]:
        """One word a channel: good, flat, railed, mains, noisy; or ? while unknown."""
        words: list[str] = self.status["quality"]
        return words

    @property
    def truth(self) -> dict[str, str | None]:
        """The newest true label by task, where the device tells it."""
        told: dict[str, str | None] = self.status["truth"]
        return told

    @property
    def battery(self) -> float | None:
        """Percent that are left, where the stream has a channel of that."""
        if "%" not in self.info.units:
            return None
        sample = self._last(self.raw.view)
        return None if sample is None else float(sample[self.info.units.index("%")])

    def now(self, time: float) -> float:
        """Return the present on the stream's clock; nan before its first sample.

        Parameters
        ----------
        time : float
            The present on the run's clock.
        """
        if self.clock == "run":
            return time
        if (newest := self.newest) is not None:
            self._present = newest
        return self._present

    @property
    def newest(self) -> float | None:
        """When the newest sample was, on the stream's clock; None where not known."""
        last = self._last(self.raw.times)
        return None if last is None else float(last)

    def take(self, status: dict[str, Any], time: float) -> None:
        """Note how the stream stands."""
        self.status = {key: status[key] for key in self.status}
        past, counters = self._past, self.counters
        past.append((time, counters["received"], counters["lost"]))
        while past[0][0] < time - MINUTE:
            past.popleft()
        self.lost_minute = counters["lost"] - past[0][2]
        since, before, _ = next(each for each in past if each[0] >= time - RATED)
        if time - since > RATED / 5:
            self.rate = (counters["received"] - before) / (time - since)

    def _last(self, column: Callable[[int, int], NDArray[Any]]) -> Any:
        """Return a copy of what a column of the ring has of the newest sample.

        None before the first, and where its run writes too fast for who reads here.
        """
        for _ in range(3):
            if not (stop := self.raw.stop):
                break
            with suppress(Overrun):
                last = column(stop - 1, stop)[0].copy()
                self.raw.check(stop - 1)
                return last
        return None


class Answers:
    """The answers of one model on one stream: those of the last ten minutes.

    Every array has the oldest answer first, in unbroken memory that is overwritten by
    the next call of `take`: draw it, do not keep it.

    Attributes
    ----------
    labels : tuple of str
    newest : dict or None
        The prediction that came last, as `rtpipe.sinks.jsonl.as_json` makes it: its
        ``label`` is None when it was rejected, ``reason`` says why. None when there is
        no answer: `none` says why.
    came : float
        When the newest came, on the run's clock.
    none : str
        Why there is no answer at present; empty where there is one.
    """

    def __init__(self, labels: tuple[str, ...], hop: float) -> None:
        self.labels = labels
        self.newest: Line | None = None
        self.came = -np.inf
        self.none = "no window has been answered yet"
        self.reasons: list[str] = []
        self._room = _MOST if hop <= 0 else min(_MOST, int(SPAN / hop) + 1)
        n = 2 * self._room  # so that what is moved to the front is moved rarely
        self._columns: dict[str, NDArray[Any]] = {
            "came": np.empty(n),
            "end": np.empty(n),
            "index": np.empty(n, np.int64),
            "latency": np.empty(n),
            "missing": np.empty(n),
            "label": np.empty(n, np.int16),
            "truth": np.empty(n, np.int16),
            "reason": np.empty(n, np.int16),
            "probabilities": np.empty((n, len(labels))),
        }
        self._stop = 0

    def __len__(self) -> int:
        return min(self._stop, self._room)

    @property
    def end(self) -> Float64:
        """Times of the windows' last samples, on the stream's clock; shape (n,)."""
        return self._column("end")

    @property
    def index(self) -> NDArray[np.int64]:
        """Indices of the windows' last samples; shape (n,)."""
        return self._column("index")

    @property
    def pace(self) -> float:
        """Seconds in which a second of the answers came: more where a replay is slow.

        1 at least, and where that cannot be known.
        """
        came, end = self._column("came"), self.end
        if len(self) < 2 or not (past := end[-1] - end[0]) > 0:
            return 1.0
        return max(1.0, float((came[-1] - came[0]) / past))

    @property
    def probabilities(self) -> Float64:
        """Shape (n, n_labels); nan where a value was not finite."""
        return self._column("probabilities")

    @property
    def latency(self) -> Float64:
        """Seconds; shape (n,)."""
        return self._column("latency")

    @property
    def missing(self) -> Float64:
        """Share of each window's values that were lost, filled or railed; (n,)."""
        return self._column("missing")

    @property
    def label(self) -> NDArray[np.int16]:
        """Places in `labels` of the decisions, -1 where there is none; shape (n,)."""
        return self._column("label")

    @property
    def truth(self) -> NDArray[np.int16]:
        """Places in `labels` of the truth, -1 where it is not known; shape (n,)."""
        return self._column("truth")

    @property
    def reason(self) -> NDArray[np.int16]:
        """Places in `reasons` of why there is no decision, -1 where there is one."""
        return self._column("reason")

    def take(self, prediction: Line, time: float) -> None:
        """Note an answer that came at a time on the run's clock."""
        at = self._row()
        columns, shares = self._columns, prediction["probabilities"]
        columns["came"][at], columns["index"][at] = time, prediction["index"]
        for key in ("end", "latency", "missing"):
            columns[key][at] = _number(prediction[key])
        columns["label"][at] = self._place(prediction["label"])
        columns["truth"][at] = self._place(prediction["truth"])
        columns["reason"][at] = self._excuse(prediction.get("reason"))
        for k, label in enumerate(self.labels):
            columns["probabilities"][at, k] = _number(shares.get(label))
        self._stop = at + 1
        self.newest, self.none, self.came = prediction, "", time

    def lapse(self, reason: str) -> None:
        """Note that there is no answer any longer."""
        self.newest, self.none = None, reason

    def _row(self) -> int:
        """Return the row for one answer more; make room in front of it."""
        if self._stop < 2 * self._room:
            return self._stop
        for column in self._columns.values():
            column[: self._room] = column[self._room :]
        return self._room

    def _column(self, name: str) -> NDArray[Any]:
        return self._columns[name][max(0, self._stop - self._room) : self._stop]

    def _place(self, label: str | None) -> int:
        return self.labels.index(label) if label in self.labels else -1

    def _excuse(self, reason: str | None) -> int:
        if reason is None:
            return -1
        if reason not in self.reasons:
            if len(self.reasons) == _REASONS:
                return _REASONS - 1
            self.reasons.append(reason)
        return self.reasons.index(reason)


class ModelModel:
    """One model, as it stands.

    Attributes
    ----------
    name, task : str
    labels : tuple of str
    notes : tuple of str
        What a person must be told beside every answer, such as DEMO.
    window, hop : float
        Length of a window and from one to the next, in seconds.
    decision : dict
        How its decisions are drawn: see `rtpipe.decide.Decision`.
    streams : dict of str to Answers
        A model runs on every stream it fits.
    windows : dict of str to dict
        Counters of `rtpipe.counters.WindowCounters`, by stream.
    latency : dict
        Seconds, or None, under ``p50``, ``p95`` and ``p99``: of the whole run.
    histogram : ndarray, shape (n, 3)
        Latencies of the whole run: from, to (seconds), and how many.
    decided : dict of str to dict of str to Spell
        Of the whole run: by stream, each label that was ever decided, as
        `rtpipe.sinks.decided.Decided` tells it. Empty before the first status.
    placement : dict of str to str
        By stream, how the electrodes are found to be placed, where that is otherwise
        than in training.
    """

    def __init__(self, told: Line) -> None:
        self.name, self.task = str(told["name"]), str(told["task"])
        self.labels, self.notes = tuple(told["labels"]), tuple(told["notes"])
        self.window, self.hop = float(told["window"]), float(told["hop"])
        self.decision: dict[str, Any] = told["decision"]
        self.streams = {
            each: Answers(self.labels, self.hop) for each in told["streams"]
        }
        self.windows: dict[str, dict[str, int]] = {}
        self.latency: dict[str, float | None] = dict.fromkeys(("p50", "p95", "p99"))
        self.histogram: Float64 = np.empty((0, 3))
        self.decided: dict[str, dict[str, Spell]] = {}
        self.placement: dict[str, str] = {}

    def take(self, status: dict[str, Any]) -> None:
        """Note how the model stands."""
        self.windows, self.latency = status["windows"], status["latency"]
        self.histogram = np.array(status["histogram"], np.float64).reshape(-1, 3)
        self.decided, self.placement = status["decided"], status["placement"]


class RunModel:
    """A whole run, as it stands.

    Attributes
    ----------
    name : str
    started : float
        On the run's clock.
    streams : dict of str to StreamModel
    models : dict of str to ModelModel
    state : "running", "over" or "gone"
        Over is a run that has ended; gone is one that vanished.
    known : bool
        Whether it has told how it stands; false for the first quarter of a second.
    told : float
        When it did so last, or began to be looked at, on the run's clock.
    silent : bool
        Whether that is too long ago for a run that goes on.
    summary : dict or None
        The counters it ended with.
    recording : dict or None
        `rtpipe.sink.RecordingStatus`: ``file``, ``state``, ``bytes``, ``error``, ...
    cue : dict or None
        `rtpipe.cues.Cue`: ``label``, ``next``, ``left``, ``length``, ``done``, ...
    refused : dict of str to str
        Models that fit no stream, and why, where none does: the run has no models.
    not_recorded : str
        Why the recording that was asked for last did not begin; empty where it did.
    failed : dict of str to str
        Sinks that an error has stopped, and that error.
    unrecorded : dict of str to int
        Samples, by stream, that a recording lacks though they came.
    unreached : dict of str to int
        Predictions and events that did not reach a sink, by its name.
    events : deque of Happened
        Of the run and of all its streams, oldest first; a marker, which is told on
        every stream, once.
    dropped : int
        Lines that this dashboard was too slow for, which are missing here.
    odd : int
        Lines that could not be understood, and are missing here, too.
    error : str
        What the run answered to a command that it could not follow.

    Raises
    ------
    RtpipeError
        If the run is of another version of rtpipe.
    """

    def __init__(self, attachment: Attachment) -> None:
        hello = attachment.hello
        self.streams = {n: StreamModel(r) for n, r in attachment.streams.items()}
        try:
            self.name, self.started = str(hello["run"]), float(hello["started"])
            self.models = {told["name"]: ModelModel(told) for told in hello["models"]}
            self.cue: dict[str, Any] | None = hello["cue"]
            self.refused: dict[str, str] = hello["unfit"]
        except _ODD:
            raise of_another_version(attachment.folder) from None
        self.state: Literal["running", "over", "gone"] = "running"
        self.known, self.told, self.silent = False, present(), False
        self.summary: Line | None = None
        self.recording: dict[str, Any] | None = None
        self.not_recorded = ""
        self.failed: dict[str, str] = {}
        self.unrecorded: dict[str, int] = {}
        self.unreached: dict[str, int] = {}
        self.events: deque[Happened] = deque(maxlen=EVENTS)
        self.dropped = self.odd = 0
        self.error = ""
        self._attachment = attachment

    def poll(self, time: float) -> None:
        """Take in what came since the last call; never waits.

        Parameters
        ----------
        time : float
            The present on the run's clock.
        """
        self.take(self._attachment.poll(), time)
        if self._attachment.ended:
            self.state = self._attachment.ended
        self.silent = self.state == "running" and time - self.told > SILENT
        unheard = "silent" if self.silent else self.state
        for stream in self.streams.values():
            stream.unheard = "" if unheard == "running" else unheard

    def take(self, lines: Iterable[Line], time: float) -> None:
        """Take in lines of the run's socket; of one that is odd, nothing is known."""
        for line in lines:
            try:
                self._take(line, time)
            except _ODD:
                self.odd += 1

    def _take(self, line: Line, time: float) -> None:
        kind = line["type"]
        if kind == "prediction":
            self.models[line["model"]].streams[line["stream"]].take(line, time)
        elif kind == "event":
            self._happened(line, time)
        elif kind == "status":
            self._stands(line, time)
        elif kind == "dropped":
            self.dropped += line["n"]
        elif kind == "error":
            self.error = str(line["message"])
        elif kind == "summary":
            self.summary = line

    def _stands(self, status: Line, time: float) -> None:
        for name, told in status["streams"].items():
            self.streams[name].take(told, status["time"])
        for name, told in status["models"].items():
            self.models[name].take(told)
        self.known, self.told = True, time
        self.recording, self.cue = status["recording"], status["cue"]
        self.not_recorded, self.failed = status["refused"], status["failed"]
        self.unrecorded, self.unreached = status["unrecorded"], status["dropped"]

    def _happened(self, line: Line, time: float) -> None:
        data = {key: value for key, value in line.items() if key not in _KEYS}
        event = Happened(
            stream=line["stream"],
            time=_number(line["time"]),
            kind=line["kind"],
            index=line.get("index"),
            data=data,
            came=time,
        )
        if event.stream in self.streams:
            self.streams[event.stream].events.append(event)
        if not self._told_beside(event):
            self.events.append(event)
        if event.kind in ("none", "lost"):
            self._lapse(event)

    def _told_beside(self, event: Happened) -> bool:
        """Tell whether a marker was told already, on another stream."""
        if event.kind != "marker" or event.stream == next(iter(self.streams), None):
            return False
        return any(
            each.kind == "marker"
            and each.data == event.data
            and each.stream != event.stream
            for each in self.events
            if event.came - each.came < 1
        )

    def _lapse(self, event: Happened) -> None:
        """Note that a decision has ended, so that it is shown no longer."""
        for model in self.models.values():
            told = event.data.get("model")
            if event.stream in model.streams and told in (None, model.name):
                model.streams[event.stream].lapse(str(event.data.get("reason", "")))


def _number(value: float | None) -> float:
    """Return what JSON has no word for as nan."""
    return np.nan if value is None else float(value)
