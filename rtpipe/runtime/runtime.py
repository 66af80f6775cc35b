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
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import replace
from functools import partial
from math import inf
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rtpipe import clock, fit
from rtpipe.card import Card
from rtpipe.connection import Connection
from rtpipe.counters import WindowCounters
from rtpipe.decide import Decision
from rtpipe.device import Device
from rtpipe.errors import (
    BundleError,
    ConfigError,
    RecordingStopped,
    RtpipeError,
    last_line,
)
from rtpipe.filename import recording_file
from rtpipe.latency import Histogram
from rtpipe.link import Link
from rtpipe.pending import PATIENCE
from rtpipe.pipeline import Pipeline
from rtpipe.runfolder import RunFolder
from rtpipe.runtime.lane import Lane
from rtpipe.runtime.reader import Reader, Route
from rtpipe.sink import Item, ModelStatus, RecordingStatus, Run, Sink
from rtpipe.sinks.recorder import Recorder
from rtpipe.sinks.socket import SocketServer, available
from rtpipe.types import Chunk, Event, StreamInfo
from rtpipe.watchdog import Watchdog

if TYPE_CHECKING:  # torch is loaded for those who have a bundle
    from rtpipe.bundle import Bundle
    from rtpipe.classify import Classifier
    from rtpipe.runtime.batcher import Batcher

