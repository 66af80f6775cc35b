"""Read an XDF file, whatever has happened to it.

What is read never takes much more memory than the file has bytes: each count is checked
against the bytes that are there. After damage, reading goes on with the next chunk that
is sure to be one. It ends where another file was joined to this one.
"""

import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtpipe.errors import RecordingError
from rtpipe.types import Float64
from rtpipe.xdf.chunks import Frame, frame
from rtpipe.xdf.encode import (
    BOUNDARY,
    CLOCK_OFFSET,
    FILE_HEADER,
    MAGIC,
    MARK,
    SAMPLES,
    STREAM_HEADER,
)
from rtpipe.xdf.header import FORMATS, STRING, Header, from_xml, parsed, told_in
from rtpipe.xdf.resume import Resume, is_file
from rtpipe.xdf.samples import decoded

LONGEST = 4 << 20  # bytes of a header: ten thousand channels take half of it
MOST = 10_000  # streams
LISTED = 20  # places of damage that are told; beyond, how many more there are


@dataclass(frozen=True, slots=True)
class Footer:
    """What the recorder said of a stream when it ended.

    Parameters
    ----------
    count : int or None
        How many samples it wrote; None where it does not say it.
    breaks : tuple of int
        Of a repaired file: rows before which there was damage.
    """

    count: int | None
    breaks: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """A stream of a file.

    Parameters
    ----------
    stream_id : int
    header : Header
    stamps : ndarray of float64, shape (n_times,)
        On the sender's clock, as they are in the file.
    values : ndarray, shape (n_times, n_channels)
        Of the type that the header names; of a stream of texts, without channels.
    texts : list of str
        Of a stream of texts: n_times * n_channels, sample by sample.
    offsets : ndarray of float64, shape (n_offsets, 2)
        When on the sender's clock, and by how much the recorder's was ahead.
    footer : Footer or None
    breaks : tuple of int
        Rows before which the file is damaged, or was until it was repaired, so that
        samples may be missing there.
    """

    stream_id: int
    header: Header
    stamps: Float64
    values: NDArray[Any]
    texts: list[str]
    offsets: Float64
    footer: Footer | None
    breaks: tuple[int, ...]

    def rows(self) -> Iterator[list[str]]:
        """Yield the texts of each sample."""
        n = self.header.channel_count
        for k in range(0, len(self.texts), n):
            yield self.texts[k : k + n]


@dataclass(frozen=True, slots=True, eq=False)
class File:
    """What a file holds.

    Parameters
    ----------
    about : dict of str to str, or None
        What its header says: version, perhaps a date; None where it has none.
    streams : tuple of Stream
    damage : tuple of str
        What could not be read, and at which bytes.
    cut : int or None
        The byte from which on nothing could be read.
    size : int
        In bytes.
    spans : tuple of (int, int)
        The bytes that could be read: file header, stream headers, then all other
        chunks, in their order.
    """

    about: dict[str, str] | None
    streams: tuple[Stream, ...]
    damage: tuple[str, ...]
    cut: int | None
    size: int
    spans: tuple[tuple[int, int], ...]

    @property
    def whole(self) -> bool:
        """Whether nothing is damaged, and the recorder ended every stream."""
        return (
            self.about is not None
            and not self.damage
            and all(each.footer for each in self.streams)
        )


def read(path: Path) -> File:
    """Read a file as far as it can be read.

    Raises
    ------
    RecordingError
        If it does not begin as XDF does.
    """
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise RecordingError(f"{path} is no XDF file: it does not begin with XDF:")
        data = mmap(file.fileno(), 0, access=ACCESS_READ)
    walk = _Walk(data, {})
    if walk.early:  # chunks that came before the header of their stream
        walk = _Walk(data, walk.headers)
    return walk.file()


