"""How much of a signal fits a lane: round numbers, kept while they fit."""

from collections.abc import Iterable
from math import ceil, log10

import numpy as np

from rtpipe.types import Float32, Float64

_SHARE = 99.8  # percent of the samples that fit; rare peaks are cut off
_SPARE = 1.1  # room for those that come
_LOOSE = 0.25  # a signal that uses less of its lane than this gets a smaller range
LEAST, LARGEST = 1e-9, 1e30  # of the ranges


def rounded(value: float, steps: int = 0) -> float:
    """Return the least of 1, 2 and 5 times a power of ten that is not below a value.

    Parameters
    ----------
    value : float
    steps : int
        Which one instead: so many larger, or smaller.
    """
    value = min(max(value, LEAST), LARGEST)
    near = 3 * ceil(log10(value)) - 3
    places = range(near - 1, near + 5)
    first = next(k for k in places if _number(k) >= value * (1 - 1e-9))
    return _number(first + steps)


def _number(place: int) -> float:
    """Return a round number by its place: 1, 2, 5, 10, 20, ..."""
    return float(f"{(1, 2, 5)[place % 3]}e{place // 3}")


class Scale:
    """Range and middle of each lane of a stream.

    Parameters
    ----------
    n_channels : int

    Attributes
    ----------
    range : ndarray, shape (n_channels,)
        What the height of a lane stands for, in the channel's unit; nan where nothing
        has come yet.
    middle : ndarray, shape (n_channels,)
        The value at the middle of a lane.
    auto : ndarray of bool, shape (n_channels,)
        Whether the range follows the signal; the middle always does.
    """

    def __init__(self, n_channels: int) -> None:
        self.range = np.full(n_channels, np.nan)
        self.middle = np.full(n_channels, np.nan)
        self.auto = np.ones(n_channels, bool)

    def fit(self, data: Float32, alike: Iterable[list[int]] = ()) -> list[int]:
        """Follow the signal; return the channels whose lane is to be drawn anew.

        Parameters
        ----------
        data : ndarray of float32, shape (n_times, n_channels)
            What is seen of it.
        alike : iterable of list of int
            Channels that are to have one range, the largest that one of them needs; but
            for those whose range stays.
        """
        if not len(data):
            return []
        low, high = _spread(data)
        needed, middle = high - low, (low + high) / 2
        new, before = np.isnan(self.middle), self.range.copy()
        for channels in alike:
            if following := [k for k in channels if self.auto[k]]:
                needed[following] = np.max(needed[following])
                before[following] = np.max(before[following])
        unfit = (needed > before) | (needed < _LOOSE * before) | np.isnan(before)
        for k in np.flatnonzero(self.auto | np.isnan(self.range)):
            fitting = before[k]
            if unfit[k]:  # a channel that never changes has no range of its own
                fitting = rounded(_SPARE * float(needed[k])) if needed[k] > 0 else 1.0
            new[k] |= fitting != self.range[k]
            self.range[k] = fitting
        room = self.range / 2
        outside = np.maximum(high - self.middle, self.middle - low) > room
        drifted = np.abs(middle - self.middle) > room / 4
        moved = new | outside & drifted
        self.middle[moved] = middle[moved]
        return [int(k) for k in np.flatnonzero(moved)]

    def hold(self, channel: int, value: float) -> None:
        """Set a lane's range, which then stays."""
        self.auto[channel], self.range[channel] = False, value

    def step(self, channel: int, steps: int) -> None:
        """Make a lane's range larger, or smaller, by round numbers; it then stays."""
        self.auto[channel] = False
        if np.isfinite(self.range[channel]):
            self.range[channel] = rounded(float(self.range[channel]), steps)


def _spread(data: Float32) -> tuple[Float64, Float64]:
    """Return what most samples lie above, and what they lie below; both are finite."""
    values = data[:: max(1, len(data) // 1000)].astype(np.float64)
    np.nan_to_num(values, copy=False, posinf=LARGEST, neginf=-LARGEST)
    rest = (100 - _SHARE) / 2
    low, high = np.percentile(values, (rest, 100 - rest), axis=0)
    return low, high
