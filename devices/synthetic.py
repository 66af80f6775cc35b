"""A device that needs no hardware: a synthetic forearm and a synthetic head.

Each stream tells its true state as events of kind "truth", so that what a model
answers can be judged while it runs. The signal is a function of the seed and the
mains frequency alone, however it is read.

Seeds of training and of live use are kept apart: recipes train on even seeds below
10 000; a live run that names no seed draws one from `FIRST_LIVE_SEED` on, so that a
model is never shown what it was trained on.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from rtpipe import clock
from rtpipe.errors import ConfigError
from rtpipe.types import Chunk, Event, Float32, StreamInfo

from .synthetic_eeg import SyntheticEeg
from .synthetic_emg import SyntheticEmg

#: Live seeds are never used in training: see above.
FIRST_LIVE_SEED = 1_000_000

_SOURCES: dict[str, type[SyntheticEmg] | type[SyntheticEeg]] = {
    "emg": SyntheticEmg,
    "eeg": SyntheticEeg,
}
_SIGNALS = {"both": ("emg", "eeg"), "emg": ("emg",), "eeg": ("eeg",)}


class SyntheticDevice:
    """Synthetic EMG of gestures, and EEG of emotions and seizures.

    Parameters
    ----------
    signal : "both", "emg" or "eeg"
    seed : int or None
        The same seed gives the same signal; None draws a new one at every `open`.
        An event of kind "seed" at the first sample tells which.
    paced : bool
        Whether the samples come in their own time, or as fast as they are read.
    mains : float
        Frequency of the power line whose hum is in the signal, in hertz.
    chunk : float or None
        Seconds of signal in a chunk; None means 0.02 paced, as a radio's packets,
        and 0.5 unpaced.
    duration : float or None
        Seconds after which nothing comes any more; None means it never ends.

    Raises
    ------
    ConfigError
        If a setting is none that it knows or can do.
    """

    def __init__(
        self,
        signal: Literal["both", "emg", "eeg"] = "both",
        *,
        seed: int | None = None,
        paced: bool = True,
        mains: float = 50.0,
        chunk: float | None = None,
        duration: float | None = None,
    ) -> None:
        if signal not in _SIGNALS:
            raise ConfigError(
                f"synthetic has no signal {signal!r}: choose one of {list(_SIGNALS)}"
            )
        if seed is not None and seed < 0:
            raise ConfigError(f"synthetic: the seed must not be negative, got {seed}")
        if not 0 < mains < 100:
            raise ConfigError(
                f"synthetic: mains must lie between 0 and 100 Hz, got {mains}"
            )
        for name, value in {"chunk": chunk, "duration": duration}.items():
            if value is not None and not value > 0:
                raise ConfigError(f"synthetic: {name} must be positive, got {value}")
        self.signal = signal
        self.seed = seed
        self.paced = paced
        self.mains = mains
        self.chunk = chunk
        self.duration = duration
        self.clock: Literal["run", "recording"] = "run" if paced else "recording"
        self._start = 0.0
        self._packets = 0  # handed over so far
        self._streams: list[_Stream] = []

    def open(self) -> Sequence[StreamInfo]:
        """Start the signals anew, from their first sample."""
        seed = self.seed
        if seed is None:
            seed = int(np.random.default_rng().integers(FIRST_LIVE_SEED, 2**31))
        self._packets = 0
        self._start = clock.now() if self.paced else 0.0
        self._streams = [
            _Stream(_SOURCES[name](seed, self.mains), seed, self._start)
            for name in _SIGNALS[self.signal]
        ]
        return [stream.info for stream in self._streams]

    def read(self, timeout: float) -> Sequence[Chunk] | None:
        """Return the next packet of each stream, or, paced, those due by now."""
        packet = self.chunk or (0.02 if self.paced else 0.5)
        if self.duration is not None and self._packets * packet >= self.duration:
            return None
        if not self.paced:
            self._packets += 1
        else:
            due = self._start + (self._packets + 1) * packet
            time.sleep(min(max(due - clock.now(), 0.0), timeout))
            arrived = int((clock.now() - self._start) / packet)
            if arrived <= self._packets:
                return []
            # After a pause (a laptop's sleep) no more than a second at a time.
            self._packets = min(arrived, self._packets + max(round(1 / packet), 1))
        seconds = self._packets * packet
        if self.duration is not None:
            seconds = min(seconds, self.duration)
        chunks = [stream.read_until(seconds) for stream in self._streams]
        return [chunk for chunk in chunks if len(chunk)]

    def close(self) -> None:
        """Forget the signals."""
        self._streams = []


class _Stream:
    """One signal, and how far it has been read."""

    def __init__(
        self, source: SyntheticEmg | SyntheticEeg, seed: int, start: float
    ) -> None:
        self.info = source.info
        self._source = source
        self._start = start
        self._index = 0
        self._n_blocks = 0
        self._data: Float32 = np.empty((0, source.info.n_channels), np.float32)
        self._events = [Event(source.info.name, 0.0, "seed", 0, {"seed": seed})]

    def read_until(self, seconds: float) -> Chunk:
        """Return what is unread of the signal's first `seconds`."""
        # A sample is ready when its period is over; the margin is for 0.1 + 0.2.
        stop = max(int(seconds * self.info.sfreq + 1e-6), self._index)
        while self._n_blocks * self._source.n_times < stop:
            data, events = self._source.block(self._n_blocks)
            self._data = np.concatenate([self._data, data])
            self._events += events
            self._n_blocks += 1
        n_times = stop - self._index
        times = self._start + np.arange(self._index, stop) / self.info.sfreq
        chunk = Chunk(
            self.info.name,
            self._index,
            times,
            self._data[:n_times],
            arrived=clock.now(),
            events=tuple(self._take_events(stop)),
        )
        self._data = self._data[n_times:]
        self._index = stop
        return chunk

    def _take_events(self, stop: int) -> list[Event]:
        due = [event for event in self._events if (event.index or 0) < stop]
        self._events = [event for event in self._events if (event.index or 0) >= stop]
        return [replace(event, time=self._start + event.time) for event in due]
