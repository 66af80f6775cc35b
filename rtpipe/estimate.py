"""The running number of samples whose device does not count them."""

import numpy as np
from numpy.typing import NDArray

from rtpipe.types import Float64

_SAMPLES, _SECONDS = 4, 0.1  # a step of the times must exceed both to mean a loss
_SET = 1.0  # seconds off by which a clock was set, and no sample late


class IndexEstimate:
    """Numbers the samples of one stream from their times, chunk after chunk.

    The number counts what was received. Where a time is later than the one before by
    more than four samples and 100 ms, it jumps by the samples that fit in between: less
    is jitter. A time that steps backward counts as the one before; one that steps back
    by more than a second, or ahead by a second more than has passed, comes from a
    clock that was set, and tells of no loss; one that is not finite
    is a sample's period after the one before.

    Parameters
    ----------
    sfreq : float
        Nominal, in hertz.
    """

    def __init__(self, sfreq: float) -> None:
        self._sfreq = sfreq
        self._least = max(_SAMPLES / sfreq, _SECONDS)
        self._next = 0
        self._latest: float | None = None
        self._arrived: float | None = None

    def indices(
        self, times: Float64, arrived: float | None = None
    ) -> NDArray[np.int64]:
        """Return the running number of each sample; the very first one is 0.

        Parameters
        ----------
        times : ndarray of float64, shape (n_times,)
            Seconds, as the device tells them.
        arrived : float or None
            When they came, in seconds on the run's clock; None in a recording.
        """
        if not len(times):
            return np.empty(0, np.int64)
        times = finite(times, self._latest, self._sfreq)
        before = times[0] if self._latest is None else self._latest
        known = _unset(np.concatenate(([before], times)))
        steps = np.diff(known)
        lost = np.where(steps > self._least, np.rint(steps * self._sfreq) - 1, 0)
        if arrived is not None:
            if self._arrived is not None:
                lost[steps > arrived - self._arrived + _SET] = 0
            self._arrived = arrived
        lost[steps < 0] = 0
        index: NDArray[np.int64] = self._next + np.cumsum(1 + lost.astype(np.int64)) - 1
        self._next = int(index[-1]) + 1
        self._latest = float(known[-1]) if np.isfinite(known[-1]) else None
        return index


def finite(times: Float64, before: float | None, sfreq: float) -> Float64:
    """Return times, those that are not finite continued from the one before.

    Parameters
    ----------
    times : ndarray of float64, shape (n_times,)
        Seconds.
    before : float or None
        The one before the first. Where it is not known, those that come before the
        first finite one are counted back from it; where none is finite, all are NaN.
    sfreq : float
        In hertz.
    """
    known = np.isfinite(times)
    if known.all():
        return times
    rows = np.arange(len(times))
    if before is None:
        if not known.any():
            return np.full_like(times, np.nan)
        first = int(np.argmax(known))
        before = float(times[first]) - (first + 1) / sfreq
    newest = np.maximum.accumulate(np.where(known, rows, -1))
    base = np.where(newest >= 0, np.where(known, times, 0.0)[newest], before)
    found: Float64 = base + (rows - newest) / sfreq
    return found


def _unset(times: Float64) -> Float64:
    """Return the times without steps back, but for those of a clock that was set."""
    known = times.copy()
    begins = np.flatnonzero(np.diff(times) < -_SET) + 1
    for part in np.split(known, begins):  # views
        np.maximum.accumulate(part, out=part)
    return known


def stretches(index: NDArray[np.int64]) -> list[slice]:
    """Return the rows between the jumps of an index: each can be one chunk."""
    if not len(index):
        return []
    jumps = (np.flatnonzero(np.diff(index) != 1) + 1).tolist()
    return [slice(a, b) for a, b in zip([0, *jumps], [*jumps, len(index)], strict=True)]
