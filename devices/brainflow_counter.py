"""The running number of rows whose packages carry a counter."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SLACK = 0.1  # seconds by which a package seems early after one that was late
_BACK = 16  # packages by which one may come after those that follow it
_LATE = 2.0  # seconds by which it may, where its number leaves no doubt
_BUSY = 1.0  # seconds a host may be: what waited for it then comes at once


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

    Attributes
    ----------
    estimated : set of int
        The indices of the last call before which a jump rests on the times.

    Notes
    -----
    What is lost before the first package or after the last one no counter can show.
    A gap longer than a whole cycle of the counter (a second of a Cyton, 51 minutes of
    a Muse) leaves it open how many cycles went by: that alone is taken from the times.

    A device cannot have sent more than fits in the time since the package before. A
    number that says so by more than a second is a late package's, or the device has
    begun to count anew, and the index goes on by the times. A Cyton's counter, whose
    cycle is no longer, cannot show that.
    """

    def __init__(self, counting: Counting, sfreq: float) -> None:
        self._n_times, self._step = counting.n_times, counting.step
        self._cycle = counting.modulus // counting.step
        self._rate = sfreq / counting.n_times  # packages per second
        self._newest: int | None = None  # the number of the newest package
        self._count = 0  # of packages up to it
        self._seen = 0.0  # when it came
        self._value = self._package = self._row = 0  # of the row before
        self.estimated: set[int] = set()

    def indices(
        self, values: Sequence[float], times: Sequence[float]
    ) -> NDArray[np.int64]:
        """Return the running number of each row; the very first one is 0.

        Parameters
        ----------
        values : sequence of float, length n_times
            The package number of each row.
        times : sequence of float, length n_times
            When the row was seen, in seconds.
        """
        self.estimated = set()
        rows = zip(values, times, strict=True)
        return np.array([self._index(int(v), time) for v, time in rows], np.int64)

    def _index(self, value: int, time: float) -> int:
        known, estimated = self._newest is not None, False
        if known and value == self._value and self._row + 1 < self._n_times:
            self._row += 1
        else:
            ahead, estimated = self._ahead(value, time)
            self._package, self._row = self._count + ahead, 0
            if ahead >= 0:
                self._newest, self._count = value, self._package
        self._value = value
        self._seen = max(time, self._seen) if known else time
        index = self._package * self._n_times + self._row
        if estimated:
            self.estimated.add(index)
        return index

    def _ahead(self, value: int, time: float) -> tuple[int, bool]:
        """Return by how many packages this one follows the newest, and if by time."""
        if self._newest is None:
            return 0, False
        ahead = (value - self._newest) // self._step % self._cycle
        back = self._cycle - ahead
        passed = (time - self._seen) * self._rate
        fits = passed + _SLACK * self._rate
        if back < _BACK and fits < ahead:
            return -back, False
        if ahead <= fits + _BUSY * self._rate:
            cycles = max(0, int((fits - ahead) // self._cycle))
            return ahead + cycles * self._cycle, cycles > 0
        if back < _LATE * self._rate:
            return -back, False
        return max(1, round(passed)), True
