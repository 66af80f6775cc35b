"""A histogram of durations in fixed memory."""

from math import inf

import numpy as np

_LOWEST, _DECADES, _PER_DECADE = 1e-6, 9, 40  # 1 us to 1000 s in steps of 6 %


class Histogram:
    """Counts of durations in logarithmic bins, from which percentiles are read.

    One thread adds; any may read, and sees a histogram at most one duration old.

    Attributes
    ----------
    seconds : float
        Sum of all durations; what is below zero counts as zero.

    Notes
    -----
    A percentile is the geometric middle of its bin: off by at most 3 %.
    """

    def __init__(self) -> None:
        self.counts = np.zeros(_DECADES * _PER_DECADE, np.int64)
        self.seconds = 0.0

    def add(self, seconds: float) -> None:
        """Count one duration; what lies outside 1 us to 1000 s counts at the edge."""
        at = np.log10(max(seconds, _LOWEST) / _LOWEST) * _PER_DECADE
        self.counts[min(int(at), len(self.counts) - 1)] += 1
        self.seconds += max(0.0, seconds)

    def percentile(self, q: float) -> float | None:
        """Return the duration that `q` percent do not exceed, in seconds, or None."""
        total = self.counts.sum()
        if not total:
            return None
        at = int(np.searchsorted(self.counts.cumsum(), total * q / 100))
        return float(_LOWEST * 10 ** ((at + 0.5) / _PER_DECADE))

    def bars(self) -> list[tuple[float, float, int]]:
        """Return from, to (in seconds) and how many, for every bin in use."""
        counts = self.counts.copy()
        return [
            (_edge(int(at)), _edge(int(at) + 1), int(counts[at]))
            for at in counts.nonzero()[0]
        ]

    def at_most(self) -> list[tuple[float, int]]:
        """Return durations in seconds, and how many were not longer.

        Five a decade from 0.1 ms to 100 s, which are edges of bins, and infinity.
        """
        known = self.counts.cumsum()
        edges = range(2 * _PER_DECADE, 8 * _PER_DECADE + 1, _PER_DECADE // 5)
        found = [
            (_LOWEST * 10 ** (edge / _PER_DECADE), int(known[edge - 1]))
            for edge in edges
        ]
        return [*found, (inf, int(known[-1]))]


def _edge(at: int) -> float:
    """Return where a bin begins, in seconds."""
    return float(_LOWEST * 10 ** (at / _PER_DECADE))
