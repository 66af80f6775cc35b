"""How fast samples really come."""

from collections import deque

import numpy as np

_SPAN = 8.0  # seconds; a Bluetooth packet of 12 samples then moves the slope by 1 %
_FEWEST = 16  # samples; of a slow stream that takes longer


class Rate:
    """The slope of a counter over the last seconds.

    Parameters
    ----------
    sfreq : float
        The rate to expect, in hertz.
    """

    def __init__(self, sfreq: float) -> None:
        self._span = max(_SPAN, _FEWEST / sfreq)
        self._points: deque[tuple[float, int]] = deque()

    def add(self, time: float, count: int) -> None:
        """Note what the counter says now."""
        self._points.append((time, count))
        while self._points[0][0] < time - self._span:
            self._points.popleft()

    @property
    def per_second(self) -> float | None:
        """A least-squares slope; None until it covers an eighth of its span."""
        points = self._points
        if not points or points[-1][0] - points[0][0] < self._span / 8:
            return None
        times, counts = np.array(points).T
        times = times - times.mean()
        return float(times @ counts / (times @ times))
