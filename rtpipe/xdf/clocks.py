"""Times of a stream on the recorder's clock, from the clock offsets it measured.

Between two resets of the sender's clock the offset is taken to be a straight line over
time, fitted so that single wrong measurements (a packet that was held up) hardly count:
least squares within 0.1 ms, absolute deviations beyond (Huber). A clock was reset where
a measurement's time steps back, or where both its time and its offset lie far from the
usual step. So does pyxdf, whose thresholds these are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rtpipe.types import Float64

HELD = 1e-4  # seconds off the line beyond which a measurement counts less
_TIME = (5.0, 5.0)  # seconds and deviations off the usual step that mean a reset: ...
_OFFSET = (1.0, 10.0)  # ... of the measurements' times, and of their offsets
_ROUNDS = 200
_ENOUGH = 1e-12  # seconds: a round that moves the line less is the last
_MOST = 1000  # resets; where more are seen it is no clock, and none is believed
_LARGEST = 1e12  # seconds; what is larger comes of damage


@dataclass(frozen=True, slots=True)
class Line:
    """The recorder's clock less the sender's: ``offset + slope * (stamp - at)``.

    Parameters
    ----------
    first, last : float
        Times of the measurements it was fitted to, in seconds on the sender's clock.
    at, offset, slope : float
        `slope` is the drift: 1e-6 is one part per million.
    """

    first: float
    last: float
    at: float
    offset: float
    slope: float

    def of(self, stamps: Float64) -> Float64:
        """Return the offset at each time of the sender's clock."""
        return self.offset + self.slope * (stamps - self.at)


def lines(offsets: Float64) -> list[Line]:
    """Return a line for each stretch without a reset of the clock.

    Parameters
    ----------
    offsets : ndarray of float64, shape (n_offsets, 2)
        When on the sender's clock, and by how much the recorder's was ahead.
    """
    sound = offsets[(np.abs(offsets) < _LARGEST).all(axis=1)]  # which NaN is not
    resets = np.flatnonzero(_resets(sound)) + 1
    parts = np.split(sound, resets) if len(resets) <= _MOST else [sound]
    return [_line(part) for part in parts if len(part)]


def synchronised(stamps: Float64, found: Sequence[Line]) -> Float64:
    """Return times on the recorder's clock.

    Parameters
    ----------
    stamps : ndarray of float64, shape (n_times,)
        On the sender's clock.
    found : sequence of Line
        See `lines`; without any the clocks are taken to be one.

    Notes
    -----
    A stretch of samples ends at the first that is nearer to the next line's first
    measurement than to its own line's last.
    """
    times, start = stamps.copy(), 0
    for line, after in pairwise([*found, None]):
        assert line is not None
        rest = stamps[start:]
        stop = len(stamps)
        if after is not None:
            with np.errstate(invalid="ignore"):
                past = np.abs(rest - line.last) >= np.abs(rest - after.first)
            stop = start + (int(past.argmax()) if past.any() else len(rest))
        with np.errstate(invalid="ignore", over="ignore"):  # times that are none
            times[start:stop] += line.of(stamps[start:stop])
        start = stop
    return times


def _resets(offsets: Float64) -> NDArray[np.bool_]:
    """Return between which measurements the sender's clock was set anew."""
    if len(offsets) < 2:
        return np.zeros(0, np.bool_)
    steps = np.diff(offsets, axis=0)
    return (steps[:, 0] < 0) | (_far(steps[:, 0], *_TIME) & _far(steps[:, 1], *_OFFSET))


def _far(steps: Float64, seconds: float, deviations: float) -> NDArray[np.bool_]:
    off = np.abs(steps - np.median(steps))
    usual = np.median(off) + np.finfo(float).eps
    return np.asarray((off > seconds) & (off > deviations * usual))


def _line(offsets: Float64) -> Line:
    at, offset = float(offsets[:, 0].mean()), float(np.median(offsets[:, 1]))
    x, y = offsets[:, 0] - at, offsets[:, 1] - offset
    span = float(np.abs(x).max())
    first, last = float(offsets[0, 0]), float(offsets[-1, 0])
    if span == 0:
        return Line(first, last, at, offset, 0.0)
    x = x / span
    weight = np.ones(len(x))
    level = slope = 0.0
    for _ in range(_ROUNDS):  # least squares, each weighted by how near it was
        total = weight.sum()
        middle, mean = (weight @ x) / total, (weight @ y) / total
        spread = weight @ (x - middle) ** 2
        new_slope = float(weight @ ((x - middle) * (y - mean)) / spread)
        new_level = float(mean - new_slope * middle)
        moved = abs(new_level - level) + abs(new_slope - slope)
        level, slope = new_level, new_slope
        if moved < _ENOUGH:
            break
        weight = 1 / np.maximum(1, np.abs(y - level - slope * x) / HELD)
    return Line(first, last, at, offset + level, slope / span)
