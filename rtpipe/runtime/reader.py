"""The thread that reads one device and finds the windows that are due."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rtpipe import clock
from rtpipe.connection import Connection
from rtpipe.pipeline import Due, Pipeline, pieces
from rtpipe.runtime.thread import start
from rtpipe.sink import Item
from rtpipe.types import Chunk
from rtpipe.watchdog import Watchdog

if TYPE_CHECKING:  # torch is loaded for those who have a bundle
    from rtpipe.runtime.batcher import Batcher

READ_TIMEOUT = 0.05  # seconds; also how long a stop waits for a reader that reads, ...
_STALE = 1.0  # seconds after its end in which a window may be answered, at least
_STOP = 5.0  # ... and for one that opens a device again: what hangs there is left alone


@dataclass(frozen=True, slots=True)
class Route:
    """Where the chunks of one stream go, and who watches that they come."""

    pipeline: Pipeline
    watchdog: Watchdog


class Reader:
    """Reads a device until it ends, is lost for good, or the run stops.

    Parameters
    ----------
    connection : Connection
        Opened.
    routes : dict of str to Route
        By the names the device gives its streams.
    batchers : dict of str to Batcher
    publish, record, fail : callable
        `record` is given each chunk before anything that is told about it.
    stop : threading.Event
    """

    def __init__(
        self,
        connection: Connection,
        routes: dict[str, Route],
        batchers: dict[str, "Batcher"],
        publish: Callable[[Sequence[Item]], None],
        record: Callable[[Chunk], None],
        fail: Callable[[BaseException], None],
        stop: threading.Event,
    ) -> None:
        self._connection, self._routes, self._batchers = connection, routes, batchers
        self._publish, self._record = publish, record
        self._fail, self._stop = fail, stop
        self._thread = start("read", self._loop)

    @property
    def alive(self) -> bool:
        """Whether more may come."""
        return self._thread.is_alive()

    def join(self) -> None:
        """Wait for the end of the thread, which the run's stop brings about."""
        self._thread.join(_STOP if self._connection.opening else None)

    def _loop(self) -> None:
        try:
            while not self._stop.is_set():
                chunks = self._connection.read(self._timeout())
                if chunks is None:
                    self._over()
                    return
                self._take_all(chunks)
                if self._connection.watched:
                    self._watch()
            self._take_all(self._connection.rest())
        except Exception as error:
            self._fail(error)
        finally:
            self._connection.close()

    def _timeout(self) -> float:
        """Return how long to wait for samples: not beyond the end of a decision."""
        if not self._connection.watched:
            return READ_TIMEOUT
        now = clock.now()
        waits = [each.watchdog.patience(now) for each in self._routes.values()]
        return max(0.001, min(READ_TIMEOUT, *waits))

    def _take_all(self, chunks: Sequence[Chunk]) -> None:
        # What is read at once has come at once, in however many chunks.
        for name in {chunk.stream for chunk in chunks if len(chunk)}:
            self._routes[name].watchdog.feed(clock.now())
        for chunk in chunks:
            self._take(chunk, self._routes[chunk.stream])

    def _take(self, chunk: Chunk, route: Route) -> None:
        pipeline = route.pipeline
        name = pipeline.status.info.name
        if name != chunk.stream:  # the device's name was taken by another device's
            events = tuple(replace(each, stream=name) for each in chunk.events)
            chunk = replace(chunk, stream=name, events=events)
        if len(chunk):
            self._record(chunk)
        for piece in pieces(chunk):
            due, events_now = pipeline.process(piece)
            self._publish(events_now)
            for event in events_now:
                # Windows start anew: until there is one, there is no decision.
                if event.kind == "gap" and not event.data["filled"]:
                    reason = f"{event.data['lost']} samples were lost"
                    self._end_all(route, event.time, event.index or 0, reason)
            waiting = []
            for model in dict.fromkeys(each.model for each in due):
                batcher = self._batchers[model]
                route.watchdog.due(model)
                mine = [each for each in due if each.model == model]
                batcher.put(*self._parted(mine, route))
                waiting.append(batcher)
            if not self._connection.device.paced:
                for batcher in waiting:
                    batcher.wait_idle()

    def _parted(self, due: list[Due], route: Route) -> tuple[list[Due], list[Due]]:
        """Return the windows to answer, and those nobody may act on any more.

        After a stall a sender may hand over all it has kept. What is past is not said
        again; the newest window is always answered.
        """
        if not self._connection.watched:
            return due, []
        oldest = clock.now() - max(_STALE, route.watchdog.usual)
        stale = [each for each in due[:-1] if each.end < oldest]
        return due[len(stale) :], stale  # they come in the order of their ends

    def _watch(self) -> None:
        """Tell which decisions have ended, and how the streams do."""
        now = clock.now()
        for route in self._routes.values():
            last = route.pipeline.status.raw.stop - 1
            for model, reason in route.watchdog.ended(now):
                self._end(route, model, now, last, reason)
            self._publish(route.watchdog.look(now))

    def _over(self) -> None:
        """Tell that nothing more will come, for other devices may go on."""
        for route in self._routes.values():
            raw, link = route.pipeline.status.raw, route.pipeline.status.link
            link.become("degraded", clock.now(), "it is over")
            if raw.stop > raw.first:
                end = float(raw.times(raw.stop - 1, raw.stop)[0])
                self._end_all(route, end, raw.stop - 1, "it is over")

    def _end_all(self, route: Route, time: float, index: int, reason: str) -> None:
        for model in self._batchers:
            self._end(route, model, time, index, reason)

    def _end(
        self, route: Route, model: str, time: float, index: int, reason: str
    ) -> None:
        """Tell that a bundle has no decision, after the answers on their way."""
        if event := route.watchdog.end(model, time, index, reason):
            self._batchers[model].end(event)
