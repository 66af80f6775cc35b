"""What 16 or 24 bits stand for: the range that the header of an EDF file tells."""

import math
from dataclasses import dataclass

import numpy as np

from rtpipe.types import Float64

WIDTH = 8  # characters that the header has for a number
DIGITS = 4  # after the point; with more, Python writes an exponent
WIDEST = 2.0  # the header's range, in ranges of the data


@dataclass(frozen=True, slots=True)
class Physical:
    """The values that the lowest and the highest number of a channel stand for.

    Parameters
    ----------
    low, high : float
        In the channel's unit.
    exact : bool
        Whether the values are whole and each number stands for itself.
    step : float
        Between neighbouring numbers, in the channel's unit: what is written is at most
        half of it away from what was recorded, and not at all where it is exact.
    """

    low: float
    high: float
    exact: bool
    step: float


def physical(values: Float64, bits: int) -> Physical | None:
    """Return the narrowest range that holds all values, so that none is clipped.

    None where the header has no room for such numbers.

    Parameters
    ----------
    values : ndarray of float64, shape (n_times,)
    bits : int
    """
    lowest, highest = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    low, high = float(values.min()), float(values.max())
    if lowest <= low and high <= highest and (values == np.rint(values)).all():
        return Physical(lowest, highest, True, 1.0)
    bottom, top = _outward(low, -1), _outward(high, 1)
    if bottom == top:  # it never changes, and the header wants two numbers
        top = _outward(math.nextafter(high, math.inf), 1)
    if bottom is not None and top is not None:
        codes = highest - lowest
        step = (top - bottom) / codes
        finest = np.spacing(np.float32(max(abs(low), abs(high))))
        if step <= max(WIDEST * (high - low) / codes, float(finest)):
            return Physical(bottom, top, False, step)
    return None


def _outward(value: float, side: int) -> float | None:
    """Return the next number that the header has room for, None where it has none.

    It is the value or above it where `side` is 1, the value or below it where that
    is -1.
    """
    for digits in range(DIGITS, -1, -1):
        scale = float(10**digits)
        count = math.ceil(side * value * scale)
        if count / scale < side * value:  # the product was rounded inward
            count += 1
        near = side * count / scale
        if len(str(int(near) if near == int(near) else near)) <= WIDTH:
            return near
    return None
