"""A copy of what a ring has shown, however many gaps it had: what lanes are drawn of.

A ring tells of two unbroken stretches only, and is overwritten; a person sees more.
"""

from math import ceil

import numpy as np
from numpy.typing import NDArray

from rtpipe.errors import Overrun
from rtpipe.ring import Ring
from rtpipe.types import Float32, Float64, StreamInfo

SPAN = 60.0  # seconds that are kept ...
MOST = 64 << 20  # ... unless they were more bytes than this
_MARGIN = 8  # the oldest of so many parts of a ring is overwritten while it is copied


class History:
    """The last samples of a stream, in memory that is taken once.

    Parameters
    ----------
    info : StreamInfo
        Of samples shaped (n_channels,).
    ring : Ring

    Attributes
    ----------
    index : ndarray of int, shape (n_times,)
        It jumps where samples were lost, or were overwritten before they were seen.
    times : ndarray of float64, shape (n_times,)
        Seconds, on the stream's clock.
    data : ndarray of float32, shape (n_times, n_channels)
    filled : ndarray of bool, shape (n_times,)
        Whether no value of a sample came from the device: short gaps are filled.
    resumed : ndarray of bool, shape (n_times,)
        Whether it is the first one after samples that were lost.
    """

    def __init__(self, info: StreamInfo, ring: Ring) -> None:
        self.info, self._ring = info, ring
        bytes_each = 4 * info.n_channels + 18
        self._room = max(ceil(min(SPAN * info.sfreq, MOST / bytes_each)), 2)
        n = self._room + self._room // 4  # so that they are moved to the front rarely
        self._index = np.empty(n, np.int64)
        self._times = np.empty(n)
        self._data = np.empty((n, info.n_channels), np.float32)
        self._filled, self._resumed = np.empty(n, bool), np.zeros(n, bool)
        self._stop = 0
        self._next = 0  # index that is read next

    def __len__(self) -> int:
        return min(self._stop, self._room)

    @property
    def index(self) -> NDArray[np.int64]:
        """Running numbers of the samples; see the class."""
        return self._index[self._kept]

    @property
    def times(self) -> Float64:
        """Seconds, on the stream's clock."""
        return self._times[self._kept]

    @property
    def data(self) -> Float32:
        """The samples, shape (n_times, n_channels)."""
        return self._data[self._kept]

    @property
    def filled(self) -> NDArray[np.bool_]:
        """Whether a sample is made up."""
        return self._filled[self._kept]

    @property
    def resumed(self) -> NDArray[np.bool_]:
        """Whether samples were lost just before."""
        return self._resumed[self._kept]

    def read(self) -> None:
        """Copy what the ring has got since the last call.

        What is overwritten in the middle of it is read with the next call, or is over.
        """
        ring = self._ring
        for begun, stop in ring.stretches:
            oldest = ring.stop - ring.capacity + ring.capacity // _MARGIN
            start = max(begun, self._next, oldest, stop - self._room)
            if start >= stop:
                continue
            try:
                self._copy(start, stop, after_loss=start == begun)
            except Overrun:
                return

    @property
    def _kept(self) -> slice:
        return slice(max(0, self._stop - self._room), self._stop)

    def _copy(self, start: int, stop: int, after_loss: bool) -> None:
        n = stop - start
        self._make_room(n)
        ring, rows = self._ring, slice(self._stop, self._stop + n)
        self._index[rows] = np.arange(start, stop)
        self._times[rows] = ring.times(start, stop)
        self._data[rows] = ring.view(start, stop)
        self._filled[rows] = ring.missing(start, stop) >= 1
        self._resumed[rows] = False
        self._resumed[rows.start] = after_loss and self._stop > 0
        ring.check(start)
        self._stop, self._next = rows.stop, stop

    def _make_room(self, n: int) -> None:
        if self._stop + n <= len(self._index):
            return
        kept = slice(max(0, self._stop - (self._room - n)), self._stop)
        for rows in (
            *(self._index, self._times, self._data),
            *(self._filled, self._resumed),
        ):
            rows[: kept.stop - kept.start] = rows[kept]
        self._stop = kept.stop - kept.start
