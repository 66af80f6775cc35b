"""A run, from its devices to its sinks.

Threads live in this folder only. A reader per device reads, runs the stages and finds
the windows that are due; a batcher per bundle answers them; a lane per sink hands on
what came of it. A reader waits for a batcher only where its device is not paced; nobody
waits for a sink, except in a run without a paced device, where nothing may be lost and
nothing is late.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from dataclasses import replace
from functools import partial
from math import inf
from pathlib import Path
from types import TracebackType
from typing import Self

from rtpipe import clock, fit
from rtpipe.bundle import Bundle
from rtpipe.card import Card
from rtpipe.classify import Classifier
from rtpipe.connection import Connection
from rtpipe.counters import WindowCounters
from rtpipe.decide import Decision
from rtpipe.device import Device
from rtpipe.errors import BundleError, Overrun, RtpipeError, last_line
from rtpipe.latency import Histogram
from rtpipe.link import Link
from rtpipe.pending import PATIENCE
from rtpipe.pipeline import Pipeline
from rtpipe.runfolder import RunFolder
from rtpipe.runtime.batcher import Batcher
from rtpipe.runtime.lane import Lane
from rtpipe.runtime.reader import Reader, Route
from rtpipe.sink import Item, ModelStatus, Run, Sink
from rtpipe.sinks.socket import SocketServer, available
from rtpipe.types import Chunk, Event, StreamInfo
from rtpipe.watchdog import Watchdog

logger = logging.getLogger(__name__)
_Opened = tuple[Connection, list[tuple[str, StreamInfo]]]


class Runtime:
    """A run: devices through bundles into sinks, until told to stop.

    Parameters
    ----------
    devices : sequence of Device
    bundles : sequence of (str, Bundle, Decision)
        With the name each goes by in this run.
    sinks : sequence of Sink
    mains : float or None
        Frequency of the power line, in hertz; None keeps what the devices say.
    compute : str
        Torch device of the bundles.
    shared : bool
        Whether other processes may attach: rings in files, a run file, a socket.
    optional : bool
        Whether a bundle that fits no stream is left out instead of refused.
    reconnect : float
        Seconds that a lost device may take to come back.
    opening : callable
        Gives the context in which a device is opened first: a person may be told.

    Attributes
    ----------
    run : Run

    Raises
    ------
    BundleError
        On entering, if a bundle fits no stream.
    DeviceError
        On entering, if a device does not answer; on leaving, if one was lost.
    RtpipeError
        On entering, if some devices are paced and others not; on leaving, if the last
        of the sinks failed.
    """

    def __init__(
        self,
        devices: Sequence[Device],
        bundles: Sequence[tuple[str, Bundle, Decision]] = (),
        sinks: Sequence[Sink] = (),
        *,
        mains: float | None = None,
        compute: str = "cpu",
        shared: bool = True,
        optional: bool = False,
        reconnect: float = 60.0,
        opening: Callable[[Device], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self._connections = [Connection(each, reconnect) for each in devices]
        self._devices, self._bundles, self._sinks = devices, bundles, sinks
        self._mains, self._compute, self._opening = mains, compute, opening
        self._shared, self._optional = shared, optional
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._lanes: list[Lane] = []
        self._living = {sink.name for sink in sinks}
        self._batchers: dict[str, Batcher] = {}
        self._readers: list[Reader] = []

    def __enter__(self) -> Self:
        _refuse_mixture(self._devices)
        with ExitStack() as stack:
            self._folder = RunFolder() if self._shared else None
            if self._folder:
                stack.callback(self._folder.close)
            name = self._folder.name if self._folder else "private"
            self.run = Run(name, clock.now(), {}, {}, self._stop.set, self._mark)
            classifiers = self._warm()
            pipelines = self._open_devices(stack)
            unfit = self._match(classifiers, pipelines)
            self._start(classifiers, pipelines, stack)
            self._publish(unfit)
            self._undo = stack.pop_all()
        return self

    def wait(self, duration: float | None = None) -> None:
        """Return when the devices have no more to give, the run was stopped, or failed.

        Parameters
        ----------
        duration : float or None
            Longest time to wait, in seconds from now.
        """
        end = inf if duration is None else clock.now() + duration
        while not self._stop.is_set() and any(each.alive for each in self._readers):
            # In slices, for on Windows a wait without an end cannot be interrupted.
            if (left := end - clock.now()) <= 0:
                return
            self._stop.wait(min(0.1, left))
        if not self._stop.is_set():
            for batcher in self._batchers.values():
                batcher.wait_idle()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._undo.close()
        if self._error is not None and error is None:
            raise self._error

    def _warm(self) -> list[Classifier]:
        """Get every bundle ready before a device starts to send."""
        classifiers = []
        for name, bundle, decision in self._bundles:
            card = bundle.card
            fit.chain(card.stages)  # imports what they need while nothing waits
            status = ModelStatus(
                name=name,
                task=card.task,
                labels=card.labels,
                notes=card.notes,
                windows={},
                latency=Histogram(),
                window=card.n_times / card.sfreq,
                hop=card.hop / card.sfreq,
            )
            try:
                classifier = Classifier(bundle, status, decision, self._compute)
                classifier.warm_up()
            except Exception as error:
                raise BundleError(
                    f"bundle {name} cannot answer the windows its card describes: "
                    f"{last_line(error)}"
                ) from error
            classifiers.append(classifier)
        return classifiers

    def _open_devices(self, stack: ExitStack) -> list[_Opened]:
        """Open the devices; return each with its streams, by the device's names."""
        found = []
        taken: set[str] = set()
        for connection in self._connections:
            stack.callback(connection.close)
            streams = []
            with self._opening(connection.device):
                infos = connection.open()
            for info in infos:
                name, n = info.name, 1
                while name in taken:
                    n += 1
                    name = f"{info.name}-{n}"
                taken.add(name)
                mains = info.mains if self._mains is None else self._mains
                streams.append((info.name, replace(info, name=name, mains=mains)))
            found.append((connection, streams))
        return found

    def _match(
        self,
        classifiers: list[Classifier],
        opened: list[_Opened],
    ) -> list[Event]:
        """Put every bundle on every stream it fits; tell why, where none fits any."""
        unfit: list[Event] = []
        infos = [info for _, streams in opened for _, info in streams]
        for each in classifiers:
            status, card = each.status, each.bundle.card
            faults = {info.name: fit.misfits(card, info) for info in infos}
            fitting = [name for name, fault in faults.items() if not fault]
            if not fitting:
                nearest = sorted(faults.items(), key=lambda each: len(each[1]))[:3]
                what = "; ".join(f"{s}: {', '.join(f)}" for s, f in nearest)
                what += "; and others" if len(faults) > len(nearest) else ""
                if self._optional:
                    told = {
                        "model": status.name,
                        "reason": f"it fits no stream: {what}",
                    }
                    unfit.append(Event("", clock.now(), "unfit", None, told))
                    continue
                raise BundleError(
                    f"bundle {status.name} fits no stream ({what}): choose a bundle "
                    "trained for this device, or set the device to what it wants"
                )
            status.windows = {name: WindowCounters() for name in fitting}
            self.run.models[status.name] = status
        return [] if self.run.models else unfit

    def _start(
        self,
        classifiers: list[Classifier],
        opened: list[_Opened],
        stack: ExitStack,
    ) -> None:
        paced = any(device.paced for device in self._devices)
        cards = {each.status.name: each.bundle.card for each in classifiers}
        routes: list[tuple[Connection, dict[str, Route]]] = []
        for connection, streams in opened:
            route = {}
            for told, info in streams:
                mine = {
                    name: cards[name]
                    for name, model in self.run.models.items()
                    if info.name in model.windows
                }
                link = connection.links[told]
                route[told] = self._route(info, mine, link, connection, stack)
            routes.append((connection, route))
        for sink in self._sinks:
            self._open_sink(sink, not paced, stack)
        if self._folder:
            self._folder.publish(self.run)
            if available():
                self._serve(self._folder.socket, not paced, stack)
        for each in classifiers:
            if each.status.name in self.run.models:
                patience = PATIENCE if paced else inf
                batcher = Batcher(each, patience, self._publish, self._fail)
                self._batchers[each.status.name] = batcher
                stack.callback(batcher.close)
        stack.callback(self._join_readers)
        for connection, route in routes:
            reader = Reader(
                connection,
                route,
                self._batchers,
                self._publish,
                self._record,
                self._fail,
                self._stop,
            )
            self._readers.append(reader)

    def _open_sink(self, sink: Sink, wait: bool, stack: ExitStack) -> None:
        sink.open(self.run)
        lane = Lane(sink, self.run, wait=wait, failed=self._lost)
        stack.callback(lane.close)
        self._lanes.append(lane)

    def _serve(self, path: Path, wait: bool, stack: ExitStack) -> None:
        """Open the socket others may attach to; a run without one is still a run."""
        try:
            self._open_sink(SocketServer(path), wait, stack)
        except OSError as error:
            self._lost("socket", error)

    def _route(
        self,
        info: StreamInfo,
        cards: dict[str, Card],
        link: Link,
        connection: Connection,
        stack: ExitStack,
    ) -> Route:
        pipeline = Pipeline(
            info,
            cards,
            connection.device.clock,
            partial(self._folder.ring, info.name) if self._folder else None,
        )
        stack.callback(pipeline.close)
        status = pipeline.status
        status.link = link
        self.run.streams[info.name] = status
        hops = {name: card.hop / card.sfreq for name, card in cards.items()}
        return Route(
            pipeline, Watchdog(info.name, info.sfreq, link, status.counters, hops)
        )

    def _publish(self, items: Sequence[Item]) -> None:
        if items:
            for lane in self._lanes:
                lane.put(items)

    def _record(self, chunk: Chunk) -> None:
        for lane in self._lanes:
            if lane.samples:
                lane.put([chunk])

    def _mark(self, text: str) -> None:
        for name, stream in self.run.streams.items():
            for _ in range(3):  # the reader may begin anew in between, after a gap
                if not (stop := stream.raw.stop):
                    break
                with suppress(Overrun):
                    time = float(stream.raw.times(stop - 1, stop)[0])
                    told = {"text": text}
                    self._publish([Event(name, time, "marker", stop - 1, told)])
                    break

    def _lost(self, sink: str, error: BaseException) -> None:
        told = {"sink": sink, "error": str(error)}
        self._publish([Event("", clock.now(), "sink", None, told)])
        self._living.discard(sink)
        if self._sinks and not self._living:  # nobody is left whom the run was for
            self._fail(RtpipeError(f"{sink} stopped: {error}"))
        else:
            logger.error("%s stopped: %s", sink, error)

    def _fail(self, error: BaseException) -> None:
        self._error = self._error or error
        self._stop.set()

    def _join_readers(self) -> None:
        self._stop.set()
        for batcher in self._batchers.values():
            batcher.release()
        for lane in self._lanes:
            lane.release()
        for reader in self._readers:
            reader.join()


def _refuse_mixture(devices: Sequence[Device]) -> None:
    """One bundle cannot make one device wait and leave out windows of another."""
    names = {device.paced: type(device).__name__ for device in devices}
    if len(names) == 2:
        raise RtpipeError(
            f"{names[False]} as fast as possible cannot run beside {names[True]} in "
            "its own time: windows that nothing may skip would be skipped; run them "
            "one after the other"
        )
