"""Another device, with faults on purpose, to see what a model makes of them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from rtpipe.clock import now
from rtpipe.config import check, device_argument
from rtpipe.device import Device
from rtpipe.errors import ConfigError, DeviceLost, DeviceNotFound
from rtpipe.estimate import IndexEstimate, stretches
from rtpipe.registry import find
from rtpipe.types import Chunk, Event, StreamInfo

from .faulty_packets import Cutter, Packet, join, size
from .faulty_schedule import Schedule
from .faulty_script import Fault, parse
from .faulty_stages import STAGES, Disconnect

GONE = "faulty: it was disconnected on purpose"


def faulty(
    device: str,
    *,
    faults: str = "",
    seed: int = 0,
    counted: bool = True,
    settings: dict[str, Any] | None = None,
) -> "FaultyDevice":
    """Another device, with faults on purpose.

    Parameters
    ----------
    device : str
        What stands after ``--device``: ``synthetic:emg``.
    faults : str
        What goes wrong, and when: see `FaultyDevice`.
    seed : int
        The same seed gives the same faults.
    counted : bool
        Whether the device counts its samples.
    settings : dict or None
        Those of the other device.

    Raises
    ------
    ConfigError
        If the faults cannot be read, or there is no such device or setting.
    """
    table = {**device_argument(device), **(settings or {})}
    (inner,) = check({"device": [table]}, "faulty").device
    made: Device = find("devices", inner.kind)(**inner.settings)
    return FaultyDevice(made, faults, seed=seed, counted=counted)


class FaultyDevice:
    """Wraps a device, and breaks what it gives: by chance with a seed, or when told.

    The signal is taken in packets of 20 ms. A fault has a name, a number, and a time:
    ``drop 1%`` loses one packet in a hundred, ``drop 0.2 1%`` begins with one packet in
    a hundred to lose 0.2 s, ``drop 2 at 10`` loses two seconds, ten seconds after the
    first sample, ``drop 2 at 10, 20`` does so twice and ``drop 2 every 30`` time and
    again. Without a number a fault lasts one packet. Several stand between semicolons,
    and act in this order:

    ==================  ===========================================================
    ``nan S``           one channel has no number
    ``rails S``         one channel is at the device's highest value
    ``flood S``         ten samples come for each one declared, and all are counted
    ``jitter S``        each packet's stamps are late by up to S seconds, always
    ``drift PPM``       the clock is too fast by so many parts in a million, always
    ``jump S``          the clock is set on by S seconds, or back where negative
    ``drop S``          packets do not come
    ``channels S``      samples have a channel too many
    ``duplicate S``     packets come twice
    ``reorder S``       a packet comes after the one that follows it
    ``stall S``         nothing comes, and then all at once
    ``disconnect S``    the device is gone, and so is what it measures until it is back
    ==================  ===========================================================

    Each is told by an event of kind "fault" when it is over, with the index of the
    first sample it befell: ``{"fault": "drop", "samples": 40}``. `samples` are those
    that are lost, spoilt, late, or too many; a clock tells `seconds` or `ppm` instead.

    Parameters
    ----------
    device : Device
        Not opened yet.
    faults : str
    seed : int
    counted : bool
        Whether the device counts its samples, so that what is lost is a jump of the
        index. Where not, or where the wrapped one does not, the index is estimated
        from the stamps, as of any such device.

    Raises
    ------
    ConfigError
        If the faults cannot be read or the seed is negative; on opening, if a stream
        cannot have one of them.

    Notes
    -----
    Faults are functions of the seed and of the index of the samples, not of wall time
    or chunks: a run as fast as possible shows the same as a live one. The very first
    packet is left alone, so that both sides count from the same sample. While the
    device is disconnected the wrapped one stays open; closing twice closes it. A live
    run opens a device again that was silent for five seconds, which begins anew then.

    Examples
    --------
    >>> from rtpipe.devices.synthetic import SyntheticDevice
    >>> device = FaultyDevice(
    ...     SyntheticDevice("emg", seed=1, paced=False, duration=60),
    ...     "drop 1%; nan 0.5 every 10; disconnect 3 at 20",
    ... )
    """

    def __init__(
        self,
        device: Device,
        faults: str = "",
        *,
        seed: int = 0,
        counted: bool = True,
    ) -> None:
        if seed < 0:
            raise ConfigError(f"faulty: the seed must not be negative, got {seed}")
        self.device, self.faults = device, faults
        self.seed, self.counted = seed, counted
        self.paced: bool = device.paced
        self.clock: Literal["run", "recording"] = device.clock
        self._parts = parse(faults)
        self._tracks: dict[str, _Track] = {}
        self._ready: list[tuple[int, Chunk]] = []  # each after so many outages
        self._outages = 0
        self._away = self._stays = self._over = False
        self._back = 0.0
        self._lost: DeviceLost | None = None

    def open(self) -> Sequence[StreamInfo]:
        """Open the other device; or come back, if it was disconnected."""
        if self._away:
            self._stays = True
            if self.paced and self.clock == "run" and now() < self._back:
                raise DeviceNotFound(f"{GONE}, and is not back yet")
            self._away = self._stays = False
            return [track.info for track in self._tracks.values()]
        infos = self.device.open()
        self._tracks = {
            info.name: _Track(info, self._parts, self.seed, self.clock, self.counted)
            for info in infos
        }
        self._ready, self._outages = [], 0
        self._over, self._lost = False, None
        return [track.info for track in self._tracks.values()]

    def read(self, timeout: float) -> Sequence[Chunk] | None:
        """Return what the other device gives, and what the faults make of it."""
        if not self._due() and not self._gone() and not self._over:
            self._take(timeout)
        if chunks := self._due():
            self._ready = self._ready[len(chunks) :]
            return chunks
        if self._gone():
            self._disconnect()
        if self._lost:
            raise self._lost
        return None if self._over else []

    def close(self) -> None:
        """Close the other device, but not when this one is only disconnected."""
        if self._stays:
            self._stays = False
            return
        self._away = False
        self.device.close()

    def _take(self, timeout: float) -> None:
        """Read the other device."""
        try:
            chunks = self.device.read(timeout)
        except DeviceLost as error:
            chunks, self._lost = None, error
        if chunks is None:
            self._over = True
            found = [each for track in self._tracks.values() for each in track.rest()]
        else:
            found = [
                each
                for chunk in chunks
                for each in self._tracks[chunk.stream].take(chunk)
            ]
        self._ready = sorted(found, key=lambda each: each[0])

    def _due(self) -> list[Chunk]:
        """Return what comes before the next outage."""
        return [chunk for outages, chunk in self._ready if outages <= self._outages]

    def _gone(self) -> bool:
        """Tell whether a stream has come to an outage that was not told yet."""
        return any(len(e.outages) > self._outages for e in self._tracks.values())

    def _disconnect(self) -> None:
        found = [track.outages[self._outages :] for track in self._tracks.values()]
        self._outages += 1
        self._away = self._stays = True
        self._back = now() + max(each[0][1] for each in found if each)
        raise DeviceLost(GONE)


class _Track:
    """One stream: its packets, and the faults they go through."""

    def __init__(
        self,
        info: StreamInfo,
        faults: Sequence[Fault],
        seed: int,
        clock: str,
        counted: bool,
    ) -> None:
        n_times = size(info.sfreq)
        self.info = info if counted else replace(info, counted=False)
        self._cutter = Cutter(n_times)
        self._stages = []
        for n, fault in enumerate(faults):
            schedule = Schedule(fault, n_times / info.sfreq, (seed, n), info.name)
            self._stages.append(STAGES[fault.name](fault, schedule, self.info))
        self._estimate = None if self.info.counted else IndexEstimate(info.sfreq)
        self._arrives = clock == "run"
        self._stop = 0

    @property
    def outages(self) -> list[tuple[int, float]]:
        """When the device was lost so far, and how long, as this stream has it."""
        lost = [each for each in self._stages if isinstance(each, Disconnect)]
        return sorted(outage for each in lost for outage in each.outages)

    def take(self, chunk: Chunk) -> list[tuple[int, Chunk]]:
        """Return what comes of a chunk, each part with the outages before it."""
        return self._joined(self._through(self._cutter.cut(chunk), 0), chunk.arrived)

    def rest(self) -> list[tuple[int, Chunk]]:
        """Return what was kept."""
        packets = self._through(self._cutter.rest(), 0)
        for n, stage in enumerate(self._stages, 1):
            packets += self._through(stage.rest(), n)
        return self._joined(packets, now())

    def _through(self, packets: list[Packet], first: int) -> list[Packet]:
        for stage in self._stages[first:]:
            packets = [each for packet in packets for each in stage.process(packet)]
        return packets

    def _joined(self, packets: list[Packet], arrived: float) -> list[tuple[int, Chunk]]:
        found = []
        for outages in sorted({each.outages for each in packets}):
            mine = [each.chunk for each in packets if each.outages == outages]
            for chunk in join(mine):
                whole = replace(chunk, arrived=arrived)
                found += [(outages, each) for each in self._numbered(whole)]
        return found

    def _numbered(self, chunk: Chunk) -> list[Chunk]:
        """Return the chunk as the device numbers it."""
        if self._estimate is None:
            return [chunk]
        arrived = chunk.arrived if self._arrives else None
        index = self._estimate.indices(chunk.times, arrived)
        if not len(index):
            events = tuple(_at(each, self._stop) for each in chunk.events)
            return [replace(chunk, index=self._stop, events=events)]
        self._stop = int(index[-1]) + 1
        rows = stretches(index)
        places = [_row(each, chunk) for each in chunk.events]
        stamps = chunk.device_times
        return [
            replace(
                chunk,
                index=int(index[each.start]),
                times=chunk.times[each],
                data=chunk.data[each],
                device_times=None if stamps is None else stamps[each],
                events=tuple(
                    _at(event, int(index[row]))
                    for event, row in zip(chunk.events, places, strict=True)
                    if each.start <= row < each.stop
                ),
            )
            for each in rows
        ]


def _row(event: Event, chunk: Chunk) -> int:
    """Return the row that an event belongs to; of what is lost, the next one."""
    if event.index is None:
        return 0
    return min(max(0, event.index - chunk.index), len(chunk) - 1)


def _at(event: Event, index: int) -> Event:
    return event if event.index is None else replace(event, index=index)
