"""A device that comes back: lost, waited for, opened again, and its index continued."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import inf

import numpy as np

from rtpipe.clock import now
from rtpipe.device import Device
from rtpipe.errors import DeviceError, DeviceLost, RtpipeError, last_line
from rtpipe.link import Link
from rtpipe.types import Chunk, Event, StreamInfo

LOST_AFTER = 2.0  # seconds without a sample of any stream
_CLOSED_AFTER = 5.0  # seconds without one: a radio that paused would have come back
_COMES_WITHIN = 10.0  # seconds a device that was opened again may take to send
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
    lost: float | None = None  # when it was told lost


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

    Notes
    -----
    Only a device on the run's clock is watched: a recording cannot be late.
    """

    def __init__(self, device: Device, patience: float = 60.0) -> None:
        self.device, self.patience = device, patience
        self._tracks: dict[str, _Track] = {}
        self._heard = inf  # when the newest sample came; not before there was one
        self._opened = 0.0
        self._lost: tuple[float, str] | None = None  # since when, and why
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
        infos = _opened(self.device)
        self._opened = now()
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
            if not self.watched:
                raise
            told = self._lose(str(error))
            self._close(now())
            return told
        if chunks is None:
            return None
        found = [self._continued(chunk) for chunk in chunks]
        if any(map(len, found)):
            self._heard, self._lost, self._pause = now(), None, _FIRST_PAUSE
            return found
        return [*found, *self._watched()] if self.watched else found

    def close(self) -> None:
        """Close the device. Safe to call twice."""
        self.device.close()

    def _watched(self) -> Sequence[Chunk]:
        """Look at how long nothing has come."""
        silent = now() - self._heard
        if self._heard == inf:
            waited = now() - self._opened
            if waited > self.patience > 0:
                raise DeviceLost(
                    f"{self._names()} sent no sample in {waited:.0f} s: is the sender "
                    "running?"
                )
        elif self._lost is None:
            if silent > LOST_AFTER:
                return self._lose(f"no data for {silent:.1f} s")
        else:
            self._give_up()
            came_back = self._opened > self._heard
            allowed = _COMES_WITHIN if came_back else _CLOSED_AFTER
            if now() - max(self._heard, self._opened) > allowed:
                self._close(now())
        return ()

    def _lose(self, reason: str) -> Sequence[Chunk]:
        """Tell that the device is lost, once."""
        at = now()
        if self._lost is None:
            self._lost = (at, reason)
        self._give_up()
        told = []
        for track in self._tracks.values():
            track.link.become("lost", at, reason)
            if track.lost is None:
                track.lost = at
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

    def _close(self, at: float) -> None:
        self.device.close()
        self._closed, self._next = True, at + self._pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    def _open_again(self, timeout: float) -> Sequence[Chunk]:
        """Wait for the next attempt, or make it."""
        self._give_up()
        if (left := self._next - now()) > 0:
            time.sleep(min(timeout, left))
            return ()
        for track in self._tracks.values():
            track.link.become("recovering", now(), track.link.reason)
        try:
            infos = _opened(self.device)
        except RtpipeError as error:
            for track in self._tracks.values():
                track.link.become("lost", now(), str(error))
            self._close(now())
            return ()
        self._closed, self._opened = False, now()
        known = {track.info.name: track.info for track in self._tracks.values()}
        if {info.name: info for info in infos} != known:
            raise DeviceLost(
                f"{self._names()} was lost and has come back with other streams or "
                "channels: start again"
            )
        for track in self._tracks.values():
            track.anew = True
        return ()

    def _continued(self, chunk: Chunk) -> Chunk:
        """Return the chunk as the run numbers it."""
        track = self._tracks[chunk.stream]
        if not len(chunk):
            shift = track.stop - chunk.index if track.anew else track.shift
            return _shifted(chunk, shift)
        first = float(chunk.times[0])
        if estimated := track.anew:
            lost = 0
            if track.latest is not None:
                steps = (first - track.latest) * track.info.sfreq
                lost = max(0, round(steps) - 1)
            track.shift = track.stop + lost - chunk.index
            track.anew = False
        chunk = replace(_shifted(chunk, track.shift), estimated=estimated)
        if track.latest is not None and first < track.latest:  # another clock, perhaps
            chunk = replace(chunk, times=np.maximum(chunk.times, track.latest))
        if track.lost is not None:
            silent = now() - track.lost
            told = {"after": round(silent, 3)}
            event = Event(chunk.stream, now(), "recovered", chunk.index, told)
            chunk = replace(chunk, events=(event, *chunk.events))
            track.lost = None
        if track.link.state != "degraded":  # which is for the watchdog to end
            track.link.become("streaming", now())
        track.stop, track.latest = chunk.stop, float(chunk.times[-1])
        return chunk

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


def _opened(device: Device) -> Sequence[StreamInfo]:
    """Open a device; whatever its driver raises is the device's error."""
    try:
        return device.open()
    except RtpipeError:
        raise
    except Exception as error:
        raise _driver_error(device, error) from error


def _read(device: Device, timeout: float) -> Sequence[Chunk] | None:
    try:
        return device.read(timeout)
    except RtpipeError:
        raise
    except Exception as error:
        raise _driver_error(device, error) from error


def _driver_error(device: Device, error: Exception) -> DeviceError:
    return DeviceError(f"{type(device).__name__} failed: {last_line(error)}")
