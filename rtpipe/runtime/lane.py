"""The thread that hands items to one sink."""

import threading
from collections import deque
from collections.abc import Callable, Sequence

from rtpipe.runtime.thread import start
from rtpipe.sink import Item, Run, Sink

QUEUE = 4096  # items that may wait for a sink


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
        self._items: deque[Item] = deque()
        self._changed = threading.Condition()
        self._closing = self._over = self._ending = False
        run.dropped[sink.name] = 0
        self._thread = start(f"sink-{sink.name}", self._loop)

    def put(self, items: Sequence[Item]) -> None:
        """Add items; in a paced run the oldest make room, else wait for room."""
        with self._changed:
            if self._wait:
                # What the sink itself brings about must not wait for the sink.
                self._changed.wait_for(
                    lambda: (
                        self._over
                        or self._ending
                        or len(self._items) < QUEUE
                        or threading.current_thread() is self._thread
                    )
                )
            if self._over:
                self._run.dropped[self._sink.name] += len(items)
                return
            self._items += items
            while not self._wait and len(self._items) > QUEUE:
                self._items.popleft()
                self._run.dropped[self._sink.name] += 1
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
        try:
            closing = False
            while not closing:
                items, closing = self._next()
                self._sink.take(items)
            self._sink.close()
        except BaseException as error:  # a SystemExit too would end it unseen
            with self._changed:
                self._over = True
                self._run.dropped[self._sink.name] += len(self._items)
                self._items.clear()
                self._changed.notify_all()
            self._failed(self._sink.name, error)

    def _next(self) -> tuple[list[Item], bool]:
        with self._changed:
            self._changed.wait_for(
                lambda: self._closing or len(self._items), self._sink.period
            )
            items = list(self._items)
            self._items.clear()
            self._over = self._closing  # these are the last: what comes now is dropped
            self._changed.notify_all()
            return items, self._closing
