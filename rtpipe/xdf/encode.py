"""The chunks of an XDF file, each as the bytes that stand for it."""

import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtpipe.types import Float64
from rtpipe.xdf.header import Header, element, text, to_xml

MAGIC = b"XDF:"
FILE_HEADER, STREAM_HEADER, SAMPLES, CLOCK_OFFSET, BOUNDARY, STREAM_FOOTER = range(1, 7)
MARK = bytes.fromhex("43A546DCCBF5410FB30ED5467383CBE4")  # what a boundary holds


def file_header(told: Mapping[str, str]) -> bytes:
    """Return a file's beginning: the magic bytes, and the chunk that says its version.

    Parameters
    ----------
    told : mapping of str to str
        What else it says; recorders say ``datetime``, as ISO 8601 has it.
    """
    inside = {"version": "1.0", **told}
    xml = "".join(element(key, text(each)) for key, each in inside.items())
    return MAGIC + _chunk(FILE_HEADER, _document(xml))


def stream_header(stream_id: int, header: Header) -> bytes:
    """Return the chunk that comes before all others of a stream."""
    return _chunk(STREAM_HEADER, _number(stream_id) + to_xml(header).encode())


def samples(stream_id: int, stamps: Float64, values: NDArray[Any]) -> bytes:
    """Return a chunk of samples of numbers, each with its time.

    Parameters
    ----------
    stream_id : int
    stamps : ndarray of float64, shape (n_times,)
        Seconds on the sender's clock.
    values : ndarray, shape (n_times, n_channels)
        Of the type that the stream's header names.

    Raises
    ------
    ValueError
        If the arrays differ in length, or `values` has not two axes.
    """
    if values.ndim != 2 or stamps.shape != values.shape[:1]:
        raise ValueError(f"{stamps.shape=} does not fit {values.shape=}")
    rows = np.empty(
        len(stamps), row_dtype(values.dtype.newbyteorder("<").str, values.shape[1])
    )
    rows["flag"], rows["stamp"], rows["values"] = 8, stamps, values
    content = _number(stream_id) + _varying(len(stamps)) + rows.tobytes()
    return _chunk(SAMPLES, content)


def texts(stream_id: int, stamps: Float64, rows: Sequence[Sequence[str]]) -> bytes:
    """Return a chunk of samples of texts, each with its time.

    Parameters
    ----------
    stream_id : int
    stamps : ndarray of float64, shape (n_times,)
        Seconds on the sender's clock.
    rows : sequence of sequence of str
        Of each sample, a text for each channel.
    """
    content = [_number(stream_id), _varying(len(stamps))]
    for stamp, row in zip(stamps, rows, strict=True):
        content.append(struct.pack("<Bd", 8, stamp))
        for each in row:
            coded = each.encode("utf-8", "replace")
            content += [_varying(len(coded)), coded]
    return _chunk(SAMPLES, b"".join(content))


def clock_offset(stream_id: int, at: float, offset: float) -> bytes:
    """Return a chunk that says how two clocks stood to one another.

    Parameters
    ----------
    stream_id : int
    at : float
        When that was so, in seconds on the sender's clock.
    offset : float
        The recorder's clock less the sender's, in seconds.
    """
    return _chunk(CLOCK_OFFSET, struct.pack("<Idd", stream_id, at, offset))


def boundary() -> bytes:
    """Return the chunk at which a reader of a damaged file finds its way again."""
    return _chunk(BOUNDARY, MARK)


def stream_footer(
    stream_id: int,
    first: float,
    last: float,
    count: int,
    offsets: Sequence[tuple[float, float]],
    told: Mapping[str, str] | None = None,
) -> bytes:
    """Return the chunk that ends a stream.

    Parameters
    ----------
    stream_id : int
    first, last : float
        Times of its first and last sample, as they are in the file.
    count : int
        How many samples it has.
    offsets : sequence of (float, float)
        All that was said in chunks of clock offsets: `at` and `offset`.
    told : mapping of str to str, or None
        What only our own files say, under ``<rtpipe>``.
    """
    each = "".join(
        element("offset", element("time", repr(at)) + element("value", repr(offset)))
        for at, offset in np.asarray(offsets, np.float64).reshape(-1, 2).tolist()
    )
    xml = (
        element("first_timestamp", repr(float(first)))
        + element("last_timestamp", repr(float(last)))
        + element("sample_count", str(int(count)))
        + element("clock_offsets", each)
    )
    if told:
        inside = "".join(element(key, text(said)) for key, said in told.items())
        xml += element("rtpipe", inside)
    return _chunk(STREAM_FOOTER, _number(stream_id) + _document(xml))


@lru_cache
def row_dtype(kind: str, n_channels: int) -> np.dtype[Any]:
    """Return how a sample with its time lies in a file."""
    return np.dtype([("flag", "u1"), ("stamp", "<f8"), ("values", kind, (n_channels,))])


def _document(xml: str) -> bytes:
    return f'<?xml version="1.0"?>{element("info", xml)}'.encode()


def _number(stream_id: int) -> bytes:
    return struct.pack("<I", stream_id)


def _chunk(tag: int, content: bytes) -> bytes:
    return _varying(len(content) + 2) + struct.pack("<H", tag) + content


def _varying(number: int) -> bytes:
    """Return a length in as few bytes as XDF allows, and their number before it."""
    if number < 1 << 8:
        return struct.pack("<BB", 1, number)
    if number < 1 << 32:
        return struct.pack("<BI", 4, number)
    return struct.pack("<BQ", 8, number)
