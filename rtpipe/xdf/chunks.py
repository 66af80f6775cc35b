"""Where a chunk lies in a file, and where the next one may after damage."""

import struct
from mmap import mmap
from typing import NamedTuple

from rtpipe.xdf.encode import BOUNDARY, FILE_HEADER, MARK, STREAM_FOOTER

_LENGTHS = {1: "<B", 4: "<I", 8: "<Q"}  # by how many bytes a length takes
_BOUNDARY = struct.pack("<BBH", 1, 2 + len(MARK), BOUNDARY)  # what stands before it


class Frame(NamedTuple):
    """A chunk's place: its bytes from `start` to `stop`, its content from `inside`."""

    tag: int
    start: int
    inside: int
    stop: int


def frame(data: mmap, at: int) -> Frame | None:
    """Return the chunk that begins at a byte; None where none can, or it is cut off."""
    read = varying(data, at, len(data))
    if read is None:
        return None
    length, behind = read
    stop = behind + length
    if length < 2 or stop > len(data):
        return None
    (tag,) = struct.unpack_from("<H", data, behind)
    if not FILE_HEADER <= tag <= STREAM_FOOTER:
        return None
    return Frame(tag, at, behind + 2, stop)


def varying(data: mmap | memoryview, at: int, stop: int) -> tuple[int, int] | None:
    """Return a length of 1, 4 or 8 bytes and what follows it; None where there is none.

    Parameters
    ----------
    data : mmap or memoryview
    at : int
        Of the byte that says how many bytes the length takes.
    stop : int
        The length lies before it.
    """
    width = data[at] if at < stop else 0
    layout = _LENGTHS.get(width)
    behind = at + 1 + width
    if layout is None or behind > stop:
        return None
    return struct.unpack_from(layout, data, at + 1)[0], behind


def next_boundary(data: mmap, at: int) -> int | None:
    """Return where a chunk begins at or after the next boundary behind a byte."""
    found = data.find(MARK, at + 1)
    if found < 0:
        return None
    start = found - len(_BOUNDARY)
    if start > at and data[start:found] == _BOUNDARY:
        return start
    return found + len(MARK)
