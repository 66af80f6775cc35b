"""The thread that hands items to one sink."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from math import inf
from typing import cast

from rtpipe.errors import last_line
from rtpipe.runtime.thread import start
from rtpipe.sink import Item, Run, SamplesLost, Sink, Taken
from rtpipe.types import Chunk

QUEUE = 4096  # items that may wait for a sink, ...
BYTES = 64 << 20  # ... or bytes for one of samples: minutes, for a disk that stalls
_ITEM = 1024  # bytes that an item takes, at least


class Lane:
    """The thread of one sink, and the items that wait for it.

    Items may be put before the thread is started: they wait.
    """

    def __init__(
        self,
        sink: Sink,
        run: Run,
        wait: bool,
        failed: Callable[[str, BaseException], None],
    ) -> None:
        self._sink, self._run, self._wait, self._failed = sink, run, wait, failed
        self._items: deque[Taken] = deque()
        self._bytes = 0  # that they take
        self._changed = threading.Condition()
        self._closing = self._over = self._ending = self._deaf = False
        self._thread: threading.Thread | None = None
        self._bounds = (inf, BYTES) if sink.samples else (QUEUE, inf)
        run.dropped.setdefault(sink.name, 0)

    def start(self) -> None:
        """Start the thread; the sink has been opened."""
        self._thread = start(f"sink-{self._sink.name}", self._loop)

    @property
    def samples(self) -> bool:
        """Whether its sink is given chunks."""
        return self._sink.samples

    def put(self, items: Sequence[Taken]) -> None:
        """Add items; in a paced run the oldest make room, else wait for room."""
        with self._changed:
            if self._wait:
                # What the sink itself brings about must not wait for the sink, nor
                # who starts it for what only then has room.
                self._changed.wait_for(
                    lambda: (
                        self._over
                        or self._ending
                        or not self._full(1)
                        or self._thread in (None, threading.current_thread())
                    )
                )
            if self._over or self._deaf:
                self._count(() if self._deaf else items)
                return
            self._items += items
            self._bytes += sum(_size(item) for item in items)
            while not self._wait and self._full():
                oldest = self._items.popleft()
                self._bytes -= _size(oldest)
                self._count([oldest])
            self._changed.notify_all()

    def release(self) -> None:
        """Let go of who waits for room; what they hold is still taken.

        A run that is to end must not wait for a reader that waits for a sink that
        waits for a person who reads page by page.
        """
        with self._changed:
            self._ending = True
            self._changed.notify_all()

    def finish(self) -> None:
        """Let the thread hand on what waits and close the sink; does not wait for that.

        What is put from now on is for others, and not counted.
        """
        with self._changed:
            self._deaf = self._closing = self._ending = True
            self._changed.notify_all()

    def close(self) -> None:
        """Hand on what waits, close the sink, and end the thread.

        Where it was not started, the sink was not opened, and is left alone.
        """
        with self._changed:
            self._closing = self._ending = True
            self._over |= self._thread is None
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _loop(self) -> None:
        items: list[Taken] = []
        taking = True
        try:
            closing = False
            while not closing:
                items, closing = self._next()
                # Chunks are among them only where the sink says that it takes them.
                self._sink.take(cast(Sequence[Item], items))
                items = []
            taking = False
            self._sink.close()
        except BaseException as error:  # a SystemExit too would end it unseen
            self._give_up(error, items)
            if taking:
                with suppress(BaseException):  # why it failed has been told
                    self._sink.close()

    def _give_up(self, error: BaseException, taken: Sequence[Taken]) -> None:
        """Count what the sink will not get, and tell why."""
        with self._changed:
            self._over = True
            self._run.failed[self._sink.name] = last_line(error)
            self._count([*taken, *self._items])
            self._items.clear()
            if isinstance(error, SamplesLost):
                for stream, n in error.samples.items():
                    self._lose(stream, n)
            self._changed.notify_all()
        self._failed(self._sink.name, error)

    def _full(self, more: int = 0) -> bool:
        """Tell whether there is no room, for so many items more where one counts."""
        items, size = self._bounds
        return len(self._items) + more > items or self._bytes > size

    def _count(self, lost: Iterable[Taken]) -> None:
        """Count what the sink will not get."""
        for item in lost:
            if isinstance(item, Chunk):
                self._lose(item.stream, len(item))
            else:
                self._run.dropped[self._sink.name] += 1

    def _lose(self, stream: str, n: int) -> None:
        unrecorded = self._run.unrecorded
        unrecorded[stream] = unrecorded.get(stream, 0) + n

    def _next(self) -> tuple[list[Taken], bool]:
        with self._changed:
            self._changed.wait_for(
                lambda: self._closing or len(self._items), self._sink.period
            )
            items = list(self._items)
            self._items.clear()
            self._bytes = 0
            self._over = self._closing  # these are the last: what comes now is dropped
            self._changed.notify_all()
            return items, self._closing


def _size(item: Taken) -> int:
    if not isinstance(item, Chunk):
        return _ITEM
    return _ITEM + item.data.nbytes + 2 * item.times.nbytes  # and the device's times
