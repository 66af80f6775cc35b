"""A recording as a device: at its own pace, N times as fast, or as fast as possible."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from rtpipe.clock import now
from rtpipe.errors import ConfigError
from rtpipe.recording import Answers, Recording, read
from rtpipe.types import Chunk, StreamInfo

TICK = 0.02  # seconds between two chunks of a paced replay
AT_ONCE = 4096  # samples a chunk of an unpaced one


class ReplayDevice:
    """A recording: EDF, BDF, FIF, BrainVision, XDF, OpenBCI, BrainFlow, Muse, UCI.

    Every stream of it, in any layout that `rtpipe.recording` reads.

    Parameters
    ----------
    file : Path
    speed : float or "max"
        1 is the pace of the recording; ``"max"`` lets the models set the pace, so
        that no window is ever skipped.
    chunk : int or None
        Samples handed over at once at most; None leaves it to the pace.
    board : str, int or None
        For a file of BrainFlow's, which does not tell it: the name or the number of
        its board, for example ``SYNTHETIC_BOARD``.
    units : str, list of str or None
        For the channels whose unit the file does not tell, for example ``uV``: one for
        all, or one for each.

    Raises
    ------
    ConfigError
        If the speed or the chunk is not positive.
    """

    clock: Literal["recording"] = "recording"

    def __init__(
        self,
        file: Path,
        *,
        speed: float | Literal["max"] = 1.0,
        chunk: int | None = None,
        board: str | int | None = None,
        units: str | list[str] | None = None,
    ) -> None:
        self.file, self.speed, self.chunk = file, speed, chunk
        self.board, self.units = board, units
        if speed != "max" and not 0 < speed < float("inf"):
            raise ConfigError(f"replay: speed must be positive or max, got {speed}")
        if chunk is not None and chunk < 1:
            raise ConfigError(f"replay: chunk must be positive, got {chunk}")
        self.paced = speed != "max"
        self._tracks: list[_Track] = []

    def open(self) -> Sequence[StreamInfo]:
        """Read the file; it plays from the first `read` on."""
        answers = Answers(board=self.board, units=self.units)
        self._tracks = [_Track(recording) for recording in read(self.file, answers)]
        self._start: float | None = None
        return [track.recording.info for track in self._tracks]

    def read(self, timeout: float) -> Sequence[Chunk] | None:
        """Return what is due by now, or as much as fits a chunk if not paced."""
        if all(track.over for track in self._tracks):
            return None
        if self.speed == "max":
            n = self.chunk or AT_ONCE
            # As far as the first stream gets with a chunk: none runs ahead of another.
            until = min(track.time_after(n) for track in self._tracks if not track.over)
            return self._due(until, n)
        if self._start is None:
            self._start = now()
        played = self._played()
        if not any(track.due(played) for track in self._tracks):
            time.sleep(min(timeout, TICK))
            played = self._played()
        return self._due(played, self.chunk)

    def _due(self, until: float, most: int | None) -> list[Chunk]:
        """Return what has been recorded up to a time, in chunks of at most `most`."""
        return [
            chunk for track in self._tracks for chunk in track.take_due(until, most)
        ]

    def _played(self) -> float:
        """Return the recording's time that is now, in seconds."""
        assert self._start is not None
        assert self.speed != "max"
        # In whole ticks, so that a chunk is not a single sample.
        return (now() - self._start) // TICK * TICK * self.speed

    def close(self) -> None:
        """Forget the recording."""
        self._tracks = []


class _Track:
    """One stream of the recording and how far it has been played."""

    def __init__(self, recording: Recording) -> None:
        self.recording, self.at = recording, 0
        self._told = 0  # events handed over
        self._estimated = frozenset(recording.estimated)

    @property
    def over(self) -> bool:
        return self.at >= len(self.recording.times)

    def time_after(self, n: int) -> float:
        """Return the time of the n-th sample from here, or of the last one."""
        times = self.recording.times
        return float(times[min(self.at + n, len(times)) - 1])

    def due(self, played: float) -> int:
        """Return how many samples are due and not yet handed over."""
        stop = np.searchsorted(self.recording.times, played, side="right")
        return max(0, int(stop) - self.at)

    def take_due(self, played: float, most: int | None) -> list[Chunk]:
        """Return the samples due, in chunks of at most `most`."""
        stop = self.at + self.due(played)
        chunks = []
        while self.at < stop:
            chunks.append(self.take(min(stop, self.at + (most or stop))))
        return chunks

    def take(self, stop: int) -> Chunk:
        """Return the samples up to row `stop`, or up to a jump of the index."""
        whole = self.recording
        index = whole.index[self.at : stop]
        jumps = np.flatnonzero(np.diff(index) != 1)
        n = int(jumps[0]) + 1 if len(jumps) else len(index)
        rows = slice(self.at, self.at + n)
        self.at += n
        chunk = Chunk(
            whole.info.name,
            int(index[0]),
            whole.times[rows],
            whole.data[rows],
            arrived=now(),
            device_times=None
            if whole.device_times is None
            else whole.device_times[rows],
            estimated=rows.start in self._estimated,
        )
        first = self._told
        while (
            self._told < len(whole.events)
            and (whole.events[self._told].index or 0) < chunk.stop
        ):
            self._told += 1
        return replace(chunk, events=whole.events[first : self._told])
