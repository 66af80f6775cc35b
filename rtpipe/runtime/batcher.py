"""The thread that answers the windows of one bundle."""

import threading
from collections.abc import Callable, Sequence

from rtpipe import clock
from rtpipe.classify import SIZES, Classifier
from rtpipe.errors import BundleError, last_line
from rtpipe.pending import Pending
from rtpipe.pipeline import Due
from rtpipe.runtime.thread import start
from rtpipe.sink import Item
from rtpipe.skipped import give_up
from rtpipe.types import Event


class Batcher:
    """The thread of one bundle, and the windows that wait for it."""

    def __init__(
        self,
        classifier: Classifier,
        patience: float,
        publish: Callable[[Sequence[Item]], None],
        fail: Callable[[BaseException], None],
    ) -> None:
        self._classifier, self._publish, self._fail = classifier, publish, fail
        self._pending = Pending(patience)
        self._held: list[Due] = []  # windows that are being answered
        self._changed = threading.Condition()
        self._busy = self._closing = False
        self._thread = start("answer", self._loop)

    def put(self, due: list[Due], stale: list[Due]) -> None:
        """Add windows, and such as are too old to be answered; never waits."""
        windows = self._classifier.status.windows
        for each in (*due, *stale):
            windows[each.stream].due += 1
        self._publish(give_up(self._classifier.status, stale, "stale"))
        with self._changed:
            self._pending.put(due)
            self._changed.notify_all()

    def end(self, event: Event) -> None:
        """Let an event that ends a decision follow the answers that come before it."""
        with self._changed:
            self._pending.put([event])
            self._changed.notify_all()

    def wait_idle(self) -> None:
        """Wait until every window has been answered, or the run stops."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._closing or not (self._busy or len(self._pending))
            )

    def release(self) -> None:
        """Let go of who waits, and end the thread after its present batch."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()

    def close(self) -> None:
        """Wait for the end of the thread, and tell which windows it left."""
        self.release()
        self._thread.join()
        windows, ends = self._pending.rest()
        left, self._held = [*self._held, *windows], []
        self._publish(give_up(self._classifier.status, left, "unanswered"))
        self._publish(ends)

    def _loop(self) -> None:
        try:
            while (taken := self._next()) is not None:
                self._held, skipped, ends = taken
                status = self._classifier.status
                self._publish(give_up(status, skipped, "skipped"))
                answers = self._classifier.answer(self._held)
                self._held = []
                self._publish(answers)
                self._publish(ends)
        except Exception as error:
            name = self._classifier.status.name
            failed = BundleError(f"bundle {name} failed: {last_line(error)}")
            failed.__cause__ = error
            self._fail(failed)
        finally:
            self.release()

    def _next(self) -> tuple[list[Due], list[Due], list[Event]] | None:
        with self._changed:
            self._busy = False
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._closing or len(self._pending))
            if self._closing:
                return None
            self._busy = True
            return self._pending.take(clock.now(), SIZES[-1])
