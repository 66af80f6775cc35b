"""A stream's recent past in fixed memory: one writer, many readers, no copy.

Each sample is stored twice, one capacity apart, so that any window of the past is one
contiguous, read-only view. The writer never waits. It publishes `begin` (where the
write will end) before it writes and `done` after, and a reader who keeps data copies
it first and then looks at `begin` again: what lies more than one capacity behind
`begin` may have been overwritten in between, and is discarded as an `Overrun`.
Readers in other processes attach to the file and follow the same rule.

The header is eight 64-bit integers: a mark, the capacity, begin, done, where the newest
unbroken stretch begins, where the one before it begins and ends, and zero. Then follow
times (float64), missing (float32) and data (float32), each with twice the capacity.
Each integer is written by one aligned store. That a reader sees the stores in the
writer's order is what x86-64 promises; on other processors it rests on the
interpreter's own locks between the statements.
"""

import errno
import mmap
import os
import tempfile
from math import prod
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rtpipe.errors import Overrun
from rtpipe.types import Chunk, Float32, Float64

MARK = 0x52545049_50450001  # "RTPIPE", version 1
HEADER = 64  # bytes
_Dtype = TypeVar("_Dtype", bound=np.generic)
# Places in the header.
_CAPACITY, _BEGIN, _DONE, _FIRST, _BEFORE, _ENDED = 1, 2, 3, 4, 5, 6


