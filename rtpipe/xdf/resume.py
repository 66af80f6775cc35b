"""Where reading goes on behind damage."""

import re
import struct
from collections.abc import Container
from mmap import mmap

from rtpipe.xdf.chunks import Frame, frame, next_boundary, varying
from rtpipe.xdf.encode import (
    BOUNDARY,
    CLOCK_OFFSET,
    FILE_HEADER,
    MAGIC,
    MARK,
    SAMPLES,
    STREAM_FOOTER,
)

TRIES = 200_000  # places of a file that are looked at: a second or so
IN_A_ROW = 3  # chunks that make a place believed
_TAGS = re.compile(b"[%c%c%c]\0" % (SAMPLES, CLOCK_OFFSET, STREAM_FOOTER))
_WIDTHS = (1, 4, 8)  # bytes of a chunk's length


class Resume:
    """Finds the next chunk of a file that is damaged.

    A place is believed where three chunks of known streams follow one another, or as
    many as there are to the end of the file, or where there is a boundary. No byte is
    looked at twice, so that the time is that of a search through the file.

    Parameters
    ----------
    data : mmap
    """

    def __init__(self, data: mmap) -> None:
        self._data, self._left = data, TRIES
        self._boundary: int | None = 0  # the next one that is known

    def behind(self, at: int, known: Container[int]) -> int | None:
        """Return where the next chunk, or the next file, begins; None if none does.

        Parameters
        ----------
        at : int
            The byte where the damage was met.
        known : container of int
            Numbers of the streams whose headers were read.
        """
        if self._boundary is not None and self._boundary <= at:
            self._boundary = next_boundary(self._data, at)
        found = self._chunk(at, known)
        if found is None:
            found = self._boundary
        stop = len(self._data) if found is None else found
        start = self._data.find(MAGIC, at + 1, stop)
        return start if start >= 0 and is_file(self._data, start) else found

    def _chunk(self, at: int, known: Container[int]) -> int | None:
        """Return where a chunk begins before the next boundary."""
        data = self._data
        stop = len(data) if self._boundary is None else self._boundary
        for tag in _TAGS.finditer(data, at + 1, stop):
            if not self._left:
                return None
            self._left -= 1
            for width in _WIDTHS:
                start = tag.start() - 1 - width
                if start > at and data[start] == width and self._goes_on(start, known):
                    return start
        return None

    def _goes_on(self, at: int, known: Container[int]) -> bool:
        """Tell whether chunks follow one another from a byte on."""
        for _ in range(IN_A_ROW):
            found = frame(self._data, at)
            if found is None or not _likely(self._data, found, known):
                return False
            at = found.stop
            if at == len(self._data):
                return True
        return True


def is_file(data: mmap, at: int) -> bool:
    """Tell whether a file begins at a byte: one that was joined to another."""
    if data[at : at + len(MAGIC)] != MAGIC:
        return False
    head = frame(data, at + len(MAGIC))
    return head is not None and head.tag == FILE_HEADER


def _likely(data: mmap, found: Frame, known: Container[int]) -> bool:
    """Tell whether what a chunk holds begins as such a chunk's does."""
    inside, stop = found.inside, found.stop
    if found.tag == BOUNDARY:
        return data[inside:stop] == MARK
    if stop - inside < 4 or struct.unpack_from("<I", data, inside)[0] not in known:
        return False
    behind = inside + 4
    if found.tag == CLOCK_OFFSET:
        return stop - behind == 16
    if found.tag == SAMPLES:
        count = varying(data, behind, stop)
        # Each has a byte for its time's length, and one at least for its value.
        return count is not None and 2 * count[0] <= stop - count[1]
    return found.tag == STREAM_FOOTER and data[behind : behind + 1] == b"<"
