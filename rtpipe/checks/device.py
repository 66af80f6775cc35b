"""The laws of a device."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rtpipe import clock
from rtpipe.device import Device
from rtpipe.errors import RtpipeError
from rtpipe.pipeline import lacking
from rtpipe.types import Chunk, StreamInfo


def check_device(
    device: Device, seconds: float = 1.0, *, failing: Device | None = None
) -> None:
    """Check the laws of `rtpipe.device.Device` by running a device.

    Parameters
    ----------
    device : Device
        Not opened yet.
    seconds : float
        How much signal is read, at most: a paced device takes that long.
    failing : Device or None
        One like it that cannot be opened, to see that it fails with an error of
        `rtpipe.errors`, and can be closed all the same.
    """
    if failing is not None:
        _check_failing(failing)
    assert isinstance(device.paced, bool), f"paced is {device.paced!r}: say True, False"
    assert device.clock in ("run", "recording"), (
        f"clock is {device.clock!r}: say 'run' or 'recording'"
    )
    opened = clock.now()
    try:
        tracks = {info.name: _Track(info) for info in _opened(device)}
        began = clock.now()  # a device may take long to connect
        while not _enough(tracks, seconds, device.paced, began):
            chunks = device.read(0.1)
            if chunks is None:
                break
            for chunk in chunks:
                assert chunk.stream in tracks, (
                    f"a chunk is of {chunk.stream!r}, which `open` did not name"
                )
                tracks[chunk.stream].follow(chunk, opened, device.clock == "run")
        for name, track in tracks.items():
            assert track.received, f"{name}: not one sample came in {seconds:g} s"
    finally:
        device.close()
    device.close()  # twice is safe


def _check_failing(device: Device) -> None:
    said = None
    try:
        device.open()
    except RtpipeError as error:
        said = str(error)
    device.close()
    device.close()
    assert said is not None, "the device that was to fail was opened"
    assert said, "`open` fails without a sentence"


def _opened(device: Device) -> Sequence[StreamInfo]:
    infos = device.open()
    names = [info.name for info in infos]
    assert names, "`open` returns no stream"
    assert all(names), "`open` returns a stream without a name"
    assert len(set(names)) == len(names), f"two streams have the same name: {names}"
    return infos


def _enough(
    tracks: dict[str, "_Track"], seconds: float, paced: bool, began: float
) -> bool:
    """Tell whether a device was read long enough, in its time or in that given it."""
    waited = clock.now() - began
    if paced:
        return waited >= seconds
    full = all(each.received >= seconds * each.info.sfreq for each in tracks.values())
    return full or waited >= 10 + 10 * seconds


@dataclass(slots=True)
class _Track:
    """What one stream of a device has given so far."""

    info: StreamInfo
    stop: int | None = None  # index expected next
    received: int = 0
    last_time: float = -np.inf

    def follow(self, chunk: Chunk, opened: float, on_run_clock: bool) -> None:
        """Check a chunk against those before it."""
        now, name = clock.now(), self.info.name
        assert chunk.data.dtype == np.float32, (
            f"{name}: data are {chunk.data.dtype}, not float32"
        )
        assert chunk.data.shape[1:] == self.info.sample_shape, (
            f"{name}: samples are shaped {chunk.data.shape[1:]}, `open` announced "
            f"{self.info.sample_shape}"
        )
        assert chunk.times.dtype == np.float64, (
            f"{name}: times are {chunk.times.dtype}, not float64"
        )
        assert chunk.missing is None, f"{name}: `missing` is for the gap stage to say"
        assert opened <= chunk.arrived <= now, (
            f"{name}: a chunk arrived at {chunk.arrived:.3f} s by its own account, and "
            f"was read between {opened:.3f} and {now:.3f} s"
        )
        if self.stop is not None:
            assert chunk.index >= self.stop, (
                f"{name}: a chunk begins with sample {chunk.index}, "
                f"{self.stop} was to come"
            )
        times = np.concatenate(([self.last_time], chunk.times))
        assert np.isfinite(chunk.times).all(), f"{name}: a time is not a number"
        assert (times[1:] >= times[:-1]).all(), f"{name}: times decrease"
        if on_run_clock:
            assert times[-1] <= now, (
                f"{name}: a sample is {times[-1] - now:.3f} s in the future"
            )
        self._events(chunk)
        self.stop, self.last_time = chunk.stop, float(times[-1])
        self.received += len(chunk)

    def _events(self, chunk: Chunk) -> None:
        for event in chunk.events:
            assert event.stream == chunk.stream, (
                f"{chunk.stream}: an event is of the stream {event.stream!r}"
            )
            assert event.index is None or event.index < chunk.stop, (
                f"{chunk.stream}: an event is of sample {event.index}, "
                f"which comes later than its chunk"
            )
            assert not (without := lacking(event)), (
                f"{chunk.stream}: an event {event.kind!r} lacks {', '.join(without)}"
            )
            try:
                json.dumps(event.data)
            except (TypeError, ValueError) as error:
                raise AssertionError(
                    f"{chunk.stream}: an event's data cannot be written: {error}"
                ) from None