logger = logging.getLogger(__name__)
_Recording = tuple[Lane, Recorder]
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
    record : Path, callable or None
        A file that is not there: the whole run is recorded in it. A callable names one,
        and another one where that is there by the time it is made.
    asking : Sink or None
        Who marks what a person does. It is closed before the recording and the other
        sinks, which get its last words; the run is not for it.

    Attributes
    ----------
    run : Run

    Raises
    ------
    BundleError
        On entering, if a bundle fits no stream.
    ConfigError
        On entering, if the file of the recording is there already.
    DeviceError
        On entering, if a device does not answer; on leaving, if one was lost.
    RecordingStopped
        On leaving, if the recording was the last of the sinks, and failed.
    RtpipeError
        On entering, if some devices are paced and others not; on leaving, if the last
        of the sinks failed.
    """

    def __init__(
        self,
        devices: Sequence[Device],
        bundles: Sequence[tuple[str, "Bundle", Decision]] = (),
        sinks: Sequence[Sink] = (),
        *,
        mains: float | None = None,
        compute: str = "cpu",
        shared: bool = True,
        optional: bool = False,
        reconnect: float = 60.0,
        opening: Callable[[Device], AbstractContextManager[object]] = nullcontext,
        record: Path | Callable[[], Path] | None = None,
        asking: Sink | None = None,
    ) -> None:
        self._connections = [Connection(each, reconnect) for each in devices]
        self._devices, self._bundles, self._sinks = devices, bundles, sinks
        self._asking = asking
        self._mains, self._compute, self._opening = mains, compute, opening
        self._shared, self._optional = shared, optional
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._lanes: list[Lane] = []
        self._living = {sink.name for sink in sinks}
        if record is not None:
            self._living.add(Recorder.name)
        self._batchers: dict[str, Batcher] = {}
        self._file = (lambda: record) if isinstance(record, Path) else record
        self._unpaced = self._over = False
        self._gate = threading.Lock()  # so that a recording begins between two chunks
        self._making = threading.Lock()  # while a recording's file is made
        self._recording: _Recording | None = None  # also one that an error stopped
        self._recordings: list[Lane] = []
        self._readers: list[Reader] = []

    def __enter__(self) -> Self:
        _refuse_mixture(self._devices)
        with ExitStack() as stack:
            self._folder = RunFolder() if self._shared else None
            if self._folder:
                stack.callback(self._folder.close)
            name = self._folder.name if self._folder else "private"
            self.run = Run(
                name,
                clock.now(),
                {},
                {},
                self._stop.set,
                self._mark,
                record=self.record,
                stop_recording=self._end_recording,
                tell=lambda event: self._publish([event]),
            )
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

    def record(self, template: str) -> None:
        """Begin a recording now; from any thread.

        Parameters
        ----------
        template : str
            See `rtpipe.filename.recording_file`.

        Raises
        ------
        ConfigError
            If there is a recording already, or the file cannot be a new one.
        """
        try:
            self._record_now(partial(recording_file, template))
        except RtpipeError as error:
            going = self.run.recording
            if going is None or going.state != "recording":
                self.run.refused = str(error)
            raise

    def _record_now(self, name: Callable[[], Path]) -> None:
        path = name()
        with self._making:
            with self._gate:
                if self._over:
                    raise ConfigError("the run is over: it cannot be recorded")
                if self._recording and self._recording[1].status.state == "recording":
                    raise ConfigError(
                        "this run is being recorded already, in "
                        f"{self._recording[1].status.file}: stop that first"
                    )
                recording = self._attach(path, name)
            try:
                self._begin(*recording)
            except BaseException:
                self._detach()
                raise

    def stop_recording(self) -> None:
        """End the recording, if there is one, and return when its file is whole.

        Not from the thread of a sink, which may not wait: see `Run.stop_recording`.
        """
        if lane := self._detach():
            lane.close()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._undo.close()
        if self._error is not None and error is None:
            raise self._error

    def _attach(self, path: Path, again: Callable[[], Path]) -> _Recording:
        """Let what comes from now on wait for a file that is not made yet.

        Under the gate: what has come before, and what has not, is one moment's.
        """
        begun = {
            name: stream.origin
            for name, stream in self.run.streams.items()
            if stream.origin is not None
        }
        recorder = Recorder(path, self._publish, begun, again)
        failed = partial(self._cut_short, recorder.status)
        lane = Lane(recorder, self.run, self._unpaced, failed)
        before = self._recording[0] if self._recording else None
        self._lanes = [*(each for each in self._lanes if each is not before), lane]
        self._recordings.append(lane)
        self._recording = lane, recorder
        return self._recording

    def _begin(self, lane: Lane, recorder: Recorder) -> None:
        recorder.open(self.run)
        self.run.recordings.append(recorder.status)
        self.run.refused = ""
        lane.start()

    def _detach(self) -> Lane | None:
        """Let the recording come to its end, and return its lane."""
        with self._gate:
            lane = self._recording[0] if self._recording else None
            self._recording = None
            self._lanes = [each for each in self._lanes if each is not lane]
            self._living.discard(Recorder.name)
        if lane is not None:
            lane.finish()
        return lane

    def _end_recording(self) -> None:
        self._detach()

    def _close_recordings(self) -> None:
        with self._making, self._gate:
            self._over = True
        self._detach()
        for lane in self._recordings:
            lane.close()

    def _warm(self) -> list["Classifier"]:
        """Get every bundle ready before a device starts to send."""
        if not self._bundles:
            return []
        from rtpipe.classify import Classifier

        classifiers: list[Classifier] = []
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
                n_times=card.n_times,
                step=card.hop,
                path=bundle.path,
                weights=card.weights,
                decision=decision.model_dump(mode="json"),
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
        classifiers: list["Classifier"],
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
        if self.run.models:
            return []
        self.run.unfit = {each.data["model"]: each.data["reason"] for each in unfit}
        return unfit

    def _start(
        self,
        classifiers: list["Classifier"],
        opened: list[_Opened],
        stack: ExitStack,
    ) -> None:
        self._unpaced = not any(device.paced for device in self._devices)
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
        # First, so that no sink begins another one meanwhile.
        name = self._file
        recording = None if name is None else self._attach(name(), name)
        asking = self._open_sink(self._asking, stack) if self._asking else None
        for sink in self._sinks:
            self._open_sink(sink, stack)
        if self._folder:
            self._folder.publish(self.run)
            if available():
                self._serve(self._folder.socket, stack)
        # Closed after the bundles, which have their last words, and before the other
        # sinks, which are told how that went.
        stack.callback(self._close_recordings)
        if asking is not None:
            stack.callback(asking.close)
            stack.callback(asking.finish)
        for each in classifiers:
            if each.status.name in self.run.models:
                self._answer(each, stack)
        stack.callback(self._join_readers)
        if recording is not None:  # late: a run that cannot start leaves no file
            self._begin(*recording)
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

    def _answer(self, classifier: "Classifier", stack: ExitStack) -> None:
        from rtpipe.runtime.batcher import Batcher

        patience = inf if self._unpaced else PATIENCE
        batcher = Batcher(classifier, patience, self._publish, self._fail)
        self._batchers[classifier.status.name] = batcher
        stack.callback(batcher.close)

    def _open_sink(self, sink: Sink, stack: ExitStack) -> Lane:
        sink.open(self.run)
        lane = Lane(sink, self.run, self._unpaced, self._lost)
        lane.start()
        stack.callback(lane.close)
        with self._gate:
            self._lanes = [*self._lanes, lane]
        return lane

    def _serve(self, path: Path, stack: ExitStack) -> None:
        """Open the socket others may attach to; a run without one is still a run."""
        try:
            self._open_sink(SocketServer(path), stack)
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
        status.link, status.origin = link, info.origin
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
        with self._gate:
            stream = self.run.streams[chunk.stream]
            if stream.origin is None:
                stream.origin = chunk.index
            lanes = self._lanes
        for lane in lanes:
            if lane.samples:
                lane.put([chunk])

    def _mark(self, text: str) -> None:
        told = {"text": text}  # one for all streams, by which a recording joins them
        newest = {name: each.newest for name, each in self.run.streams.items()}
        marks = [
            Event(name, place[0], "marker", place[1], told)
            for name, place in newest.items()
            if place
        ]
        self._publish(marks or [Event("", clock.now(), "marker", None, told)])

    def _lost(self, sink: str, error: BaseException) -> None:
        why = last_line(error)
        told = {"sink": sink, "error": why}
        self._publish([Event("", clock.now(), "sink", None, told)])
        self._miss(sink, RtpipeError(f"{sink} stopped: {why}"))

    def _cut_short(
        self, status: RecordingStatus, sink: str, error: BaseException
    ) -> None:
        """Go on without the recording, which has told its end itself."""
        self._miss(sink, RecordingStopped({status.file: last_line(error)}))

    def _miss(self, sink: str, error: RtpipeError) -> None:
        served = bool(self._living)
        self._living.discard(sink)
        if served and not self._living:  # nobody is left whom the run was for
            self._fail(error)
        else:
            logger.error("%s", error)

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
