"""How much of a stream was lost, in all and lately."""

from collections import deque

from rtpipe.counters import StreamCounters

SPAN = 60.0  # seconds that are lately
_EVERY = 1.0


class Losses:
    """Follows a stream's counters.

    Attributes
    ----------
    recent : int
        Samples lost in the last minute.
    recent_share : float
        Of the samples of the last minute.
    """

    def __init__(self, counters: StreamCounters) -> None:
        self._counters = counters
        self._past: deque[tuple[float, int, int]] = deque()  # when, received, lost
        self.recent, self.recent_share = 0, 0.0

    @property
    def share(self) -> float:
        """Of all samples that there were, those that were lost."""
        return _share(self._counters.lost, self._counters.received)

    def look(self, time: float) -> None:
        """Note what the counters say now."""
        received, lost = self._counters.received, self._counters.lost
        past = self._past
        if not past or time - past[-1][0] >= _EVERY:
            past.append((time, received, lost))
        while time - past[0][0] > SPAN:
            past.popleft()
        self.recent = lost - past[0][2]
        self.recent_share = _share(self.recent, received - past[0][1])


def _share(lost: int, received: int) -> float:
    return lost / max(1, lost + received)
