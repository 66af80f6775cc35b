"""The running number of samples whose device does not count them."""

import numpy as np
from numpy.typing import NDArray

from rtpipe.types import Float64

_SAMPLES, _SECONDS = 4, 0.1  # a step of the times must exceed both to mean a loss


class IndexEstimate:
    """Numbers the samples of one stream from their times, chunk after chunk.

    The number counts what was received. Where a time is later than the one before by
    more than four samples and 100 ms, it jumps by the samples that fit in between: less
    is jitter. A time that steps backward counts as the one before.

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

    def indices(self, times: Float64) -> NDArray[np.int64]:
        """Return the running number of each sample; the very first one is 0.

        Parameters
        ----------
        times : ndarray of float64, shape (n_times,)
            Seconds, as the device tells them.
        """
        if not len(times):
            return np.empty(0, np.int64)
        before = times[0] if self._latest is None else self._latest
        known = np.maximum.accumulate(np.concatenate(([before], times)))
        steps = np.diff(known)
        lost = np.where(steps > self._least, np.rint(steps * self._sfreq) - 1, 0)
        index: NDArray[np.int64] = self._next + np.cumsum(1 + lost.astype(np.int64)) - 1
        self._next, self._latest = int(index[-1]) + 1, float(known[-1])
        return index


def stretches(index: NDArray[np.int64]) -> list[slice]:
    """Return the rows between the jumps of an index: each can be one chunk."""
    if not len(index):
        return []
    jumps = (np.flatnonzero(np.diff(index) != 1) + 1).tolist()
    return [slice(a, b) for a, b in zip([0, *jumps], [*jumps, len(index)], strict=True)]
