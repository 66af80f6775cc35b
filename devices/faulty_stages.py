"""What each fault does to the packets of one stream.

A stage takes a packet and gives those that go on, in their order: none, one or more.
What happened is told by an event of kind "fault" on the next packet that goes on, when
it is over; a packet that is lost leaves its own events to the next one.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from rtpipe.errors import ConfigError
from rtpipe.types import Chunk, Event, Float32, Float64, StreamInfo

from .faulty_packets import Packet, moved
from .faulty_schedule import Schedule
from .faulty_script import Fault

TIMES_AS_MANY = 10  # samples of a flood, for each that was declared


class Stage:
    """A fault that leaves every packet as it is; the others say what they change.

    Parameters
    ----------
    fault : Fault
    schedule : Schedule
    info : StreamInfo
    """

    def __init__(self, fault: Fault, schedule: Schedule, info: StreamInfo) -> None:
        self._fault, self._schedule, self._info = fault, schedule, info
        self._amount = fault.amount or 0.0
        self._begun: int | None = None  # packet at which what is in force began
        self._first: Chunk | None = None  # the first chunk hit since then
        self._samples = 0
        self._left: list[Event] = []  # for the next packet that goes on
        self._newest: Packet | None = None

    def process(self, packet: Packet) -> list[Packet]:
        """Return the packets that go on."""
        self._newest = packet
        begun = self._schedule.episode(packet.number)
        found = self._end() if begun != self._begun else []
        self._begun = begun
        found += [packet] if begun is None else self._hit(packet)
        return self._with_events(found)

    def rest(self) -> list[Packet]:
        """Return what is kept, for no more packets come; a last one may be empty."""
        found = self._with_events(self._end())
        if self._newest is None or not self._left:
            return found
        told = replace(
            self._newest.chunk,
            index=self._newest.chunk.stop,
            times=np.empty(0),
            data=np.empty((0, *self._info.sample_shape), np.float32),
            device_times=None,
            events=tuple(self._left),
        )
        self._left = []
        return [*found, _with(self._newest, told)]

    def _hit(self, packet: Packet) -> list[Packet]:
        """Return what goes on of a packet that is hit."""
        return [packet]

    def _end(self) -> list[Packet]:
        """Return what was kept, now that it is over."""
        self._tell()
        return []

    def _count(self, chunk: Chunk, samples: int) -> None:
        if self._first is None and len(chunk):
            self._first = chunk
        self._samples += samples

    def _tell(self) -> None:
        """Tell what was counted."""
        if self._first is not None and self._samples:
            self._say(self._first, {"samples": self._samples})
        self._first, self._samples = None, 0

    def _say(self, chunk: Chunk, data: dict[str, float]) -> None:
        told = {"fault": self._fault.name, **data}
        time = float(chunk.times[0])
        self._left.append(Event(self._info.name, time, "fault", chunk.index, told))

    def _with_events(self, packets: list[Packet]) -> list[Packet]:
        if not packets or not self._left:
            return packets
        first, *others = packets
        events = (*self._left, *first.chunk.events)
        self._left = []
        return [_with(first, replace(first.chunk, events=events)), *others]


class Spoilt(Stage):
    """Values of one channel become what no body gives."""

    def __init__(self, fault: Fault, schedule: Schedule, info: StreamInfo) -> None:
        super().__init__(fault, schedule, info)
        self._channel = int(schedule.draw(0) * np.prod(info.sample_shape))
        self._value = float("nan")

    def _hit(self, packet: Packet) -> list[Packet]:
        chunk = packet.chunk
        data = chunk.data.copy()
        data.reshape(len(data), -1)[:, self._channel] = self._value
        self._count(chunk, len(chunk))
        return [_with(packet, replace(chunk, data=data))]


class Railed(Spoilt):
    """One channel is at the device's highest value."""

    def __init__(self, fault: Fault, schedule: Schedule, info: StreamInfo) -> None:
        super().__init__(fault, schedule, info)
        if info.rails is None:
            raise ConfigError(f"faults: rails cannot be: {info.name} tells none")
        self._value = info.rails[1]


class Flood(Stage):
    """Each sample comes as ten, and the device counts them all."""

    _more = 0  # samples that were not declared, so far

    def process(self, packet: Packet) -> list[Packet]:
        """Make room for what was too many before."""
        return super().process(_with(packet, moved(packet.chunk, self._more)))

    def _hit(self, packet: Packet) -> list[Packet]:
        chunk, n = packet.chunk, TIMES_AS_MANY
        more = (n - 1) * len(chunk)
        self._more += more
        self._count(chunk, more)
        step = np.tile(np.arange(n) / (n * self._info.sfreq), len(chunk))
        stamps = chunk.device_times
        events = tuple(
            each
            if each.index is None
            else replace(each, index=each.index + (n - 1) * (each.index - chunk.index))
            for each in chunk.events
        )
        many = replace(
            chunk,
            times=np.repeat(chunk.times, n) + step,
            data=np.repeat(chunk.data, n, axis=0),
            device_times=None if stamps is None else np.repeat(stamps, n) + step,
            events=events,
        )
        return [_with(packet, many)]


