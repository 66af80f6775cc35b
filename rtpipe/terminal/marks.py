"""Markers at their place in time: a row of ticks under the signals."""

from collections import deque
from collections.abc import Sequence

from rtpipe.printable import clean
from rtpipe.types import Event

_KEPT = 32
_TICK = "▴"


class Marks:
    """The last markers of one stream."""

    def __init__(self) -> None:
        self._kept: deque[tuple[int, str]] = deque(maxlen=_KEPT)

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, event: Event) -> None:
        """Note a marker; one that belongs to no sample has no place."""
        if event.index is not None:
            self._kept.append((event.index, clean(str(event.data.get("text", "")))))

    def row(self, sizes: tuple[int, int], width: int, margins: tuple[int, int]) -> str:
        """Return cells with a tick where each marker lies, and its text.

        Parameters
        ----------
        sizes : (int, int)
            Samples of a cell, and the index at which the cell after the last begins.
        width : int
            Cells in which ticks may stand.
        margins : (int, int)
            Cells more, left and right, that texts may take.
        """
        size, stop = sizes
        places = []
        for index, text in self._kept:
            # What came after the newest whole cell stands under the newest cell.
            at = min(width - 1, width + (index - stop) // size)
            if at >= 0:
                places.append((margins[0] + at, text))
        return _drawn(places, width + sum(margins))


def _drawn(places: Sequence[tuple[int, str]], width: int) -> str:
    row = [" "] * width
    for at, _ in places:
        row[at] = _TICK
    for at, text in reversed(places):  # of two that would overlap the newer is told
        for start in (at - len(text) - 1, at + 2):
            end = start + len(text)
            around = row[max(0, start - 1) : end + 1]
            free = start >= 0 and end <= width and set(around) <= {" ", _TICK}
            if free and set(row[start:end]) <= {" "}:
                row[start:end] = text
                break
    return "".join(row)
