"""How fast samples really come."""

from collections import deque

import numpy as np

_SPAN = 8.0  # seconds; a Bluetooth packet of 12 samples then moves the slope by 1 %


class Rate:
    """The slope of a counter over the last seconds.

    Attributes
    ----------
    silent : float
        Since when the counter stands still, in seconds.
    """

    def __init__(self) -> None:
        self.silent = 0.0
        self._points: deque[tuple[float, int]] = deque()
        self._changed = 0.0

    def add(self, time: float, count: int) -> None:
        """Note what the counter says now."""
        if not self._points or count != self._points[-1][1]:
            self._changed = time
        self.silent = time - self._changed
        self._points.append((time, count))
        while self._points[0][0] < time - _SPAN:
            self._points.popleft()

    @property
    def per_second(self) -> float | None:
        """A least-squares slope; None until it covers a second."""
        if not self._points or self._points[-1][0] - self._points[0][0] < 1:
            return None
        times, counts = np.array(self._points).T
        times = times - times.mean()
        return float(times @ counts / (times @ times))
