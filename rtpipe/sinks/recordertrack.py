"""One stream of the file that is being recorded."""

from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtpipe.types import Float64
from rtpipe.xdf import encode
from rtpipe.xdf.header import STRING, Header


class RecorderTrack:
    """What of a stream waits to be written, and what of it was.

    Parameters
    ----------
    number : int
        Its own in the file.
    header : Header

    Attributes
    ----------
    count : int
        Samples given so far, those that wait included.
    waiting : int
        Those of them that are not in the file yet.
    """

    def __init__(self, number: int, header: Header) -> None:
        self.number, self.header = number, header
        self.count = self.waiting = 0
        self._stamps: list[Float64] = []
        self._values: list[NDArray[Any]] = []
        self._rows: list[Sequence[str]] = []
        # Kept for the footer: of a day there are many.
        self._at, self._offsets = array("d"), array("d")
        self._told = 0  # of the offsets
        self._first = self._last = 0.0

    def add(self, stamps: Float64, values: NDArray[Any]) -> None:
        """Add samples of numbers; `values` has the shape (n_times, n_channels)."""
        self._stamps.append(stamps)
        self._values.append(values)
        self._counted(len(stamps))

    def say(self, stamp: float, *row: str) -> None:
        """Add a sample of texts."""
        self._stamps.append(np.array([stamp]))
        self._rows.append(row)
        self._counted(1)

    def offset(self, at: float, offset: float) -> None:
        """Add how the clocks stand: `offset` is ours less the sender's."""
        self._at.append(at)
        self._offsets.append(offset)

    def head(self) -> bytes:
        """Return the chunk that comes before all others."""
        return encode.stream_header(self.number, self.header)

    def chunks(self) -> bytes:
        """Return what waits, as chunks."""
        told = b""
        if self.waiting:
            stamps = np.concatenate(self._stamps)
            if self.header.channel_format == STRING:
                told = encode.texts(self.number, stamps, self._rows)
            else:
                values = np.concatenate(self._values)
                told = encode.samples(self.number, stamps, values)
        new = zip(self._at[self._told :], self._offsets[self._told :], strict=True)
        offsets = [encode.clock_offset(self.number, *each) for each in new]
        return told + b"".join(offsets)

    def written(self) -> None:
        """Note that what `chunks` gave is in the file."""
        if self.waiting:
            if self.waiting == self.count:
                self._first = float(self._stamps[0][0])
            self._last = float(self._stamps[-1][-1])
        self._stamps, self._values, self._rows = [], [], []
        self.waiting, self._told = 0, len(self._offsets)

    def footer(self) -> bytes:
        """Return the chunk that ends the stream, with what is in the file."""
        in_file = slice(self._told)
        offsets = list(zip(self._at[in_file], self._offsets[in_file], strict=True))
        n = self.count - self.waiting
        return encode.stream_footer(self.number, self._first, self._last, n, offsets)

    def _counted(self, n: int) -> None:
        self.count += n
        self.waiting += n
