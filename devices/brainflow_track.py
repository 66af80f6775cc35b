"""The rows of one BrainFlow preset, numbered and timed, as chunks."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtpipe import clock
from rtpipe.clockmodel import ClockModel
from rtpipe.estimate import IndexEstimate, stretches
from rtpipe.types import Chunk, Event, Float64

from .brainflow_board import Source
from .brainflow_counter import COUNTINGS, Counter

OLDEST = 5.0  # seconds; a stamp older than that is of another clock than ours
BEFORE = 1.0  # seconds by which a stamp may lie before the rows that were taken last


class Track:
    """What several streams of one preset share: rows, numbers, times.

    Parameters
    ----------
    board : str
    preset : int
    described : mapping
        What BrainFlow says of the preset.
    carried : sequence of Source
        The streams in its rows.
    """

    def __init__(
        self,
        board: str,
        preset: int,
        described: Mapping[str, Any],
        carried: Sequence[Source],
    ) -> None:
        self.preset, self._carried = preset, carried
        sfreq = float(described["sampling_rate"])
        self._stamp = int(described["timestamp_channel"])
        self._package = int(described["package_num_channel"])
        counting = COUNTINGS.get((board, preset))
        self._counter = Counter(counting, sfreq) if counting else None
        self._estimate = IndexEstimate(sfreq)
        self._clock = ClockModel(sfreq)
        self._newest = -1  # index of the newest row handed over
        self._taken: float | None = None  # when rows were taken last
        self._hosts = False  # whether the rows are stamped on the host's clock

    def chunks(self, table: Float64, offset: float) -> list[Chunk]:
        """Return the rows as chunks of each stream.

        A row whose index has been passed, for it came late or twice, is dropped: no
        chunk may go back. A ``"late"`` event counts such rows, which are in no chunk
        and so in no count of what was handed over.

        Parameters
        ----------
        table : ndarray of float64, shape (n_values, n_times)
            As BrainFlow gives it.
        offset : float
            From the run's clock to Unix time, in seconds.
        """
        arrived = clock.now()
        index = self._indices(table, self._seen(table[self._stamp], offset, arrived))
        before = np.maximum.accumulate(np.concatenate(([self._newest], index)))[:-1]
        fresh = index > before
        n_late = len(index) - int(fresh.sum())
        table, index = table[:, fresh], index[fresh]
        chunks: list[Chunk] = []
        for rows in stretches(index) or [slice(0, 0)]:
            chunks += self._stretch(
                table[:, rows], index[rows], offset, arrived, n_late
            )
            n_late = 0
        return chunks

    def _seen(self, stamps: Float64, offset: float, arrived: float) -> Float64:
        """Return when each row came, in seconds of a clock that nobody sets.

        The host's can be set while the board streams: its stamps are mapped to the
        run's, and those from before it was set, which that takes to another time, are
        brought back to where they can have been. A board's own clock is let be.
        """
        seen = stamps - offset
        if self._taken is None:
            self._hosts = bool(abs(arrived - seen[-1]) < OLDEST)
        earliest = -np.inf if self._taken is None else self._taken - BEFORE
        self._taken = arrived
        return np.clip(seen, earliest, arrived) if self._hosts else stamps

    def _indices(self, table: Float64, seen: Float64) -> NDArray[np.int64]:
        if self._counter is None:
            return self._estimate.indices(seen)
        packages = np.nan_to_num(table[self._package])
        return self._counter.indices(packages.tolist(), seen.tolist())

    def _stretch(
        self,
        table: Float64,
        index: NDArray[np.int64],
        offset: float,
        arrived: float,
        n_late: int,
    ) -> list[Chunk]:
        """Return a chunk a stream of rows that follow one another."""
        first = int(index[0]) if len(index) else self._newest + 1
        stamps = table[self._stamp].copy()
        observed = float(stamps[-1]) - offset if len(stamps) else arrived
        if not arrived - OLDEST <= observed <= arrived:
            observed = arrived
        times = self._clock.times(first, len(index), observed, arrived)
        self._newest = first + len(index) - 1
        estimated = self._counter is not None and first in self._counter.estimated
        chunks = []
        for source in self._carried:
            name = source.info.name
            late = Event(name, arrived, "late", None, {"samples": n_late})
            with np.errstate(over="ignore"):  # what is too large is infinite: no value
                data = table[list(source.rows)].T.astype(np.float32, order="C")
            events = (late,) if n_late else ()
            chunks.append(
                Chunk(
                    name,
                    first,
                    times,
                    data,
                    arrived,
                    stamps,
                    events=events,
                    estimated=estimated,
                )
            )
        return chunks
