"""The content of a chunk of samples. Nothing is made room for before it is checked."""

import struct
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtpipe.types import Float64
from rtpipe.xdf.chunks import varying
from rtpipe.xdf.encode import row_dtype
from rtpipe.xdf.header import FORMATS, STRING, Header

STAMPED, BARE = 8, 0  # what stands before a sample: how many bytes its time has
_STAMP = struct.Struct("<d")


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Samples with their times.

    Parameters
    ----------
    stamps : ndarray of float64, shape (n_times,)
        On the sender's clock. Where a sample has none, it comes one interval of the
        nominal rate after the one before.
    values : bytes
        Of a stream of numbers: n_times * n_channels of them, as they lie in the file.
    texts : list of str
        Of a stream of texts: as many, sample by sample.
    """

    stamps: Float64
    values: bytes = b""
    texts: list[str] = field(default_factory=list)


def decoded(content: memoryview, header: Header, last: float) -> Samples:
    """Return what a chunk holds behind the number of its stream.

    Parameters
    ----------
    content : memoryview
    header : Header
        Of its stream.
    last : float
        Time of the sample before, in seconds.

    Raises
    ------
    ValueError
        If the content is not, to the byte, what its header and its count promise.
    """
    read = varying(content, 0, len(content))
    if read is None:
        raise ValueError("samples without their number")
    n, at = read
    step = 1 / header.nominal_srate if header.nominal_srate > 0 else 0.0
    rows = content[at:]
    if header.channel_format == STRING:
        return _texts(rows, n, header.channel_count, last, step)
    kind = FORMATS[header.channel_format]
    return _numbers(rows, n, kind, header.channel_count, last, step)


def _numbers(
    rows: memoryview, n: int, kind: str, n_channels: int, last: float, step: float
) -> Samples:
    width = n_channels * int(kind[-1])
    if n * (1 + width) > len(rows):
        raise ValueError(f"{n} samples where there is room for fewer")
    if len(rows) == n * (9 + width):
        found = np.frombuffer(rows, row_dtype(kind, n_channels))
        if (found["flag"] == STAMPED).all():
            return Samples(found["stamp"].copy(), found["values"].tobytes())
    if len(rows) == n * (1 + width):
        bare = row_bare(kind, n_channels)
        found = np.frombuffer(rows, bare)
        if (found["flag"] == BARE).all():
            return Samples(_deduced(n, last, step), found["values"].tobytes())
    stamps, parts, at = np.empty(n), [], 0
    for k in range(n):
        stamps[k], at = _stamp(rows, at, last, step)
        last = stamps[k]
        parts.append(rows[at : at + width])
        at += width
    _ended(rows, at)
    return Samples(stamps, b"".join(parts))


def _texts(
    rows: memoryview, n: int, n_channels: int, last: float, step: float
) -> Samples:
    if n * (1 + 2 * n_channels) > len(rows):
        raise ValueError(f"{n} samples where there is room for fewer")
    stamps, at = np.empty(n), 0
    texts: list[str] = []
    for k in range(n):
        stamps[k], at = _stamp(rows, at, last, step)
        last = stamps[k]
        for _ in range(n_channels):
            read = varying(rows, at, len(rows))
            if read is None or sum(read) > len(rows):
                raise ValueError("a text that goes beyond its chunk")
            at = sum(read)
            texts.append(str(rows[read[1] : at], "utf-8", "replace"))
    _ended(rows, at)
    return Samples(stamps, texts=texts)


@lru_cache
def row_bare(kind: str, n_channels: int) -> np.dtype[Any]:
    """Return how a sample without a time lies in a file."""
    return np.dtype([("flag", "u1"), ("values", kind, (n_channels,))])


def _deduced(n: int, last: float, step: float) -> NDArray[np.float64]:
    """Return times one after the other, added up as a reader of samples would."""
    steps = np.full(n + 1, step)
    steps[0] = last
    return np.add.accumulate(steps, out=steps)[1:]


def _stamp(rows: memoryview, at: int, last: float, step: float) -> tuple[float, int]:
    """Return the time of the sample that begins at a byte, and where its values do."""
    flag = rows[at] if at < len(rows) else None
    if flag == BARE:
        return last + step, at + 1
    if flag != STAMPED or at + 9 > len(rows):
        raise ValueError("a sample whose time has neither 0 nor 8 bytes")
    return _STAMP.unpack_from(rows, at + 1)[0], at + 9


def _ended(rows: memoryview, at: int) -> None:
    if at != len(rows):
        raise ValueError("samples that do not fill their chunk")
