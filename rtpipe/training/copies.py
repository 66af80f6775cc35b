"""Whether two recordings hold the same signal: a copy, a part, one by two recorders."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rtpipe.errors import RecordingError
from rtpipe.types import Float32

COPY = 0.05  # share of the stretches from which on two recordings are of one signal
_LONG = 32  # samples of a stretch
_ONE_OF = np.uint64(8)  # so many is compared
_FACTORS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class Fingerprint:
    """What tells a recording's signal from any other, wherever it begins.

    Parameters
    ----------
    data : ndarray of float32, shape (n_times, n_channels)

    Notes
    -----
    Every stretch of 32 samples has a number that depends on each bit of it. Which of
    them are kept depends on the number alone, so that of a shifted copy the same are
    (winnowing without a window [1]_). One that does not vary tells nothing.

    References
    ----------
    .. [1] Schleimer, Wilkerson and Aiken, Winnowing: local algorithms for document
       fingerprinting, SIGMOD 2003, doi:10.1145/872757.872770, section 2 ("0 mod p").
    """

    def __init__(self, data: Float32) -> None:
        bits = np.ascontiguousarray(data, np.float32).view(np.uint32).astype(np.uint64)
        row = np.zeros(len(bits), np.uint64)
        for channel in bits.T:
            row = _mixed(row * _GOLDEN + channel)
        n = max(len(row) - _LONG + 1, 0)
        stretch, varies = np.zeros(n, np.uint64), np.zeros(n, bool)
        for k in range(_LONG if n else 0):
            stretch = stretch * _GOLDEN + row[k : k + n]
            varies |= row[k : k + n] != row[:n]
        stretch = _mixed(stretch)
        self._kept = np.unique(stretch[varies & (stretch % _ONE_OF == 0)])

    def is_copy(self, other: "Fingerprint") -> bool:
        """Return whether the shorter of the two is in the other, or part of it is."""
        fewer = min(len(self._kept), len(other._kept))
        common = np.intersect1d(self._kept, other._kept, assume_unique=True)
        return bool(len(common) > COPY * fewer)


def refuse_copies(known: Sequence[tuple[Fingerprint, Path]]) -> None:
    """Raise where two files are of one signal: they may not be trained on and scored.

    Raises
    ------
    RecordingError
    """
    for (one, path), (two, other) in combinations(known, 2):
        if one.is_copy(two):
            raise RecordingError(
                f"{path} and {other} are of one recording, and a model of the one is "
                "not to be asked about the other: take one of them away"
            )


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return numbers each bit of which depends on all bits of those given.

    The finaliser of SplitMix64: Steele, Lea and Flood, Fast splittable pseudorandom
    number generators, OOPSLA 2014, doi:10.1145/2660193.2660195.
    """
    numbers = (numbers ^ (numbers >> np.uint64(30))) * _FACTORS[0]
    numbers = (numbers ^ (numbers >> np.uint64(27))) * _FACTORS[1]
    return numbers ^ (numbers >> np.uint64(31))
