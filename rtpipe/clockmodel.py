"""When samples were taken, from when they were seen.

A radio delivers its samples in bursts, late by a different time each; the host's or the
sender's stamps say when they were seen. The samples themselves are evenly spaced, on a
clock that runs a little faster or slower than ours. So their times lie on a straight
line over the index, and no sample was taken after it was seen: the line lies along the
lower edge of what was observed.
"""

from collections import deque

import numpy as np

from rtpipe.types import Float64

BLOCK = 0.25  # seconds of which the earliest observation is kept
_EDGE = 0.1  # quantile of the blocks that the line goes through
_SLOPE_FROM = 3.0  # seconds of observations below which the nominal rate is believed
_STEP = 0.005  # seconds off the line that many blocks in a row must be to be a step
_LATE, _EARLY = 12, 3  # blocks in a row: congestion makes late, only a step makes early


class ClockModel:
    """A straight line from the index of samples to their times, fitted as they come.

    Of every quarter second of the index the earliest observation is kept, for `window`
    seconds. The line's slope is the median of the slopes between blocks half of the
    window apart; its height lets a tenth of the blocks lie below it. When blocks lie
    off it on one side for long, a clock was set: the line starts anew from those.

    Parameters
    ----------
    sfreq : float
        Nominal, in hertz.
    window : float
        Seconds of the past that the line is fitted to.

    Attributes
    ----------
    drift : float
        By how much the samples' spacing exceeds the nominal one, as a share.
    steps : int
        How often the line started anew.

    Notes
    -----
    A delay that all samples share cannot be seen and is part of the times. The slope is
    Theil's estimate on pairs half of the window apart; keeping the earliest of several
    observations is the clock filter of NTP.

    References
    ----------
    .. [1] H. Theil, Proc. Kon. Ned. Akad. Wetensch. A 53, 1950, pp. 386-392.
    .. [2] D. L. Mills, IEEE Trans. Communications 39(10), 1991,
       doi:10.1109/26.103043.
    """

    def __init__(self, sfreq: float, *, window: float = 30.0) -> None:
        self._sfreq = sfreq
        self._blocks: deque[tuple[float, float]] = deque(maxlen=round(window / BLOCK))
        self._open: tuple[int, float, float] | None = None  # block, place, late by
        self._off: deque[float] = deque(maxlen=_LATE)  # of blocks in a row off the line
        self._height = 0.0
        self._at = 0.0  # the place the height is of
        self._last = -np.inf
        self.drift = 0.0
        self.steps = 0

    def times(
        self, index: int, n_times: int, observed: float, arrived: float
    ) -> Float64:
        """Return the times of a chunk's samples, in seconds on the run's clock.

        Parameters
        ----------
        index : int
            Running number of the first sample, lost ones counted.
        n_times : int
        observed : float
            When the last of them was seen, on the run's clock: its arrival, or its
            device time mapped to the run's clock; the arrival where that is not finite.
        arrived : float
            When the chunk was handed over; no time is later.

        Returns
        -------
        ndarray of float64, shape (n_times,)
            Never decreasing, also from chunk to chunk.
        """
        if not n_times:
            return np.empty(0)
        if not np.isfinite(observed):
            observed = arrived
        self._observe((index + n_times - 1) / self._sfreq, observed)
        place = np.arange(index, index + n_times) / self._sfreq
        found: Float64 = place + self._height + self.drift * (place - self._at)
        np.minimum(found, arrived, out=found)
        np.maximum(found, self._last, out=found)
        self._last = float(found[-1])
        return found

    def _observe(self, place: float, observed: float) -> None:
        """Take in that the sample at a nominal time was seen at a time."""
        late = observed - place
        block = int(place / BLOCK)
        if self._open is None:
            self._at, self._height = place, late
        elif self._open[0] != block:
            self._close(*self._open[1:])
            self._open = None
        if self._open is None or late < self._open[2]:
            self._open = (block, place, late)
        if not self._blocks:  # the first block's earliest is all there is to go by
            self._at, self._height = self._open[1:]

    def _close(self, place: float, late: float) -> None:
        """Add a block and fit the line."""
        self._blocks.append((place, late))
        off = late - self._height - self.drift * (place - self._at)
        if abs(off) <= _STEP or (self._off and off * self._off[-1] < 0):
            self._off.clear()
        if abs(off) > _STEP:
            self._off.append(off)
        last = list(self._off)[-(_LATE if off > 0 else _EARLY) :]
        enough = len(last) == (_LATE if off > 0 else _EARLY)
        if enough and max(last) - min(last) <= 2 * _STEP:  # else it is another rate
            self.steps += 1
            for _ in range(len(self._blocks) - len(last)):
                self._blocks.popleft()
            self._off.clear()
        places, lates = np.array(self._blocks).T
        self._at = place
        half = len(places) // 2
        if half * 2 * BLOCK >= _SLOPE_FROM:
            rise = lates[-half:] - lates[:half]
            self.drift = float(np.median(rise / (places[-half:] - places[:half])))
        level = lates - self.drift * (places - place)
        self._height = float(np.quantile(level, _EDGE))
