"""Which packets of a stream a fault befalls."""

from math import ceil, floor
from zlib import crc32

import numpy as np

from rtpipe.types import Float64

from .faulty_script import CLOCK, Fault

_DRAWS = 1024  # drawn at once
_LEAST = 1e-9  # of a packet, for 0.1 + 0.2


class Schedule:
    """When one fault is in force on one stream.

    A function of the seed, the stream's name and the number of the packet: not of how
    the stream comes. The very first packet is always left alone.

    Parameters
    ----------
    fault : Fault
    packet : float
        Seconds of signal in a packet.
    key : tuple of int
        What the chance depends on.
    stream : str
    """

    def __init__(
        self, fault: Fault, packet: float, key: tuple[int, ...], stream: str
    ) -> None:
        self._fault, self._packet = fault, packet
        self._key = (*key, crc32(stream.encode()))
        lasts = None if fault.name in CLOCK else fault.amount
        self._length = 1 if lasts is None else max(1, round(lasts / packet))
        self._at = [self._first(each) for each in fault.at]
        self._begun: int | None = None  # by chance
        self._drawn: tuple[int, Float64] = (-1, np.empty(0))

    def episode(self, number: int) -> int | None:
        """Return the packet at which what is in force began; None if nothing is."""
        if self._fault.share:
            return self._by_chance(number)
        begun = [each for each in self._at if each <= number]
        if self._fault.every is not None:
            times = floor(number * self._packet / self._fault.every + _LEAST)
            for n in (times, times + 1):  # ... whose packet may be this one
                first = self._first(n * self._fault.every)
                if n and first <= number:
                    begun.append(first)
        last = max(begun, default=-self._length)
        return last if 0 < last <= number < last + self._length else None

    def draw(self, number: int) -> float:
        """Return a number from 0 to 1 that belongs to a packet."""
        block, place = divmod(number, _DRAWS)
        if self._drawn[0] != block:
            rng = np.random.default_rng((*self._key, block))
            self._drawn = block, rng.random(_DRAWS)
        return float(self._drawn[1][place])

    def _by_chance(self, number: int) -> int | None:
        begun = self._begun
        if begun is not None and begun <= number < begun + self._length:
            return begun
        if number > 0 and self.draw(number) < self._fault.share:
            self._begun = number
            return number
        return None

    def _first(self, seconds: float) -> int:
        """Return the first packet that begins at a time or later, but for the first."""
        return max(1, ceil(seconds / self._packet - _LEAST))
