"""Texts of another LSL stream as markers of the samples they belong to."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtpipe import lsl
from rtpipe.clock import now
from rtpipe.errors import ConfigError, DeviceNotFound
from rtpipe.types import Chunk, Event, Float64, StreamInfo

from .lsl_search import WITHIN, Wanted, advice, find, is_text

_PAST = 2.0  # seconds of samples whose times are remembered
_PATIENCE = 0.5  # seconds a marker waits for the sample after it
_KEYS = ("name", "type", "source_id")


class Markers:
    """A stream of texts beside a stream of samples.

    A marker belongs to the newest sample that is not after it, which is known once a
    later sample has come. A marker stream that is lost stops nothing: it is told, and
    taken up again when it is back.

    Parameters
    ----------
    argument : str
        The stream's name, or ``type=...`` or ``source_id=...``.
    """

    def __init__(self, argument: str) -> None:
        key, equals, value = argument.partition("=")
        known = equals and key in _KEYS
        self.wanted = Wanted(**{key: value}) if known else Wanted(argument)
        self._found = False  # at least once
        self._inlet: Any = None
        self._resolver: Any = None

    def open(self, info: StreamInfo, offset: float) -> None:
        """Find the stream and connect; after a loss, wait for it while samples come.

        Parameters
        ----------
        info : StreamInfo
            Of the samples.
        offset : float
            From LSL's clock to the run's, in seconds.

        Raises
        ------
        ConfigError
            If its samples are no texts.
        DeviceNotFound
            If it was never there, or does not answer.
        """
        self._info, self._offset = info, offset
        self._index: NDArray[np.int64] = np.empty(0, np.int64)
        self._times: Float64 = np.empty(0)
        self._waiting: list[tuple[float, str]] = []  # time, text
        self._told: list[str] = []  # to be told with the next chunk
        if self._found:
            self._look_out()
            return
        stream = find(self.wanted)
        if not is_text(stream):
            raise ConfigError(
                f"device.markers: {self.wanted} sends numbers, not texts: choose a "
                "stream of texts"
            )
        pylsl = lsl.load()
        self._inlet = _inlet(stream)
        try:
            # Its clock is asked for while samples come: its texts wait for that.
            self._inlet.open_stream(WITHIN)
        except (pylsl.util.TimeoutError, pylsl.util.LostError):
            raise DeviceNotFound(
                f"device.markers: {self.wanted} is announced but does not answer: "
                f"{advice()}"
            ) from None
        self._found = True

    def put_on(self, chunks: Sequence[Chunk]) -> Sequence[Chunk]:
        """Return the chunks with the markers that are due, and with what went wrong."""
        arrived = now()
        for chunk in chunks:
            self._remember(chunk)
        self._waiting = sorted(self._waiting + self._pull(arrived))
        events = self._due(arrived) + self._news(arrived)
        if not events:
            return chunks
        if chunks:
            *before, last = chunks
            return [*before, replace(last, events=tuple(events))]
        stop = int(self._index[-1]) + 1 if len(self._index) else 0
        data = np.empty((0, *self._info.sample_shape), np.float32)
        empty = Chunk(self._info.name, stop, np.empty(0), data, arrived)
        return [replace(empty, events=tuple(events))]

    def close(self) -> None:
        """Disconnect."""
        self._inlet = self._resolver = None

    def _remember(self, chunk: Chunk) -> None:
        kept = slice(-max(1, round(_PAST * self._info.sfreq)), None)
        index = np.arange(chunk.index, chunk.stop)
        self._index = np.concatenate((self._index, index))[kept]
        self._times = np.concatenate((self._times, chunk.times))[kept]

    def _due(self, arrived: float) -> list[Event]:
        """Return the markers whose sample is known."""
        if not len(self._times):
            return []
        due, waiting = [], []
        for time, text in self._waiting:
            if time >= self._times[-1] and arrived - time < _PATIENCE:
                waiting.append((time, text))
                continue
            row = max(0, int(np.searchsorted(self._times, time, side="right")) - 1)
            told = {"text": text}
            index = int(self._index[row])
            due.append(Event(self._info.name, time, "marker", index, told))
        self._waiting = waiting
        return due

    def _news(self, arrived: float) -> list[Event]:
        told, self._told = self._told, []
        return [
            Event(self._info.name, arrived, "markers", None, {"message": each})
            for each in told
        ]

    def _pull(self, arrived: float) -> list[tuple[float, str]]:
        """Return the texts that have come, each with its time on the run's clock."""
        pylsl = lsl.load()
        if self._inlet is None and not self._back():
            return []
        try:
            # Neither waits: where the stream is not ready yet they say so.
            self._inlet.open_stream(0.0)
            shift = self._inlet.time_correction(0.0) + self._offset
            texts, stamps = self._inlet.pull_chunk(0.0)
        except pylsl.util.TimeoutError:
            return []
        except pylsl.util.LostError:
            self._told.append(f"{self.wanted} is lost; the samples go on")
            self._look_out()
            return []
        return [
            (lsl.observed(stamp + shift, arrived), ", ".join(text))
            for text, stamp in zip(texts, stamps, strict=True)
        ]

    def _look_out(self) -> None:
        """Let liblsl search in the background."""
        self._inlet = None
        self._resolver = lsl.load().ContinuousResolver(pred=self.wanted.query())

    def _back(self) -> bool:
        found = [each for each in self._resolver.results() if is_text(each)]
        if not found:
            return False
        self._inlet, self._resolver = _inlet(found[0]), None
        self._told.append(f"{self.wanted} is back")
        return True


def _inlet(stream: Any) -> Any:
    return lsl.load().StreamInlet(stream, recover=False)
