"""The running number of rows whose packages carry a counter."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SLACK = 0.1  # seconds by which a package seems early after one that was late
_BACK = 16  # packages by which one may come after those that follow it


@dataclass(frozen=True, slots=True)
class Counting:
    """How a board counts its packages.

    Parameters
    ----------
    n_times : int
        Rows in a package; all of them carry its number.
    step : int
        From one package's number to the next one's.
    modulus : int
        Where the number begins again at 0.
    """

    n_times: int = 1
    step: int = 1
    modulus: int = 256


# By board and preset (0 default, 1 auxiliary), from BrainFlow's sources: the Muse's
# numbers are two bytes ahead of 12 electrode or 3 gyroscope samples (muse.cpp), the
# Cyton's one byte (cyton.cpp), of which the Daisy's rows have the even ones
# (cyton_daisy.cpp); the synthetic board's was watched. The Muse S Athena numbers all
# it sends, not what it sends of a kind (muse_athena.cpp), and the Muse's pulse may come
# without a number: neither tells what was lost.
COUNTINGS = {
    ("SYNTHETIC_BOARD", 0): Counting(),
    ("SYNTHETIC_BOARD", 1): Counting(),
    ("CYTON_BOARD", 0): Counting(),
    ("CYTON_DAISY_BOARD", 0): Counting(step=2),
    **{
        (f"MUSE_{model}_BOARD", preset): Counting(n_times=n, modulus=65536)
        for model in ("2016", "2", "S")
        for preset, n in ((0, 12), (1, 3))
    },
}


class Counter:
    """Numbers rows by the counter in their packages, across its wraps.

    Rows that were lost leave a jump of exactly their number, also within a package and
    however the rows are divided among calls. A package that comes twice, or late,
    gets its own numbers again.

    Parameters
    ----------
    counting : Counting
    sfreq : float
        Rows per second, in hertz.

    Notes
    -----
    What is lost before the first package or after the last one no counter can show.
    A gap longer than a whole cycle of the counter (a second of a Cyton, 51 minutes of
    a Muse) leaves it open how many cycles went by: that alone is taken from the times.
    """

    def __init__(self, counting: Counting, sfreq: float) -> None:
        self._n_times, self._step = counting.n_times, counting.step
        self._cycle = counting.modulus // counting.step
        self._rate = sfreq / counting.n_times  # packages per second
        self._value: int | None = None  # of the newest package
        self._stamp = 0.0
        self._package = self._row = 0

    def indices(
        self, values: Sequence[float], stamps: Sequence[float]
    ) -> NDArray[np.int64]:
        """Return the running number of each row; the very first one is 0.

        Parameters
        ----------
        values : sequence of float, length n_times
            The package number of each row.
        stamps : sequence of float, length n_times
            When the row was seen, in seconds.
        """
        rows = zip(values, stamps, strict=True)
        return np.array([self._index(int(v), stamp) for v, stamp in rows], np.int64)

    def _index(self, value: int, stamp: float) -> int:
        if self._value is None:
            self._stamp = stamp
        elif value == self._value and self._row + 1 < self._n_times:
            self._row += 1
        else:
            self._package += self._ahead(value, stamp)
            self._row = 0
        self._value, self._stamp = value, max(stamp, self._stamp)
        return self._package * self._n_times + self._row

    def _ahead(self, value: int, stamp: float) -> int:
        """Return by how many packages this one follows the one before."""
        assert self._value is not None
        ahead = (value - self._value) // self._step % self._cycle
        passed = (stamp - self._stamp + _SLACK) * self._rate
        if ahead > self._cycle - _BACK and passed < ahead:
            return ahead - self._cycle
        return ahead + max(0, int((passed - ahead) // self._cycle)) * self._cycle
