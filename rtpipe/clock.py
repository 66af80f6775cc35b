"""The one clock of a run."""

import time


def now() -> float:
    """Return the run's clock, in seconds: monotonic, the same in every process.

    Notes
    -----
    `time.monotonic` never steps when the wall clock is set, and on Linux it is the
    clock LSL's ``local_clock`` reads, so times from an LSL stream need no other.
    """
    return time.monotonic()


def wall_offset() -> float:
    """Return what to add to the run's clock to get Unix time, in seconds."""
    return time.time() - time.monotonic()
