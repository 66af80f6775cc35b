"""Samples of a wrong shape, time or order, and what comes of them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from rtpipe.connection import Connection
from rtpipe.errors import DeviceLost
from rtpipe.types import Chunk

from .scripted import SFREQ, Reading, Scripted, Time, tells


def misshapen(device: Scripted, width: Callable[[int], int]) -> None:
    """Let the device send as many channels as `width` says of a sample's number."""
    read = device.read

    def sent(timeout: float) -> Sequence[Chunk] | None:
        return [
            replace(
                each, data=np.repeat(each.data, width(int(each.data[0, 0])), axis=1)
            )
            for each in read(timeout) or []
        ]

    device.read = sent  # type: ignore[method-assign]


def test_samples_of_another_shape_are_dropped_told_and_missing(time: Time) -> None:
    device = Scripted(time)
    misshapen(device, lambda index: 3 if 100 <= index < 300 else 1)
    reading = Reading(Connection(device), time)
    reading.until(5.0)
    told = [event.data for event in reading.events("malformed")]
    # The first chunk at once, a second of signal once, the rest when it is over.
    assert told == [
        {"samples": 5, "got": [3]},
        {"samples": 100, "got": [3]},
        {"samples": 95, "got": [3]},
    ]
    index = np.concatenate([np.arange(c.index, c.stop) for c in reading.chunks])
    np.testing.assert_array_equal(
        index, np.setdiff1d(np.arange(500), np.arange(100, 300))
    )
    assert not reading.events("lost")
    # What the device said about them is not dropped.
    assert [e.index for e in reading.events("truth")] == list(range(0, 500, 5))