class Ring:
    """The last `capacity` samples of a stream, addressed by their index.

    Parameters
    ----------
    sample_shape : tuple of int
    capacity : int
        Samples that are kept.
    path : Path or None
        Of the file other processes attach to; None keeps the ring private. The file
        must not exist, is readable by its owner alone, and is removed by `close`.

    Raises
    ------
    ValueError
        If the capacity is not positive.
    FileExistsError
        If there is a file at `path` already.
    OSError
        If there is no room for the file: it is claimed whole, at once.
    """

    def __init__(
        self, sample_shape: tuple[int, ...], capacity: int, path: Path | None = None
    ) -> None:
        if capacity < 1:
            raise ValueError(f"a ring's capacity must be positive, got {capacity}")
        self.sample_shape, self.capacity, self.path = sample_shape, capacity, path
        size = _size(sample_shape, capacity)
        if path is None:
            self._memory = mmap.mmap(-1, size)
        else:
            self._memory = _mapped(path, size)
        self._map(memoryview(self._memory))
        self._header[_CAPACITY] = capacity
        self._header[0] = MARK

    @classmethod
    def attach(cls, path: Path, sample_shape: tuple[int, ...]) -> "Ring":
        """Open another process's ring for reading.

        Raises
        ------
        ValueError
            If the file is no ring, or one of another sample shape.
        """
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size < HEADER:
                raise ValueError(f"{path} is not a ring")
            ring = cls.__new__(cls)
            ring._memory = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)
        mark, capacity = np.frombuffer(ring._memory, np.int64, 2)
        if mark != MARK or size != _size(sample_shape, int(capacity)):
            raise ValueError(f"{path} is not a ring of samples shaped {sample_shape}")
        ring.sample_shape, ring.capacity, ring.path = sample_shape, int(capacity), None
        ring._map(memoryview(ring._memory))
        return ring

    def _map(self, memory: memoryview) -> None:
        twice = 2 * self.capacity
        times, missing, data, _ = _offsets(self.sample_shape, self.capacity)
        self._header: NDArray[np.int64] = np.frombuffer(memory, np.int64, HEADER // 8)
        self._times: Float64 = np.frombuffer(memory, np.float64, twice, times)
        self._missing: Float32 = np.frombuffer(memory, np.float32, twice, missing)
        flat = np.frombuffer(memory, np.float32, twice * prod(self.sample_shape), data)
        self._data: Float32 = flat.reshape(twice, *self.sample_shape)

    @property
    def first(self) -> int:
        """Index of the oldest sample of the newest stretch that can still be read."""
        return max(int(self._header[_FIRST]), self.stop - self.capacity)

    @property
    def stop(self) -> int:
        """Index that the next sample would have: all before it have been written."""
        return int(self._header[_DONE])

    @property
    def stretches(self) -> tuple[tuple[int, int], ...]:
        """Start and stop of each unbroken stretch that can still be read, in order.

        They are one or two. The newest is empty before the first sample, and may be so
        for who looks while it begins.
        """
        header, oldest = self._header, self.stop - self.capacity
        begun, before, ended = (int(header[k]) for k in (_FIRST, _BEFORE, _ENDED))
        newest = max(begun, oldest), max(begun, oldest, self.stop)
        if ended > max(before, oldest):
            return (max(before, oldest), ended), newest
        return (newest,)

    def write(self, chunk: Chunk) -> None:
        """Append a chunk; of one longer than the ring, the end.

        A chunk that does not begin at `stop` begins a new stretch: no view ever spans a
        hole. The stretch before it can still be read, for windows that are waiting.
        """
        n = len(chunk)
        if not n:
            return
        skipped = max(0, n - self.capacity)
        start, stop = chunk.index + skipped, chunk.stop
        header = self._header
        if chunk.index != header[_DONE] or skipped:
            header[_BEFORE], header[_ENDED] = header[_FIRST], header[_DONE]
            header[_FIRST] = start
        header[_BEGIN] = stop
        at = start % self.capacity
        rows = slice(at, at + n - skipped)
        self._times[rows] = chunk.times[skipped:]
        self._missing[rows] = 0 if chunk.missing is None else chunk.missing[skipped:]
        self._data[rows] = chunk.data[skipped:]
        self._mirror(rows.start, rows.stop)
        header[_DONE] = stop

    def _mirror(self, at: int, end: int) -> None:
        """Store rows at..end a second time, one capacity up or down."""
        capacity = self.capacity
        turn = min(end, capacity)
        for rows in (self._times, self._missing, self._data):
            rows[at + capacity : turn + capacity] = rows[at:turn]
            if end > capacity:
                rows[: end - capacity] = rows[capacity:end]

    def view(self, start: int, stop: int) -> Float32:
        """Return the samples start..stop-1 without a copy, read-only.

        Promised only until the next write. Who keeps the data copies it and then
        calls `check` with the same `start`.

        Returns
        -------
        ndarray of float32, shape (stop - start, *sample_shape)

        Raises
        ------
        Overrun
            If they are no longer, or not yet, in the ring.
        """
        return _frozen(self._data[self._rows(start, stop)])

    def times(self, start: int, stop: int) -> Float64:
        """Return the times of the samples start..stop-1; else like `view`."""
        return _frozen(self._times[self._rows(start, stop)])

    def missing(self, start: int, stop: int) -> Float32:
        """Return each sample's missing share; else like `view`."""
        return _frozen(self._missing[self._rows(start, stop)])

    def check(self, start: int) -> None:
        """Raise `Overrun` unless the samples from `start` on are still untouched."""
        header = self._header
        in_stretch = start >= header[_FIRST] or (
            header[_BEFORE] <= start < header[_ENDED]
        )
        if start < header[_BEGIN] - self.capacity or not in_stretch:
            raise Overrun(f"sample {start} was overwritten")

    def _rows(self, start: int, stop: int) -> slice:
        if stop > self.stop:
            raise Overrun(f"sample {stop - 1} has not come yet")
        self.check(start)
        if start < (begun := self._header[_FIRST]) and stop > self._header[_ENDED]:
            raise Overrun(f"samples before {begun} were lost")
        at = start % self.capacity
        return slice(at, at + stop - start)

    def close(self) -> None:
        """Remove the file, if it was this ring that made it. Safe to call twice.

        The memory itself goes with the last view of it.
        """
        if self.path is not None:
            self.path.unlink(missing_ok=True)
            self.path = None


def no_room(folder: Path) -> OSError:
    """Return the error of a folder in memory that is full, and what to do about it."""
    return OSError(
        errno.ENOSPC,
        "no room for the run's memory files; free memory there (a container's "
        "/dev/shm has 64 MB unless it is started with, say, --shm-size=1g)",
        str(folder),
    )


def _mapped(path: Path, size: int) -> mmap.mmap:
    """Make a file of this size and return its memory; if that fails, no file stays."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        try:
            _claim(file, size)
            return mmap.mmap(file, size)
        finally:
            os.close(file)
    except OSError as error:
        path.unlink()
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise no_room(path.parent) from error
        raise


def _claim(file: int, size: int) -> None:
    """Take all of the room now: what is missing later ends the process by SIGBUS."""
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(file, 0, size)
        except OSError as error:  # some file systems cannot
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS):
                raise
        else:
            return
    os.ftruncate(file, size)


def shared_folder() -> Path:
    """Return the folder whose files live in memory, or else the one for temporaries."""
    shm = Path("/dev/shm")
    writable = shm.is_dir() and os.access(shm, os.W_OK)
    return shm if writable else Path(tempfile.gettempdir())


def _offsets(sample_shape: tuple[int, ...], capacity: int) -> tuple[int, int, int, int]:
    """Return where times, missing and data start, and where data ends, in bytes."""
    times = HEADER
    missing = times + 2 * capacity * 8
    data = missing + 2 * capacity * 4
    return times, missing, data, data + 2 * capacity * prod(sample_shape) * 4


def _size(sample_shape: tuple[int, ...], capacity: int) -> int:
    return _offsets(sample_shape, capacity)[-1]


def _frozen(view: NDArray[_Dtype]) -> NDArray[_Dtype]:
    view.flags.writeable = False
    return view
