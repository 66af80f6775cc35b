"""What a sink promises, and what of a run it may look at."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Protocol

from rtpipe.counters import StreamCounters, WindowCounters
from rtpipe.cues import Cue
from rtpipe.errors import Overrun, RtpipeError
from rtpipe.jitter import Delays
from rtpipe.latency import Histogram
from rtpipe.link import Link
from rtpipe.ring import Ring
from rtpipe.types import Chunk, Event, Prediction, StreamInfo

Item = Prediction | Event
Taken = Item | Chunk  # what a sink of samples is given


@dataclass(slots=True)
class StreamStatus:
    """One stream of a run, as it stands now.

    Parameters
    ----------
    info : StreamInfo
    raw : Ring
        The signal as it came, short gaps filled.
    counters : StreamCounters
    quality : tuple of str
        One word a channel: ``"good"``, ``"flat"``, ``"railed"``, ``"mains"``,
        ``"noisy"``; ``"?"`` until it is known.
    truth : dict of str to str
        The newest true label per task, where the device tells it.
    filtered : dict of str to Ring
        The ring behind each distinct chain, by the chain's key.
    behind : dict of str to StreamInfo
        What the stream is there, by the same key.
    chains : dict of str to str
        The key of each bundle's chain, by the bundle's name.
    link : Link
        How the connection stands.
    clock : "run" or "recording"
        What its times count on.
    delays : Delays
        How late its chunks come; nothing where its times are not the run's.
    origin : int or None
        Index of the run's first sample; None until it has come.
    """

    info: StreamInfo
    raw: Ring
    counters: StreamCounters
    quality: tuple[str, ...]
    truth: dict[str, str | None] = field(default_factory=dict)
    filtered: dict[str, Ring] = field(default_factory=dict)
    behind: dict[str, StreamInfo] = field(default_factory=dict)
    chains: dict[str, str] = field(default_factory=dict)
    link: Link = field(default_factory=Link)
    clock: Literal["run", "recording"] = "run"
    delays: Delays = field(default_factory=Delays)
    origin: int | None = None

    @property
    def newest(self) -> tuple[float, int] | None:
        """Time and index of the newest sample; None where none is kept."""
        for _ in range(3):  # the reader may begin anew in between, after a gap
            if not (stop := self.raw.stop):
                break
            with suppress(Overrun):
                return float(self.raw.times(stop - 1, stop)[0]), stop - 1
        return None


@dataclass(slots=True)
class ModelStatus:
    """One bundle of a run, as it stands now.

    Parameters
    ----------
    name, task : str
    labels : tuple of str
    notes : tuple of str
        What a person must be told beside every answer, such as DEMO.
    windows : dict of str to WindowCounters
        Per stream the bundle runs on.
    latency : Histogram
    window : float
        Length of a window, in seconds; 0 where it is not known.
    hop : float
        From one window to the next, in seconds; 0 where it is not known.
    n_times, step : int
        The same two in samples.
    path, weights : str
        The bundle's file, and the hash of its parameters; empty where not known.
    engine : str
        What computes its answers: on another one their last digits differ.
    decision : dict
        How its probabilities become decisions in this run: `rtpipe.decide.Decision`.
    placement : dict of str to str
        By stream, how the electrodes are found to be placed, once that is otherwise
        than in training.
    """

    name: str
    task: str
    labels: tuple[str, ...]
    notes: tuple[str, ...]
    windows: dict[str, WindowCounters]
    latency: Histogram
    window: float = 0.0
    hop: float = 0.0
    n_times: int = 0
    step: int = 0
    path: str = ""
    weights: str = ""
    engine: str = ""
    decision: dict[str, Any] = field(default_factory=dict)
    placement: dict[str, str] = field(default_factory=dict)

    def summary(self) -> dict[str, Any]:
        """Return counters and latency percentiles; only values JSON can write."""
        latency = {f"p{q}": self.latency.percentile(q) for q in (50, 95, 99)}
        windows = {stream: asdict(each) for stream, each in self.windows.items()}
        return {"latency": latency, "windows": windows}


@dataclass(slots=True)
class RecordingStatus:
    """A recording that this run makes, as it stands now.

    Parameters
    ----------
    file : str
    started : float
        On the run's clock, in seconds.
    state : "recording", "finished" or "stopped"
        Stopped is what an error did to it: the run goes on, and nothing more of it is
        in the file.
    bytes : int
        In the file.
    error : str
        Why it stopped.
    left : float or None
        Seconds until the disk is full, as fast as the file grows; None where that is
        not known yet.
    """

    file: str
    started: float
    state: Literal["recording", "finished", "stopped"] = "recording"
    bytes: int = 0
    error: str = ""
    left: float | None = None


def _no_recorder(*_: str) -> None:
    """Do nothing: who made the run cannot record it."""


def _to_nobody(event: Event) -> None:
    """Do nothing: who made the run has no sinks."""


@dataclass(slots=True)
class Run:
    """A run, for those who show, send or store it.

    Parameters
    ----------
    name : str
    started : float
        On the run's clock, in seconds.
    streams : dict of str to StreamStatus
    models : dict of str to ModelStatus
    stop : callable
        Asks the run to end; returns at once, from any thread.
    mark : callable
        Puts a marker with this text at the newest sample of every stream, or, before
        the first one has come, on the run; from any thread.
    dropped : dict of str to int
        Predictions and events that did not reach a sink, by its name: it was too slow,
        had failed, or was closed already, for the last events of a run tell how its
        sinks ended.
    failed : dict of str to str
        Sinks that an error has stopped, and that error.
    unrecorded : dict of str to int
        Samples that a sink of samples was too slow for, or had failed for, by stream.
    recordings : list of RecordingStatus
        Those that the run has made or makes, oldest first.
    refused : str
        Why the recording that was asked for last did not begin; empty where it did.
    record : callable
        Begins a recording in the file that a template names (see `rtpipe.filename`);
        raises RtpipeError where that cannot be. From any thread.
    stop_recording : callable
        Ends it, and returns at once; from any thread.
    tell : callable
        Hands an event of a sink's own to every sink.
    cue : Cue or None
        What a person is asked to do; None where nothing is asked.
    unfit : dict of str to str
        Bundles that fit no stream, and why, where none does: this run has no models.
    """

    name: str
    started: float
    streams: dict[str, StreamStatus]
    models: dict[str, ModelStatus]
    stop: Callable[[], None]
    mark: Callable[[str], None]
    dropped: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    unrecorded: dict[str, int] = field(default_factory=dict)
    recordings: list[RecordingStatus] = field(default_factory=list)
    refused: str = ""
    record: Callable[[str], None] = _no_recorder
    stop_recording: Callable[[], None] = _no_recorder
    tell: Callable[[Event], None] = _to_nobody
    cue: Cue | None = None
    unfit: dict[str, str] = field(default_factory=dict)

    @property
    def recording(self) -> RecordingStatus | None:
        """The newest recording of the run, which may be over."""
        return self.recordings[-1] if self.recordings else None

    def summary(self) -> dict[str, Any]:
        """Return counters and latency percentiles; only values JSON can write."""
        streams = {
            name: each.counters.summary() | {"overwritten": self.overwritten(name)}
            for name, each in self.streams.items()
        }
        models = {name: each.summary() for name, each in self.models.items()}
        return {
            "streams": streams,
            "models": models,
            "dropped": dict(self.dropped),
            "unrecorded": dict(self.unrecorded),
        }

    def overwritten(self, stream: str) -> int:
        """Return the samples a bundle came too late for; of several, the most."""
        return max(
            (
                model.windows[stream].overwritten
                for model in self.models.values()
                if stream in model.windows
            ),
            default=0,
        )


class SamplesLost(RtpipeError):  # noqa: N818 (reads better at the raise)
    """A sink of samples failed; what it was given before, and has not kept, is lost.

    Parameters
    ----------
    reason : str
    samples : dict of str to int
        By stream; those it was given with the call that raises are not among them.
    """

    def __init__(self, reason: str, samples: dict[str, int]) -> None:
        super().__init__(reason)
        self.samples = samples


class Sink(Protocol):
    """A receiver of predictions and events: a screen, a file, a socket.

    Each sink has a thread and a bounded queue of its own, so a slow one loses items
    (which is counted) and slows nobody. An error stops that sink and is an event.

    Attributes
    ----------
    name : str
        Under which the items it lost are counted.
    period : float
        Longest time between two calls of `take`, in seconds.
    samples : bool
        Whether `take` is given every chunk, too: as the device sent it, numbered as the
        run numbers it, before what is told about it. Its events come as items.
    """

    name: str
    period: float
    samples: bool

    def open(self, run: Run) -> None:
        """Get ready; the run's streams and models are known, nothing has come yet."""
        ...

    def take(self, items: Sequence[Item]) -> None:
        """Take what came since the last call, oldest first; it may be nothing."""
        ...

    def close(self) -> None:
        """Finish: every item was taken, and the run's counters are final.

        Or `take` has failed, which `Run.failed` tells by then: the run goes on, and
        there is only to let go of what is held.
        """
        ...