class _Walk:
    """One way through the chunks of a file.

    Parameters
    ----------
    data : mmap
    headers : dict
        Those known already, and where they are.
    """

    def __init__(self, data: mmap, headers: dict[int, tuple[Header, int]]) -> None:
        self._data, self._resume = data, Resume(data)
        self.headers = dict(headers)
        self._parts = {key: _Part(each) for key, (each, _) in headers.items()}
        self._about: dict[str, str] | None = None
        self._heads: dict[int, list[tuple[int, int]]] = {FILE_HEADER: []}
        self._heads[STREAM_HEADER] = []
        self._spans: list[tuple[int, int]] = []
        self._damage: list[str] = []
        self._places = 0
        self._cut: int | None = None
        self._unknown: set[int] = set()
        self.early = False
        at = len(MAGIC)
        while at < len(data):
            at = self._step(at)

    def _step(self, at: int) -> int:
        """Take in the chunk at a byte; return where the next one is."""
        data, found = self._data, frame(self._data, at)
        if found is None and is_file(data, at):
            self._cut = at
            self._tell(
                f"bytes {at} to {len(data)}: another file begins there, which is not "
                f"read; tail -c +{at + 1} takes it out"
            )
            return len(data)
        if found is None:
            fault = "there is no whole chunk"
        else:
            try:
                self._take(found)
            except ValueError as error:
                fault = str(error)
            else:
                self._keep(found)
                return found.stop
        beyond: int | None
        if found and (found.stop == len(data) or frame(data, found.stop)):
            beyond = found.stop
        else:
            beyond = self._resume.behind(at, self._parts)
        if beyond is None:
            self._cut, beyond = at, len(data)
            fault = f"cut off at byte {at} of {len(data)}: {fault}"
        else:
            fault = f"bytes {at} to {beyond}: {fault}"
        self._tell(fault)
        return beyond

    def _tell(self, fault: str) -> None:
        self._places += 1
        if self._places <= LISTED:
            self._damage.append(fault)

    def _keep(self, found: Frame) -> None:
        span = (found.start, found.stop)
        if found.tag in self._heads:
            self._heads[found.tag].append(span)
        elif self._spans and self._spans[-1][1] == found.start:
            self._spans[-1] = (self._spans[-1][0], found.stop)
        else:
            self._spans.append(span)

    def _take(self, found: Frame) -> None:
        content = memoryview(self._data)[found.inside : found.stop]
        if found.tag == FILE_HEADER:
            self._file_header(content)
        elif found.tag == BOUNDARY:
            if content != MARK:
                raise ValueError("a boundary that is none")
        elif len(content) < 4:
            raise ValueError("a chunk without the number of its stream")
        else:
            (stream_id,) = struct.unpack_from("<I", content)
            if found.tag == STREAM_HEADER:
                self._stream_header(stream_id, content[4:], found.start)
            else:
                self._of_stream(found.tag, stream_id, content[4:])

    def _file_header(self, content: memoryview) -> None:
        if self._about is not None:
            raise ValueError("a second header of the file")
        root = parsed(_document(content))
        self._about = {each.tag: each.text or "" for each in root[:16]}

    def _stream_header(self, stream_id: int, content: memoryview, at: int) -> None:
        header, place = self.headers.get(stream_id, (None, at))
        if place != at:
            raise ValueError(f"a second header of stream {stream_id}")
        if header is None:
            if len(self._parts) == MOST:
                raise ValueError(f"stream {stream_id}, which is one more than {MOST}")
            try:
                header = from_xml(_document(content))
            except ValueError as error:
                raise ValueError(f"the header of stream {stream_id}: {error}") from None
            self.headers[stream_id] = header, at
            self._parts[stream_id] = _Part(header)
            self.early |= stream_id in self._unknown

    def _of_stream(self, tag: int, stream_id: int, content: memoryview) -> None:
        part = self._parts.get(stream_id)
        if part is None:
            self._unknown.add(stream_id)
            raise ValueError(f"stream {stream_id} has no header")
        if tag == SAMPLES:
            part.add(content, self._places)
        elif tag == CLOCK_OFFSET:
            if len(content) != 16:
                raise ValueError(f"a clock offset of {len(content)} bytes, not 16")
            part.offsets.frombytes(content)
        else:
            part.footer = _footer(content)

    def file(self) -> File:
        """Return what has been read."""
        more = self._places - len(self._damage)
        told = [f"and {more} more places"] if more else []
        places = self._places - (self._cut is not None)
        heads = [*self._heads[FILE_HEADER], *self._heads[STREAM_HEADER]]
        return File(
            about=self._about,
            streams=tuple(
                part.stream(key, places) for key, part in self._parts.items()
            ),
            damage=(*self._damage, *told),
            cut=self._cut,
            size=len(self._data),
            spans=(*heads, *self._spans),
        )


class _Part:
    """What has been read of one stream."""

    def __init__(self, header: Header) -> None:
        self.header = header
        self.stamps, self.values = array("d"), bytearray()
        self.texts: list[str] = []
        self.offsets = array("d")
        self.footer: Footer | None = None
        self.breaks = array("q")
        self._places = 0

    def add(self, content: memoryview, places: int) -> None:
        """Take in a chunk; `places` of damage have been met up to it."""
        found = decoded(content, self.header, self.stamps[-1] if self.stamps else 0.0)
        if places != self._places:
            self._places = places
            self.breaks.append(len(self.stamps))
        self.stamps.frombytes(found.stamps.data.cast("B"))
        self.values += found.values
        self.texts += found.texts

    def stream(self, stream_id: int, places: int) -> Stream:
        """Return it as arrays; `places` of damage have been met in all, but a cut."""
        header = self.header
        numbers = header.channel_format != STRING
        dtype = np.dtype(FORMATS[header.channel_format] if numbers else "i1")
        shape = (len(self.stamps), header.channel_count if numbers else 0)
        breaks = {*self.breaks, *(self.footer.breaks if self.footer else ())}
        if places > self._places:
            breaks.add(len(self.stamps))
        return Stream(
            stream_id,
            header,
            np.frombuffer(self.stamps, np.float64),
            np.frombuffer(self.values, dtype).reshape(shape),
            self.texts,
            np.frombuffer(self.offsets, np.float64).reshape(-1, 2),
            self.footer,
            tuple(sorted(breaks)),
        )


def _document(content: memoryview) -> str:
    if len(content) > LONGEST:
        raise ValueError(f"a header of {len(content)} bytes, more than {LONGEST}")
    return str(content, "utf-8", "replace")


def _footer(content: memoryview) -> Footer:
    try:
        info = parsed(_document(content))
    except ValueError as error:
        raise ValueError(f"a footer: {error}") from None
    breaks = _counts(told_in(info, "rtpipe/breaks"))
    # A repaired file counts the samples that are left, and beside it those there were.
    said = told_in(info, "rtpipe/written" if breaks else "sample_count")
    return Footer(next(iter(_counts(said)), None), breaks)


def _counts(said: str) -> tuple[int, ...]:
    return tuple(
        int(each) for each in said.split() if each.isdecimal() and len(each) < 19
    )