class Clock(Stage):
    """The stamps are wrong, the samples are not; what `_off` says is told once."""

    def process(self, packet: Packet) -> list[Packet]:
        """Return the packet with other stamps."""
        chunk = packet.chunk
        off = self._off(packet)
        stamps = chunk.device_times
        chunk = replace(
            chunk,
            times=chunk.times + off,
            device_times=None if stamps is None else stamps + off,
        )
        return self._with_events([_with(packet, chunk)])

    def _off(self, packet: Packet) -> Float64 | float:
        """Return by how much the stamps are off, in seconds."""
        raise NotImplementedError

    def _once(self, chunk: Chunk, unit: str) -> None:
        if self._begun is None and len(chunk):
            self._begun = 0
            self._say(chunk, {unit: self._amount})


class Jitter(Clock):
    """Each packet's stamps are late by something else."""

    def _off(self, packet: Packet) -> float:
        self._once(packet.chunk, "seconds")
        return self._amount * self._schedule.draw(max(0, packet.number))


class Drift(Clock):
    """The clock runs faster than it should, or slower."""

    _start = 0.0

    def _off(self, packet: Packet) -> Float64:
        if self._begun is None and len(packet.chunk):
            self._start = float(packet.chunk.times[0])
        self._once(packet.chunk, "ppm")
        return (packet.chunk.times - self._start) * (1e-6 * self._amount)


class Jump(Clock):
    """The clock is set, and stays so."""

    _off_by = 0.0

    def _off(self, packet: Packet) -> float:
        begun = self._schedule.episode(packet.number)
        if begun not in (None, self._begun) and len(packet.chunk):
            self._begun = begun
            self._off_by += self._amount
            self._say(packet.chunk, {"seconds": self._amount})
        return self._off_by


class Drop(Stage):
    """Packets do not come."""

    def __init__(self, fault: Fault, schedule: Schedule, info: StreamInfo) -> None:
        super().__init__(fault, schedule, info)
        self._brought: list[Event] = []  # by the packets that were lost

    def _hit(self, packet: Packet) -> list[Packet]:
        self._count(packet.chunk, len(packet.chunk))
        self._brought += packet.chunk.events
        return []

    def _end(self) -> list[Packet]:
        super()._end()
        self._left += self._brought
        self._brought = []
        return []


class Channels(Stage):
    """Samples have a channel too many."""

    def _hit(self, packet: Packet) -> list[Packet]:
        data = packet.chunk.data
        self._count(packet.chunk, len(data))
        wider: Float32 = np.concatenate((data, data[:, :1]), axis=1)
        return [_with(packet, replace(packet.chunk, data=wider))]


class Duplicate(Stage):
    """Packets come twice."""

    def _hit(self, packet: Packet) -> list[Packet]:
        self._count(packet.chunk, len(packet.chunk))
        return [packet, _with(packet, replace(packet.chunk, events=()))]


class Reorder(Stage):
    """A packet comes after the one that follows it."""

    _kept: Packet | None = None

    def process(self, packet: Packet) -> list[Packet]:
        """Return the packet, or keep it for after the next one."""
        if not len(packet.chunk):
            return [packet]
        if self._kept is not None:
            late, self._kept = self._kept, None
            self._say(late.chunk, {"samples": len(late.chunk)})
            self._left += late.chunk.events
            late = _with(late, replace(late.chunk, events=()))
            return [*self._with_events([packet]), late]
        if self._schedule.episode(packet.number) is None:
            return [packet]
        self._kept = packet
        return []

    def _end(self) -> list[Packet]:
        kept, self._kept = self._kept, None
        return [kept] if kept else []


class Stall(Stage):
    """Packets are kept back, and then come all at once."""

    def __init__(self, fault: Fault, schedule: Schedule, info: StreamInfo) -> None:
        super().__init__(fault, schedule, info)
        self._kept: list[Packet] = []

    def _hit(self, packet: Packet) -> list[Packet]:
        self._count(packet.chunk, len(packet.chunk))
        self._kept.append(packet)
        return []

    def _end(self) -> list[Packet]:
        self._tell()
        kept, self._kept = self._kept, []
        return kept


class Disconnect(Drop):
    """The device is gone; what it measures until it is back does not come.

    Attributes
    ----------
    outages : list of (int, float)
        The packet at which each began, and its length in seconds.
    """

    def __init__(self, fault: Fault, schedule: Schedule, info: StreamInfo) -> None:
        super().__init__(fault, schedule, info)
        self.outages: list[tuple[int, float]] = []

    def process(self, packet: Packet) -> list[Packet]:
        """Return the packet, if the device is there."""
        begun = self._schedule.episode(packet.number)
        # One that comes too late, from before it, does not make two of it.
        if begun is not None and (begun, self._amount) not in self.outages[-1:]:
            self.outages.append((begun, self._amount))
        found = super().process(packet)
        n = len(self.outages)
        return [replace(each, outages=each.outages + n) for each in found]


STAGES: dict[str, Callable[[Fault, Schedule, StreamInfo], Stage]] = {
    "nan": Spoilt,
    "rails": Railed,
    "flood": Flood,
    "jitter": Jitter,
    "drift": Drift,
    "jump": Jump,
    "drop": Drop,
    "channels": Channels,
    "duplicate": Duplicate,
    "reorder": Reorder,
    "stall": Stall,
    "disconnect": Disconnect,
}


def _with(packet: Packet, chunk: Chunk) -> Packet:
    return replace(packet, chunk=chunk)
