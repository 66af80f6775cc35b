"""A stream cut into packets by its index, whatever it comes in, and joined again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rtpipe.types import Chunk, Event

PACKET = 0.02  # seconds of signal, as many radios send at once


@dataclass(frozen=True, slots=True, eq=False)
class Packet:
    """What is lost, late or wrong as one.

    Parameters
    ----------
    number : int
        How many packets of the stream come before it.
    chunk : Chunk
    outages : int
        How often the device was lost before it.
    """

    number: int
    chunk: Chunk
    outages: int = 0


def size(sfreq: float) -> int:
    """Return the samples of a packet, at a rate in hertz."""
    return max(1, round(PACKET * sfreq))


class Cutter:
    """Cuts one stream.

    Parameters
    ----------
    n_times : int
        Samples a packet.
    """

    def __init__(self, n_times: int) -> None:
        self._n_times = n_times
        self._kept: list[Chunk] = []  # of a packet that is not whole yet
        self._number = 0
        self._origin: int | None = None

    def cut(self, chunk: Chunk) -> list[Packet]:
        """Take in a chunk, and return the packets that are now whole."""
        if self._origin is None:
            self._origin = chunk.index
        whole: list[Packet] = []
        start = 0
        while start < len(chunk):
            at = chunk.index + start - self._origin
            number = at // self._n_times
            if number != self._number:
                whole += self.rest()
                self._number = number
            stop = min(len(chunk), start + (number + 1) * self._n_times - at)
            self._kept.append(_rows(chunk, start, stop))
            start = stop
        if not len(chunk) and chunk.events:
            self._kept.append(chunk)
        if len(chunk) and (chunk.stop - self._origin) % self._n_times == 0:
            whole += self.rest()
        return whole

    def rest(self) -> list[Packet]:
        """Return the packet that is not whole, if there is one."""
        kept, self._kept = self._kept, []
        return [Packet(self._number, each) for each in join(kept)]


def join(chunks: Iterable[Chunk]) -> list[Chunk]:
    """Return the chunks with those in one that follow each other."""
    groups: list[list[Chunk]] = []
    for chunk in chunks:
        if groups and _follows(groups[-1][-1], chunk):
            groups[-1].append(chunk)
        else:
            groups.append([chunk])
    return [_joined(each) for each in groups]


def moved(chunk: Chunk, by: int) -> Chunk:
    """Return the chunk with another index, as its events."""
    events = tuple(
        each if each.index is None else replace(each, index=each.index + by)
        for each in chunk.events
    )
    return replace(chunk, index=chunk.index + by, events=events)


def _follows(before: Chunk, chunk: Chunk) -> bool:
    return (
        chunk.index == before.stop
        and chunk.data.shape[1:] == before.data.shape[1:]
        and (chunk.device_times is None) == (before.device_times is None)
    )


def _joined(chunks: Sequence[Chunk]) -> Chunk:
    if len(chunks) == 1:
        return chunks[0]
    stamps = [each.device_times for each in chunks if each.device_times is not None]
    return replace(
        chunks[0],
        times=np.concatenate([each.times for each in chunks]),
        data=np.concatenate([each.data for each in chunks]),
        device_times=np.concatenate(stamps) if stamps else None,
        arrived=chunks[-1].arrived,
        events=tuple(event for each in chunks for event in each.events),
    )


def _rows(chunk: Chunk, start: int, stop: int) -> Chunk:
    """Return some rows of a chunk, and the events that belong to them."""
    if (start, stop) == (0, len(chunk)):
        return chunk
    stamps = chunk.device_times
    return replace(
        chunk,
        index=chunk.index + start,
        times=chunk.times[start:stop],
        data=chunk.data[start:stop],
        device_times=None if stamps is None else stamps[start:stop],
        events=tuple(e for e in chunk.events if start <= _row(e, chunk) < stop),
        estimated=chunk.estimated and not start,
    )


def _row(event: Event, chunk: Chunk) -> int:
    """Return the row an event goes with: the first, where it is not of this chunk."""
    row = 0 if event.index is None else event.index - chunk.index
    return row if 0 <= row < len(chunk) else 0
