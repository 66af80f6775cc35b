"""A device that comes back: lost, waited for, opened again, and its index continued."""

import logging
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

import numpy as np

from rtpipe.clock import now
from rtpipe.device import Device
from rtpipe.errors import DeviceError, DeviceLost, RtpipeError, last_line
from rtpipe.estimate import finite
from rtpipe.link import Link
from rtpipe.types import Chunk, Event, StreamInfo

logger = logging.getLogger(__name__)

LOST_AFTER = 2.0  # seconds without a sample, at least ...
_INTERVALS = 3  # ... and as many of what is usual between two chunks
_CLOSED_AFTER = 3.0  # seconds more: a radio that paused would have come back
_COMES_WITHIN = 10.0  # seconds a device that was opened again may take to send
_FIRST_WITHIN = 60.0  # seconds, at least, that the very first sample may take
_UNSENT = "see that the sender sends, and is not paused"
_SILENT = "nothing comes from it any more"
_ALONE = f"{_SILENT}, though other streams of the device go on"
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 2.0  # seconds between two attempts


@dataclass(slots=True)
class _Track:
    """One stream: where it stands, and how the run numbers what the device sends."""

    info: StreamInfo
    link: Link = field(default_factory=Link)
    stop: int = 0  # index that comes next, in the run
    latest: float | None = None  # time of the newest sample
    shift: int = 0  # index in the run less that of the device
    anew: bool = False  # opened again, and no sample has come since
    unsent: bool = False  # it was told that no sample has come yet
    heard: float | None = None  # when the newest sample came
    intervals: deque[float] = field(default_factory=lambda: deque(maxlen=8))
    lost: float | None = None  # when it was told lost
    misshapen: tuple[int, ...] = ()  # what the newest samples were, if none of ours
    dropped: int = 0  # of those, how many were not told yet

    @property
    def limit(self) -> float:
        """The seconds of silence that mean it is lost."""
        usual = median(self.intervals) if self.intervals else 0.0
        return max(LOST_AFTER, _INTERVALS * max(usual, 1 / self.info.sfreq))


