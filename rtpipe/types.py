"""The values that travel through a run.

Arrays are laid out (n_times, *sample_shape), grow along axis 0, and are read-only:
a stage returns a new value, it never edits the one it was given. Times are seconds
(see `rtpipe.clock`); signals are in the units their `StreamInfo` names.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Float32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """What stays true of a stream from its first sample to its last.

    Parameters
    ----------
    name : str
        Unique in a run; the key under which predictions are reported.
    sfreq : float
        Nominal sampling frequency, in hertz.
    ch_names : tuple of str
    ch_types : tuple of str
        One of MNE's channel types per channel (``"eeg"``, ``"emg"``, ...).
    units : tuple of str
        One per channel: ``"uV"`` for potentials, ``"none"`` for raw counts.
    sample_shape : tuple of int
        Shape of one sample; ``(n_channels,)`` unless given (a camera frame is one
        sample of shape (3, height, width) and one channel).
    rails : tuple of float or None
        Lowest and highest value the device can give; None where it is not known.
    mains : float
        Frequency of the power line where the stream is recorded, in hertz.
    counted : bool
        Whether the samples' index is counted by the device; where it is not, the
        length of a gap is an estimate from the times.
    origin : int or None
        Index of the run's first sample, to which windows are aligned, where a recording
        began later than its run; None where the first sample is that of the run.

    Raises
    ------
    ValueError
        If `sfreq` is not positive, the three tuples differ in length, or a channel
        name occurs twice.
    """

    name: str
    sfreq: float
    ch_names: tuple[str, ...]
    ch_types: tuple[str, ...]
    units: tuple[str, ...]
    sample_shape: tuple[int, ...] = ()
    rails: tuple[float, float] | None = None
    mains: float = 50.0
    counted: bool = True
    origin: int | None = None

    def __post_init__(self) -> None:
        if not self.sfreq > 0:
            raise ValueError(f"{self.name}: sfreq must be positive, got {self.sfreq}")
        if not len(self.ch_names) == len(self.ch_types) == len(self.units):
            raise ValueError(f"{self.name}: ch_names, ch_types, units differ in length")
        if len(set(self.ch_names)) < len(self.ch_names):
            raise ValueError(f"{self.name}: a channel name occurs twice")
        if not self.sample_shape:
            object.__setattr__(self, "sample_shape", (self.n_channels,))

    @property
    def n_channels(self) -> int:
        """Number of channels."""
        return len(self.ch_names)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a stream, or was marked on it.

    Parameters
    ----------
    stream : str
        Name of the stream; empty for the run itself.
    time : float
        Seconds, on the clock of the stream's times.
    kind : str
        ``"truth"``, ``"marker"``, ``"gap"``, ``"quality"``, ``"skipped"``, ...
    index : int or None
        The sample it belongs to, where it belongs to one.
    data : dict
        What else is known; only values that JSON can write.
    """

    stream: str
    time: float
    kind: str
    index: int | None = None
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Consecutive samples of one stream: any number of them, none included.

    Parameters
    ----------
    stream : str
        Name of the stream, as its `StreamInfo` says it.
    index : int
        Running number of the first sample, lost samples counted too.
    times : ndarray of float64, shape (n_times,)
        Seconds, on the run's clock (in a replay: on the recording's).
    data : ndarray of float32, shape (n_times, *sample_shape)
    arrived : float
        When the chunk was handed over, in seconds on the run's clock.
    device_times : ndarray of float64, shape (n_times,), or None
        The times as the device gave them; None where it gave none.
    missing : ndarray of float32, shape (n_times,), or None
        Per sample, the share of its values that were lost, filled or at a rail.
        None until the gap stage has looked.
    events : tuple of Event
        What the device said about these samples.
    estimated : bool
        Whether a jump of the index before the first sample is an estimate although the
        device counts: it was opened again.

    Raises
    ------
    ValueError
        If the arrays differ in length.
    """

    stream: str
    index: int
    times: Float64
    data: Float32
    arrived: float = 0.0
    device_times: Float64 | None = None
    missing: Float32 | None = None
    events: tuple[Event, ...] = ()
    estimated: bool = False

    def __post_init__(self) -> None:
        for other in (self.times, self.device_times, self.missing):
            if other is not None:
                if other.shape != self.data.shape[:1]:
                    raise ValueError(f"{other.shape=} does not fit {self.data.shape=}")
                other.flags.writeable = False
        self.data.flags.writeable = False

    def __len__(self) -> int:
        return len(self.times)

    @property
    def stop(self) -> int:
        """Index of the sample that would come next."""
        return self.index + len(self.times)


@dataclass(frozen=True, slots=True)
class Prediction:
    """One bundle's answer about one window, and the decision drawn from it.

    Parameters
    ----------
    stream, model : str
    index : int
        Of the window's last sample.
    end : float
        Time of that sample, in seconds: run clock live, recording time in replay.
    label : str or None
        The decision; None when it was rejected.
    probabilities : dict of str to float
        Of this window alone, per label; sums to one.
    latency : float
        Live: from `end` to the answer. In replay: from the hand-over of the chunk
        that completed the window to the answer. Seconds.
    missing : float
        Share of the window's values that were lost, filled or at a rail.
    truth : str or None
        The true label where the whole window has one that is known.
    reason : str or None
        Why the decision was rejected.
    batch : int
        Windows that were answered together, padding counted: the last digits of the
        probabilities may depend on it.
    place : int
        Which of them this one was: the last digits may depend on that, too.
    """

    stream: str
    model: str
    index: int
    end: float
    label: str | None
    probabilities: dict[str, float]
    latency: float
    missing: float
    truth: str | None = None
    reason: str | None = None
    batch: int = 1
    place: int = 0