def test_two_wrong_shapes_are_told_apart(time: Time) -> None:
    device = Scripted(time)
    misshapen(device, lambda index: 1 + (index // 10) % 3)
    reading = Reading(Connection(device), time)
    reading.until(0.65)
    told = [tuple(event.data.values()) for event in reading.events("malformed")]
    assert sum(samples for samples, _ in told) == 40
    assert {tuple(got) for _, got in told} == {(2,), (3,)}


def test_a_device_that_only_sends_another_shape_is_lost(time: Time) -> None:
    device = Scripted(time)
    misshapen(device, lambda index: 1 if index < 100 else 2)
    reading = Reading(Connection(device, patience=5), time)
    with pytest.raises(DeviceLost, match="it did not come back within 5 s"):
        reading.until(30.0)
    told = sum(event.data["samples"] for event in reading.events("malformed"))
    assert told >= 600
    assert len(reading.events("malformed")) < 12  # not one for each chunk


def test_what_is_dropped_last_is_told_before_the_end(time: Time) -> None:
    device = Scripted(time)
    misshapen(device, lambda index: 1 if index < 100 else 2)
    connection = Connection(device)
    reading = Reading(connection, time)
    reading.until(1.2)
    device.read = lambda timeout: None  # type: ignore[method-assign]
    last = connection.read(0.0)
    assert last is not None
    reading.chunks += last
    assert connection.read(0.0) is None
    assert sum(event.data["samples"] for event in reading.events("malformed")) == 20


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize("clock", ["run", "recording"])
@pytest.mark.parametrize(
    "bad",
    [
        {20: NAN},
        {20: INF},
        {20: -INF},
        {0: NAN, 1: INF, 2: -INF},
        {k: NAN for k in range(200)},
        {k: NAN for k in range(7, 40)},
        {20: -1e300, 30: 0.0},
    ],
    ids=["nan", "inf", "-inf", "first", "all", "many", "steps back"],
)
def test_times_come_out_finite_and_in_order(
    time: Time, clock: Literal["run", "recording"], bad: dict[int, float]
) -> None:
    device = Scripted(time)
    device.clock = clock
    read = device.read

    def wrong(timeout: float) -> Sequence[Chunk] | None:
        found = []
        for chunk in read(timeout) or []:
            times = chunk.times.copy()
            for k in range(len(chunk)):
                times[k] = bad.get(chunk.index + k, times[k])
            found.append(replace(chunk, times=times, device_times=times.copy()))
        return found

    device.read = wrong  # type: ignore[method-assign]
    reading = Reading(Connection(device), time)
    reading.until(2.0)
    data = np.concatenate([each.data[:, 0] for each in reading.chunks])
    times = np.concatenate([each.times for each in reading.chunks])
    stamps = [c.device_times for c in reading.chunks if c.device_times is not None]
    np.testing.assert_array_equal(data, np.arange(200))  # no sample is lost for it
    assert np.isfinite(times).all()
    assert (np.diff(times) >= 0).all()
    fine = [k for k in range(200) if k not in bad]
    true = device.begun + np.arange(200) / SFREQ
    np.testing.assert_allclose(times[fine], true[fine], atol=1e-9)
    if clock == "run":
        assert times[-1] <= time.now
    # The device's own are raw, for the recording.
    given = [bad.get(k, true[k]) for k in range(200)]
    np.testing.assert_array_equal(np.concatenate(stamps), given)


def test_times_do_not_step_back_when_the_device_comes_back(time: Time) -> None:
    device = Scripted(time)
    reading = Reading(Connection(device), time)
    reading.until(1.0)
    device.error = DeviceLost("gone")
    reading.until(0.1)
    device.error = None
    device.begun += 3600  # its clock was set back an hour
    device.begun, shift = device.begun - 3600, -3600.0
    read = device.read

    def shifted(timeout: float) -> Sequence[Chunk] | None:
        chunks = read(timeout) or []
        return [
            Chunk(c.stream, c.index, c.times + shift, c.data, c.arrived) for c in chunks
        ]

    device.read = shifted  # type: ignore[method-assign]
    reading.until(1.0, lambda: reading.state == "streaming")
    times = np.concatenate([chunk.times for chunk in reading.chunks])
    index = np.concatenate([np.arange(c.index, c.stop) for c in reading.chunks])
    assert (np.diff(times) >= 0).all()
    assert (np.diff(index) == 1).all()  # nothing is known of a loss


def test_a_time_to_come_is_now(time: Time) -> None:
    device = Scripted(time)
    read = device.read
    device.read = lambda timeout: [  # type: ignore[method-assign]
        replace(each, times=each.times + 3600 * (each.index == 100))
        for each in read(timeout) or []
    ]
    reading = Reading(Connection(device), time)
    reading.until(3.0)
    for chunk in reading.chunks:
        assert chunk.times[-1] <= chunk.arrived
    # It goes on from there: not all that comes later is of one time.
    assert reading.chunks[-1].times[-1] - reading.chunks[-2].times[-1] > 0.04


def test_a_chunk_that_comes_late_does_not_set_the_stream_back(time: Time) -> None:
    device = Scripted(time)
    read = device.read
    kept: list[Chunk] = []

    def swapped(timeout: float) -> Sequence[Chunk] | None:
        kept.extend(read(timeout) or [])
        if len(kept) < 2:
            return []
        first, second = kept
        kept.clear()
        return [second, first]

    device.read = swapped  # type: ignore[method-assign]
    reading = Reading(Connection(device), time)
    reading.until(1.0)
    device.error = DeviceLost("gone")
    reading.until(0.1)
    device.error = None
    kept.clear()
    reading.until(1.0, lambda: reading.state == "streaming")
    (back,) = [each for each in reading.chunks if tells(each, "recovered")]
    np.testing.assert_array_equal(back.data[:, 0], np.arange(back.index, back.stop))


def test_what_the_device_itself_calls_an_estimate_stays_one(time: Time) -> None:
    device = Scripted(time)
    read = device.read
    device.read = lambda timeout: [  # type: ignore[method-assign]
        replace(each, estimated=True) for each in read(timeout) or []
    ]
    reading = Reading(Connection(device), time)
    reading.until(0.5)
    assert all(chunk.estimated for chunk in reading.chunks)
