"""The thread that hands items to one sink."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import cast

from rtpipe.runtime.thread import start
from rtpipe.sink import Item, Run, Sink, Taken
from rtpipe.types import Chunk

QUEUE = 4096  # items that may wait for a sink ...
BYTES = 64 << 20  # ... and bytes of samples: minutes, for a disk that stalls


class Lane:
    """The thread of one sink, and the items that wait for it."""

    def __init__(
        self,
        sink: Sink,
        run: Run,
        wait: bool,
        failed: Callable[[str, BaseException], None],
    ) -> None:
        self._sink, self._run, self._wait, self._failed = sink, run, wait, failed
        self._items: deque[Taken] = deque()
        self._bytes = 0  # of the samples among them
        self._changed = threading.Condition()
        self._closing = self._over = self._ending = False
        run.dropped[sink.name] = 0
        self._thread = start(f"sink-{sink.name}", self._loop)

    @property
    def samples(self) -> bool:
        """Whether its sink is given chunks."""
        return self._sink.samples

    def put(self, items: Sequence[Taken]) -> None:
        """Add items; in a paced run the oldest make room, else wait for room."""
        with self._changed:
            if self._wait:
                # What the sink itself brings about must not wait for the sink.
                self._changed.wait_for(
                    lambda: (
                        self._over
                        or self._ending
                        or not self._full(QUEUE - 1)
                        or threading.current_thread() is self._thread
                    )
                )
            if self._over:
                self._count(items)
                return
            self._items += items
            self._bytes += sum(_size(item) for item in items)
            while not self._wait and self._full(QUEUE):
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

    def close(self) -> None:
        """Hand on what waits, close the sink, and end the thread."""
        with self._changed:
            self._closing = self._ending = True
            self._changed.notify_all()
        self._thread.join()

    def _loop(self) -> None:
        items: list[Taken] = []
        try:
            closing = False
            while not closing:
                items, closing = self._next()
                # Chunks are among them only where the sink says that it takes them.
                self._sink.take(cast(Sequence[Item], items))
                items = []
            self._sink.close()
        except BaseException as error:  # a SystemExit too would end it unseen
            with self._changed:
                self._over = True
                self._count([*items, *self._items])
                self._items.clear()
                self._changed.notify_all()
            self._failed(self._sink.name, error)

    def _full(self, most: int) -> bool:
        """Tell whether more than `most` items wait, or more bytes than may."""
        return len(self._items) > most or self._bytes > BYTES

    def _count(self, lost: Iterable[Taken]) -> None:
        """Count what the sink will not get."""
        run = self._run
        for item in lost:
            if isinstance(item, Chunk):
                before = run.unrecorded.get(item.stream, 0)
                run.unrecorded[item.stream] = before + len(item)
            else:
                run.dropped[self._sink.name] += 1

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
    return item.data.nbytes + item.times.nbytes if isinstance(item, Chunk) else 0
