"""The index that a run gave its samples, from the stream that holds it."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtpipe.errors import RecordingError
from rtpipe.recordings.table import FARTHEST
from rtpipe.xdf.read import Stream

Int64 = NDArray[np.int64]
_LARGEST = 1 << 53
_ROW, _INDEX, _ESTIMATED = range(3)


def numbered(path: Path, signal: Stream, told: Stream) -> tuple[Int64, tuple[int, ...]]:
    """Return the index of each sample, and the rows before which it is an estimate.

    Parameters
    ----------
    path : Path
    signal : Stream
    told : Stream
        With entries of three: a row, its index, and whether the jump before it is
        estimated. Later rows follow one another up to the next entry's.

    Raises
    ------
    RecordingError
        If the entries cannot be of such a signal.

    Notes
    -----
    Entries count the rows that were recorded. Where the file is damaged, how many of
    them are missing follows from the number that its footer tells, or else, and then as
    an estimate, from the times. So does a jump whose entry may be missing.
    """
    name, entries = signal.header.name, told.values
    if entries.dtype != np.int64 or entries.shape[1] != 3:
        raise _damaged(path, name, "its entries are not three whole numbers each")
    if not ((-_LARGEST < entries) & (entries < _LARGEST)).all():
        raise _damaged(path, name, "a number in it is too large")
    if not (np.diff(entries[:, _ROW]) > 0).all():
        raise _damaged(path, name, "it goes back, as if two recordings were joined")
    n = len(signal.stamps)
    lost, guessed = _lost(signal, entries)
    rows = np.arange(n) + np.cumsum(lost)
    index = _index(rows, entries)
    if told.footer is None or told.footer.count != len(entries):
        guessed += _jumps(signal, index, rows, entries)
    if np.abs(np.diff(index)).max(initial=0) > FARTHEST:
        raise _damaged(path, name, "it jumps too far")
    marked = entries[entries[:, _ESTIMATED] != 0, _ROW]
    estimated = np.flatnonzero(np.isin(rows, marked)).tolist()
    return index, tuple(sorted({*estimated, *guessed}))


def _damaged(path: Path, name: str, why: str) -> RecordingError:
    return RecordingError(f"{path}: the index of {name} is damaged: {why}")


def _index(rows: Int64, entries: NDArray[Any]) -> Int64:
    newest = np.searchsorted(entries[:, _ROW], rows, "right") - 1
    entry = entries[np.maximum(newest, 0)]
    index: Int64 = entry[:, _INDEX] + (rows - entry[:, _ROW])
    return index


def _lost(signal: Stream, entries: NDArray[Any]) -> tuple[Int64, list[int]]:
    """Return how many rows are missing before each, and where that is a guess."""
    n, footer = len(signal.stamps), signal.footer
    lost: Int64 = np.zeros(n, np.int64)
    breaks = [at for at in signal.breaks if at < n]
    if footer and footer.count is not None:
        in_all = max(0, footer.count - n)
        if not in_all or len(breaks) == 1:
            lost[breaks] = in_all
            return lost, []
    shift, guessed = 0, []
    for at in breaks:
        if at:
            lost[at] = _rows_passed(signal, at, at - 1 + shift, entries) - 1
            shift += int(lost[at])
            if lost[at]:
                guessed.append(at)
    return lost, guessed


def _jumps(
    signal: Stream, index: Int64, rows: Int64, entries: NDArray[Any]
) -> list[int]:
    """Mend the index where damage may have taken entries; return where that was."""
    sfreq, found = signal.header.nominal_srate, []
    for at in signal.breaks:
        if not 0 < at < len(index):
            continue
        intervals = float(signal.stamps[at] - signal.stamps[at - 1]) * sfreq
        if not intervals < FARTHEST:
            continue
        lost = round(intervals) - int(index[at] - index[at - 1])
        newest = int(np.searchsorted(entries[:, _ROW], rows[at], "right"))
        stop = len(index)
        if newest < len(entries):  # up to where it is known again
            stop = int(np.searchsorted(rows, entries[newest, _ROW]))
            lost = min(lost, int(entries[newest, _INDEX] - index[stop - 1]) - 1)
        if lost > max(4, 0.1 * sfreq):  # less is jitter
            index[at:stop] += lost
            found.append(at)
    return found


def _rows_passed(signal: Stream, at: int, row: int, entries: NDArray[Any]) -> int:
    """Return how many rows after `row`, which is the one before `at`, that one was.

    Where the index jumps in between, only a part of what passed was ever recorded.
    """
    sfreq = signal.header.nominal_srate
    intervals = float(signal.stamps[at] - signal.stamps[at - 1]) * sfreq
    if not 1 < intervals < FARTHEST:
        return 1
    reached = int(_index(np.array([row]), entries)[0]) + round(intervals)
    newest = int(np.searchsorted(entries[:, _INDEX], reached, "right")) - 1
    found = int(entries[max(0, newest)] @ (1, -1, 0)) + reached
    if newest + 1 < len(entries):
        found = min(found, int(entries[newest + 1, _ROW]))
    return max(1, found - row)
