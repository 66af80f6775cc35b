"""How late a stream's chunks come, and how unevenly."""

import numpy as np

_KEPT = 256  # chunks: five seconds of a radio that sends fifty a second


class Delays:
    """How long after its newest sample each of the last chunks was handed over.

    One thread adds; any may read, and sees a record at most one chunk old.

    Notes
    -----
    Both figures rest on the times the device gives. Where it stamps its samples when
    they arrive, the way through the radio is not in the delay; the jitter is.
    """

    def __init__(self) -> None:
        self._seconds = np.full(_KEPT, np.nan)
        self._count = 0

    def add(self, seconds: float) -> None:
        """Note the delay of one chunk, in seconds."""
        self._seconds[self._count % _KEPT] = seconds
        self._count += 1

    @property
    def typical(self) -> float | None:
        """The median delay behind real time, in seconds; None before the first."""
        known = self._seconds[: self._count]
        return float(np.median(known)) if len(known) else None

    @property
    def jitter(self) -> float | None:
        """The 95th percentile less the median, in seconds; None before the first."""
        known = self._seconds[: self._count]
        if not len(known):
            return None
        middle, late = np.percentile(known, (50, 95))
        return float(late - middle)