class Connection:
    """Reads a device as `rtpipe.device.Device` says, and stays when it goes.

    A device is lost when it says so, or when it sends nothing for two seconds, for some
    senders just fall silent. It is told with an event ``"lost"`` on every stream,
    waited for, closed and opened again with growing pauses. The first samples that come
    then carry an event ``"recovered"``; their index goes on from where it was, plus the
    samples that fit in the time between, which is an estimate and marked as one.

    Parameters
    ----------
    device : Device
    patience : float
        Seconds after which a lost device is given up; 0 gives up at once.

    Attributes
    ----------
    opening : bool
        Whether the device is being opened right now, which may take long.

    Notes
    -----
    Only a device on the run's clock is watched: a recording cannot be late. One that is
    not, and says that it is lost, is opened again at once, for there is no time to
    wait; if it fails again before a sample, or begins from its start, it is given up.

    Where some streams of a device fall silent and others go on, the silent ones are
    told lost; the device stays open, for opening it again would cost the others.

    A stream that sends nothing from the start is told with an event ``"degraded"``, and
    its first samples then carry an event ``"steady"``. Where no stream of the device
    sends anything for a minute, or for `patience` if that is longer, it is given up.

    What comes out keeps the laws of a device, whatever comes in. Samples of another
    shape than the stream's are dropped, and told with an event ``"malformed"``: at
    once, then each second of signal while they go on, and the rest when they end. A
    time that is not finite continues from the one before; one that decreases is that
    before; none is later than now. The device's own stamps are kept as they are.
    """

    def __init__(self, device: Device, patience: float = 60.0) -> None:
        self.device, self.patience = device, patience
        self.opening = False
        self._tracks: dict[str, _Track] = {}
        self._opened = 0.0
        self._arrived = 0.0  # when that came which was read last
        self._lost: tuple[float, str] | None = None  # the whole device: when and why
        self._closed = False
        self._pause = _FIRST_PAUSE
        self._next = 0.0  # when to open again

    @property
    def links(self) -> dict[str, Link]:
        """The state of each stream, by the name the device gives it."""
        return {name: track.link for name, track in self._tracks.items()}

    @property
    def watched(self) -> bool:
        """Whether silence means that something is wrong."""
        return self.device.paced and self.device.clock == "run"

    def open(self) -> Sequence[StreamInfo]:
        """Open the device, for the first time."""
        infos = self._open()
        self._tracks = {info.name: _Track(info) for info in infos}
        return infos

    def read(self, timeout: float) -> Sequence[Chunk] | None:
        """Return what came within `timeout`: samples, events, or nothing.

        Raises
        ------
        DeviceLost
            If the device was lost and did not come back in time.
        """
        if self._closed:
            return self._open_again(timeout)
        try:
            chunks = _read(self.device, timeout)
        except DeviceLost as error:
            rest = self.rest()
            if not self.watched:
                return [*rest, *self._come_back(error)]
            told = self._lose(self._tracks.values(), str(error))
            self._lost = self._lost or (now(), str(error))
            self._close()
            return [*rest, *told]
        if chunks is None:
            return self.rest() or None
        self._arrived = now()
        found = [each for chunk in chunks for each in self._taken(chunk)]
        return [*found, *self._watch()] if self.watched else found

    def rest(self) -> Sequence[Chunk]:
        """Return what is left to be told when nothing more is read."""
        return self._rest(self._tracks.values())

    def close(self) -> None:
        """Close the device, but not while it is being opened. Safe to call twice."""
        if not self.opening:
            self._shut()

    def _watch(self) -> Sequence[Chunk]:
        """Look at how long nothing has come."""
        told = self._unsent()
        begun = [t for t in self._tracks.values() if t.heard is not None]
        if not begun:
            return told
        at = now()
        silent = [t for t in begun if at - (t.heard or at) > t.limit]
        told += self._lose(
            [track for track in silent if track.lost is None],
            _SILENT if len(silent) == len(begun) else _ALONE,
        )
        if len(silent) < len(begun):
            self._lost = None
            return told
        self._lost = self._lost or (at, _SILENT)
        self._give_up()
        heard = max(track.heard or 0.0 for track in begun)
        limit = max(track.limit for track in begun) + _CLOSED_AFTER
        again = self._opened > heard  # opened again, and has sent nothing yet
        if at - max(heard, self._opened) > (_COMES_WITHIN if again else limit):
            self._close()
        return told

    def _unsent(self) -> list[Chunk]:
        """Tell which streams have sent nothing yet, each once."""
        at = now()
        waited = at - self._opened
        waiting = [t for t in self._tracks.values() if t.heard is None]
        none = len(waiting) == len(self._tracks)
        if none and waited > max(self.patience, _FIRST_WITHIN):
            raise DeviceLost(
                f"{self._names()} sent no sample in {waited:.0f} s: {_UNSENT}"
            )
        told = []
        for track in waiting:
            if waited <= track.limit or track.lost is not None:
                continue
            track.link.become("connecting", at, _UNSENT)
            if not track.unsent:
                track.unsent = True
                reason = {"reason": f"connected, but no sample yet: {_UNSENT}"}
                event = Event(track.info.name, at, "degraded", None, reason)
                told.append(_eventful(track, event))
        return told

    def _lose(self, tracks: Iterable[_Track], reason: str) -> Sequence[Chunk]:
        """Tell that streams are lost, each once."""
        told = []
        for track in tracks:
            track.link.become("lost", now(), reason)
            if track.lost is None:
                track.lost = now()
                at = self._at(track)
                event = Event(track.info.name, at, "lost", None, {"reason": reason})
                told.append(_eventful(track, event))
        return told

    def _give_up(self) -> None:
        assert self._lost is not None
        since, reason = self._lost
        if now() - since >= self.patience:
            lost = f"{self._names()} was lost: {reason}"
            if self.patience:
                lost += f"; it did not come back within {self.patience:g} s"
            raise DeviceLost(lost)

    def _close(self) -> None:
        self._shut()
        self._closed, self._next = True, now() + self._pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    def _shut(self) -> None:
        try:
            self.device.close()
        except Exception as error:  # what is gone cannot always be closed
            logger.warning("%s", _driver_error(self.device, error))

    def _open_again(self, timeout: float) -> Sequence[Chunk]:
        """Wait for the next attempt, or make it."""
        self._give_up()
        if (left := self._next - now()) > 0:
            time.sleep(min(timeout, left))
            return ()
        for track in self._tracks.values():
            track.link.become("recovering", now(), track.link.reason)
        try:
            infos = self._open()
        except RtpipeError as error:
            for track in self._tracks.values():
                track.link.become("lost", now(), str(error))
            self._close()
            return ()
        self._closed = False
        self._begin_anew(infos)
        return ()

    def _come_back(self, error: DeviceLost) -> Sequence[Chunk]:
        """Open a device again that keeps no time of the run's."""
        tracks = self._tracks.values()
        if not self.patience or all(track.anew for track in tracks):
            raise error
        told = self._lose(tracks, str(error))
        self._shut()
        self._begin_anew(self._open())
        return told

    def _begin_anew(self, infos: Sequence[StreamInfo]) -> None:
        known = {track.info.name: track.info for track in self._tracks.values()}
        if {info.name: info for info in infos} != known:
            raise DeviceLost(
                f"{self._names()} was lost and has come back with other streams or "
                "channels: start again"
            )
        for track in self._tracks.values():
            track.anew = True

    def _open(self) -> Sequence[StreamInfo]:
        """Open the device; whatever its driver raises is the device's error."""
        self.opening = True
        try:
            infos = self.device.open()
        except RtpipeError:
            raise
        except Exception as error:
            raise _driver_error(self.device, error) from error
        finally:
            self.opening = False
        if not infos:
            raise DeviceError(f"{type(self.device).__name__} has no stream")
        names = [info.name for info in infos]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise DeviceError(
                f"{type(self.device).__name__} has more than one stream named "
                f"{twice[0]!r}: give each a name of its own"
            )
        self._opened = now()
        return infos

    def _taken(self, chunk: Chunk) -> list[Chunk]:
        """Return the chunk as the run takes it, and what is told before."""
        if (track := self._tracks.get(chunk.stream)) is None:
            raise DeviceError(
                f"{type(self.device).__name__} sends a stream {chunk.stream!r} that it "
                f"did not announce, only {self._names()}"
            )
        if not len(chunk):
            return [self._continued(track, chunk)]
        if chunk.data.shape[1:] != track.info.sample_shape:
            return self._misshapen(track, chunk)
        rest = self._rest([track])
        track.misshapen = ()
        return [*rest, self._continued(track, chunk)]

    def _misshapen(self, track: _Track, chunk: Chunk) -> list[Chunk]:
        """Drop the samples of a chunk; return what is to be told of it."""
        shape = chunk.data.shape[1:]
        other = shape != track.misshapen
        told = self._rest([track]) if other else []
        track.misshapen = shape
        track.dropped += len(chunk)
        if chunk.events:
            empty = replace(
                chunk,
                times=np.empty(0),
                data=np.empty((0, *track.info.sample_shape), np.float32),
                device_times=None,
            )
            told.append(self._continued(track, empty))
        if other or track.dropped >= track.info.sfreq:
            told += self._rest([track])
        return told

    def _rest(self, tracks: Iterable[_Track]) -> list[Chunk]:
        """Tell the samples of another shape that were not told yet."""
        told = []
        for track in tracks:
            if track.dropped:
                data = {"samples": track.dropped, "got": list(track.misshapen)}
                event = Event(
                    track.info.name, self._at(track), "malformed", track.stop, data
                )
                told.append(_eventful(track, event))
                track.dropped = 0
        return told

    def _continued(self, track: _Track, chunk: Chunk) -> Chunk:
        """Return the chunk as the run numbers it."""
        if not len(chunk):
            shift = track.stop - chunk.index if track.anew else track.shift
            return _shifted(chunk, shift)
        chunk = self._timely(track, chunk)
        first = float(chunk.times[0])
        if estimated := track.anew:
            if self._begun_again(track, chunk):
                raise DeviceLost(
                    f"{self._names()} was lost: {track.link.reason}; opened again, it "
                    "begins from its start"
                )
            lost = 0
            if track.latest is not None:
                steps = (first - track.latest) * track.info.sfreq
                lost = max(0, round(steps) - 1)
            track.shift = track.stop + lost - chunk.index
            track.anew = False
        estimated |= chunk.estimated
        chunk = replace(_shifted(chunk, track.shift), estimated=estimated)
        at = self._arrived
        if track.lost is not None:
            if self.device.clock == "recording":
                silent = first - (first if track.latest is None else track.latest)
            else:
                silent = at - (track.lost if track.heard is None else track.heard)
            told = {"after": round(silent, 3)}  # without a sample
            event = Event(chunk.stream, self._at(track), "recovered", chunk.index, told)
            chunk = replace(chunk, events=(event, *chunk.events))
            track.lost = None
        elif track.unsent:
            steady = Event(chunk.stream, self._at(track), "steady")
            chunk = replace(chunk, events=(steady, *chunk.events))
        elif track.heard is not None and at > track.heard:  # no second chunk of a read
            track.intervals.append(at - track.heard)
        track.unsent = False
        if track.link.state != "degraded":  # which is for the watchdog to end
            track.link.become("streaming", at)
        track.heard, self._pause = at, _FIRST_PAUSE
        # A sample that comes late changes nothing of where the stream stands.
        track.stop = max(track.stop, chunk.stop)
        track.latest = float(chunk.times[-1])
        return chunk

    def _begun_again(self, track: _Track, chunk: Chunk) -> bool:
        """Tell whether a recording that was opened again plays what it has played."""
        if self.watched or track.latest is None:
            return False
        return (
            chunk.index + track.shift < track.stop
            and float(chunk.times[0]) <= track.latest
        )

    def _timely(self, track: _Track, chunk: Chunk) -> Chunk:
        """Return the chunk with times that are finite, in order, and not to come."""
        most = now() if self.device.clock == "run" else np.inf
        least = -np.inf if track.latest is None else track.latest
        times = chunk.times
        fine = np.isfinite(times).all() and least <= times[0] and times[-1] <= most
        if fine and (times[1:] >= times[:-1]).all():
            return chunk
        before = track.latest
        if before is None and not np.isfinite(times).any():
            before = most if most < np.inf else 0.0
        times = finite(times, before, track.info.sfreq)
        times = np.maximum.accumulate(np.minimum(times, most))
        return replace(chunk, times=np.maximum(times, least))

    def _at(self, track: _Track) -> float:
        """Return the time that is now, on the clock of a stream's times."""
        return now() if self.device.clock == "run" else track.latest or 0.0

    def _names(self) -> str:
        return " and ".join(self._tracks) or type(self.device).__name__


def _shifted(chunk: Chunk, shift: int) -> Chunk:
    if not shift:
        return chunk
    events = tuple(
        each if each.index is None else replace(each, index=each.index + shift)
        for each in chunk.events
    )
    return replace(chunk, index=chunk.index + shift, events=events)


def _eventful(track: _Track, event: Event) -> Chunk:
    """Return a chunk without samples that brings an event."""
    data = np.empty((0, *track.info.sample_shape), np.float32)
    return Chunk(track.info.name, track.stop, np.empty(0), data, now(), events=(event,))


def _read(device: Device, timeout: float) -> Sequence[Chunk] | None:
    try:
        return device.read(timeout)
    except RtpipeError:
        raise
    except Exception as error:
        raise _driver_error(device, error) from error


def _driver_error(device: Device, error: Exception) -> DeviceError:
    return DeviceError(f"{type(device).__name__} failed: {last_line(error)}")
