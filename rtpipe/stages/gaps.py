"""Close short gaps, tell long ones, and say which samples are not real."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from rtpipe.types import Chunk, Event, Float32, StreamInfo


class Gaps:
    """First stage of every stream: what comes out is finite and in order.

    Lost samples are seen as a jump of the index. Up to `longest` they are filled with
    a straight line between their neighbours; a longer gap stays a jump, at which the
    later stages start anew. Either way a ``"gap"`` event says how many were lost. A
    value that is not finite, or beyond the rails (see `StreamInfo.rails`), where the
    device cannot be, is replaced by the channel's last one. Samples that come a
    second time are dropped, with a ``"late"`` event.

    Parameters
    ----------
    longest : float
        Longest gap that is filled, in seconds.

    Notes
    -----
    A value exactly at a rail is passed on, but counts as missing.
    """

    def __init__(self, *, longest: float = 0.1) -> None:
        self.longest = longest

    def prepare(self, info: StreamInfo) -> StreamInfo:
        """Wait for a first sample."""
        self._info = info
        self._next: int | None = None
        self._last = np.zeros(info.sample_shape, np.float32)  # newest row, mended
        self._last_time = 0.0
        return info

    def process(self, chunk: Chunk) -> Iterator[Chunk]:
        """Yield the chunk with `missing` set, preceded by what fills a short gap."""
        chunk = self._without_late(chunk)
        if not len(chunk):
            if chunk.events:
                yield chunk
            return
        data, missing = self._mended(chunk.data)
        if self._next is not None and chunk.index > self._next:
            chunk, fill = self._after_gap(chunk, self._next, data[0])
            if fill is not None:
                yield fill
        self._next = chunk.stop
        self._last, self._last_time = data[-1], float(chunk.times[-1])
        yield replace(chunk, data=data, missing=missing)

    def _without_late(self, chunk: Chunk) -> Chunk:
        """Drop the rows whose index has been passed already."""
        late = 0 if self._next is None else min(self._next - chunk.index, len(chunk))
        if late <= 0:
            return chunk
        event = Event(
            chunk.stream, float(chunk.times[0]), "late", chunk.index, {"samples": late}
        )
        device_times = chunk.device_times
        return replace(
            chunk,
            index=chunk.index + late,
            times=chunk.times[late:],
            data=chunk.data[late:],
            device_times=None if device_times is None else device_times[late:],
            events=(event, *chunk.events),
        )

    def _mended(self, data: Float32) -> tuple[Float32, Float32]:
        """Return the rows without impossible values, and the missing share of each."""
        flat = data.reshape(len(data), -1)
        possible = np.isfinite(flat)
        bad = ~possible
        if self._info.rails is not None:
            # As the samples are stored: a rail that float32 rounds stays a rail.
            low, high = np.asarray(self._info.rails, np.float32)
            possible &= (low <= flat) & (flat <= high)
            bad = ~((low < flat) & (flat < high))  # NaN is bad too
        missing = bad.mean(axis=1, dtype=np.float32)
        if possible.all():
            return data, missing
        # For each value the row of the newest possible one; row 0 is the carry.
        rows = np.arange(1, len(flat) + 1)[:, None] * possible
        newest = np.maximum.accumulate(rows, axis=0)
        known = np.concatenate((self._last.reshape(1, -1), flat))
        return np.take_along_axis(known, newest, axis=0).reshape(data.shape), missing

    def _after_gap(
        self, chunk: Chunk, expected: int, row: Float32
    ) -> tuple[Chunk, Chunk | None]:
        """Return the chunk with the gap's event, and what fills the gap, if short."""
        lost = chunk.index - expected
        short = lost <= self.longest * self._info.sfreq
        estimated = chunk.estimated or not self._info.counted
        told = {"lost": lost, "filled": short, "estimated": estimated}
        event = Event(chunk.stream, float(chunk.times[0]), "gap", expected, told)
        if not short:
            return replace(chunk, events=(event, *chunk.events)), None
        steps = np.arange(1, lost + 1) / (lost + 1)
        weight = steps.reshape(-1, *[1] * row.ndim)
        # As a weighted sum, for the difference of two large floats may overflow.
        data = (self._last * (1 - weight) + row * weight).astype(np.float32)
        times = self._last_time + steps * (float(chunk.times[0]) - self._last_time)
        missing = np.ones(lost, np.float32)
        fill = Chunk(
            chunk.stream,
            expected,
            times,
            data,
            chunk.arrived,
            missing=missing,
            events=(event,),
        )
        return chunk, fill
