"""A device that falls silent, says that it is gone, comes back, or does not."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from rtpipe import connection as module
from rtpipe.connection import Connection
from rtpipe.errors import ConfigError, DeviceError, DeviceLost, DeviceNotFound
from rtpipe.stages.gaps import Gaps
from rtpipe.types import Chunk, Event, StreamInfo

SFREQ = 100.0


class Time:
    """A clock that moves when somebody waits, and only then."""

    def __init__(self) -> None:
        self.now = 1000.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    monkeypatch.setattr(module, "now", lambda: time.now)
    monkeypatch.setattr(module, "time", time)
    return time


class Scripted:
    """A device that sends one sample each 10 ms, except when it is told not to.

    Its samples hold the truth: the number of the 10 ms since `begun`.
    """

    paced = True
    clock: Literal["run", "recording"] = "run"

    def __init__(self, time: Time, names: Sequence[str] = ("emg",)) -> None:
        self.time, self.names = time, names
        self.begun = time.now
        self.silent = False
        self.error: Exception | None = None
        self.not_found: Exception | None = None
        self.opened = self.closed = 0
        self.ch_names: tuple[str, ...] = ("A",)

    def open(self) -> Sequence[StreamInfo]:
        if self.not_found:
            raise self.not_found
        self.opened += 1
        self.first = self.sent = self._due()
        n = len(self.ch_names)
        return [
            StreamInfo(name, SFREQ, self.ch_names, ("emg",) * n, ("uV",) * n)
            for name in self.names
        ]

    def _due(self) -> int:
        return round((self.time.now - self.begun) * SFREQ)

    def read(self, timeout: float) -> Sequence[Chunk] | None:
        self.time.sleep(timeout)
        if self.error:
            raise self.error
        if self.silent:
            self.sent = self._due()
            return []
        truth = np.arange(self.sent, self._due())
        chunks = [
            Chunk(
                name,
                self.sent - self.first,  # it counts from 0 whenever it is opened
                self.begun + truth / SFREQ,
                truth[:, None].astype(np.float32),
                self.time.now,
                events=(Event(name, self.time.now, "truth", self.sent - self.first),),
            )
            for name in self.names
        ]
        self.sent = self._due()
        return chunks

    def close(self) -> None:
        self.closed += 1


class Reading:
    """Reads a connection, and keeps what came."""

    def __init__(self, connection: Connection, time: Time) -> None:
        self.connection, self.time = connection, time
        self.chunks: list[Chunk] = []
        connection.open()

    def until(self, seconds: float, and_: Callable[[], bool] = lambda: True) -> None:
        end = self.time.now + seconds
        while self.time.now < end - 1e-9 or not and_():
            self.chunks += self.connection.read(0.05) or []

    def events(self, kind: str) -> list[Event]:
        return [e for chunk in self.chunks for e in chunk.events if e.kind == kind]

    @property
    def state(self) -> str:
        (link,) = {each.state for each in self.connection.links.values()}
        return link


def test_nothing_is_changed_while_all_is_well(time: Time) -> None:
    reading = Reading(Connection(Scripted(time)), time)
    assert reading.state == "connecting"
    reading.until(3.0)
    assert reading.state == "streaming"
    assert not reading.events("lost")
    data = np.concatenate([each.data for each in reading.chunks])
    index = np.concatenate([np.arange(c.index, c.stop) for c in reading.chunks])
    np.testing.assert_array_equal(data[:, 0], index)
    assert not any(each.estimated for each in reading.chunks)


@pytest.mark.parametrize("names", [("emg",), ("emg", "imu")])
@pytest.mark.parametrize("says", [True, False], ids=["it says so", "it falls silent"])
def test_an_outage_is_told_once_and_the_index_goes_on(
    time: Time, says: bool, names: tuple[str, ...]
) -> None:
    device = Scripted(time, names)
    reading = Reading(Connection(device), time)
    reading.until(1.0)
    for n in range(1, 21):
        if says:
            device.error, device.not_found = DeviceLost("gone"), DeviceNotFound("no")
        else:
            device.silent = True
        reading.until(7.3)
        assert reading.state in ("lost", "recovering")
        assert len(reading.events("lost")) == n * len(names)
        assert len(reading.events("recovered")) == (n - 1) * len(names)
        device.error = device.not_found = None
        device.silent = False
        reading.until(1.0, lambda: reading.state == "streaming")
        assert len(reading.events("recovered")) == n * len(names)
    # The samples hold the truth: their index is right to the sample, 20 times over.
    for chunk in reading.chunks:
        np.testing.assert_array_equal(
            chunk.data[:, 0], np.arange(chunk.index, chunk.stop)
        )
        for event in chunk.events:
            assert event.index is None or event.index == chunk.index
    recovered = [c for c in reading.chunks if any(_is(c, "recovered"))]
    assert all(each.estimated for each in recovered)
    reasons = {each.data["reason"] for each in reading.events("lost")}
    assert reasons == {"gone" if says else "nothing comes from it any more"}


def _is(chunk: Chunk, kind: str) -> list[bool]:
    return [True for event in chunk.events if event.kind == kind]


def test_a_pause_of_the_sender_does_not_close_the_device(time: Time) -> None:
    device = Scripted(time)
    reading = Reading(Connection(device), time)
    reading.until(1.0)
    device.silent = True
    reading.until(4.0)
    assert reading.state == "lost"
    device.silent = False
    reading.until(0.5)
    assert (device.opened, device.closed, reading.state) == (1, 0, "streaming")
    # It was never opened anew, so its own index holds, and is no estimate.
    assert not any(each.estimated for each in reading.chunks)
    (event,) = reading.events("recovered")
    assert event.data["after"] == pytest.approx(4.0, abs=0.11)  # without a sample


def test_a_gap_after_an_outage_is_an_estimate_although_the_device_counts(
    time: Time,
) -> None:
    device = Scripted(time)
    reading = Reading(Connection(device), time)
    reading.until(1.0)
    device.error, device.not_found = DeviceLost("gone"), DeviceNotFound("no")
    reading.until(3.0)
    device.error = device.not_found = None
    reading.until(2.0, lambda: reading.state == "streaming")
    gaps = Gaps()
    gaps.prepare(device.open()[0])
    events = [e for c in reading.chunks for out in gaps.process(c) for e in out.events]
    (gap,) = [event for event in events if event.kind == "gap"]
    received = sum(len(chunk) for chunk in reading.chunks)
    assert gap.data["lost"] == reading.chunks[-1].stop - received
    assert gap.data["estimated"] is True
    assert gap.data["filled"] is False


def test_attempts_come_with_growing_pauses(time: Time) -> None:
    device = Scripted(time)
    reading = Reading(Connection(device, patience=60), time)
    reading.until(1.0)
    attempts: list[float] = []

    def refuse() -> Sequence[StreamInfo]:
        attempts.append(time.now)
        raise DeviceNotFound("switch it on")

    device.open = refuse  # type: ignore[method-assign]
    device.error = DeviceLost("gone")
    reading.until(40.0)
    pauses = np.diff(attempts)
    assert (pauses[1:] >= pauses[:-1] - 0.06).all()
    assert pauses.max() <= 2.1
    (link,) = reading.connection.links.values()
    assert (link.state, link.reason) == ("lost", "switch it on")


def test_a_device_that_stays_away_ends_the_run(time: Time) -> None:
    device = Scripted(time)
    reading = Reading(Connection(device, patience=10), time)
    reading.until(1.0)
    device.error, device.not_found = DeviceLost("out of reach"), DeviceNotFound("no")
    since = time.now
    with pytest.raises(
        DeviceLost, match=r"emg was lost: out of reach; it did not come back within 10"
    ):
        reading.until(60.0)
    assert 10 <= time.now - since <= 10.2


def test_without_patience_a_loss_ends_the_run_at_once(time: Time) -> None:
    device = Scripted(time)
    reading = Reading(Connection(device, patience=0), time)
    reading.until(1.0)
    device.error = DeviceLost("out of reach")
    with pytest.raises(DeviceLost, match=r"^emg was lost: out of reach$"):
        reading.until(0.1)
    assert len(reading.events("lost")) == 1


def test_a_device_that_was_opened_again_and_stays_silent_is_tried_again(
    time: Time,
) -> None:
    device = Scripted(time)
    reading = Reading(Connection(device), time)
    reading.until(1.0)
    device.silent = True
    reading.until(30.0)
    assert device.opened > 2
    assert len(reading.events("lost")) == 1
    assert reading.state in ("lost", "recovering")


def test_a_device_that_never_sends_is_given_up(time: Time) -> None:
    device = Scripted(time)
    device.silent = True
    reading = Reading(Connection(device, patience=5), time)
    since = time.now
    with pytest.raises(
        DeviceLost, match=r"emg sent no sample in 60 s: see that the sender"
    ):
        reading.until(100.0)
    assert reading.state == "connecting"
    assert 60 <= time.now - since <= 60.2
    (event,) = reading.events("degraded")  # told long before, and once
    assert "no sample yet" in event.data["reason"]
    assert event.time - since <= 2.2


def test_another_device_in_its_place_is_refused(time: Time) -> None:
    device = Scripted(time)
    reading = Reading(Connection(device), time)
    reading.until(1.0)
    device.error = DeviceLost("gone")
    reading.until(0.1)
    device.error, device.ch_names = None, ("A", "B")
    with pytest.raises(DeviceLost, match="other streams or channels: start again"):
        reading.until(5.0)


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


@pytest.mark.parametrize(
    ("raised", "expected", "match"),
    [
        (ConfigError("no such name"), ConfigError, "no such name"),
        (ZeroDivisionError("oops\nat last"), DeviceError, "Scripted failed: at last"),
    ],
)
def test_what_fails_first_fails_the_run(
    time: Time, raised: Exception, expected: type[Exception], match: str
) -> None:
    device = Scripted(time)
    device.not_found = raised
    with pytest.raises(expected, match=match):
        Connection(device).open()
    device.not_found, device.error = None, raised
    connection = Connection(device)
    connection.open()
    with pytest.raises(expected, match=match):
        connection.read(0.1)


def test_a_recording_is_never_late(time: Time) -> None:
    device = Scripted(time)
    device.clock = "recording"
    reading = Reading(Connection(device), time)
    reading.until(1.0)
    device.silent = True
    reading.until(100.0)
    assert reading.state == "streaming"
    assert not reading.connection.watched
    device.error = DeviceLost("the file is gone")
    with pytest.raises(DeviceLost, match="the file is gone"):
        reading.until(1.0)


class Recording(Scripted):
    """Scripted, but not paced: a sample has come whenever it is read."""

    paced = False
    clock: Literal["run", "recording"] = "recording"

    def open(self) -> Sequence[StreamInfo]:
        infos = super().open()
        self.first = 0  # it counts on, where it is opened again
        return infos


def test_a_device_that_is_not_watched_is_opened_again_at_once(time: Time) -> None:
    device = Recording(time)
    reading = Reading(Connection(device), time)
    for n in range(1, 4):
        reading.until(1.0)
        device.error = DeviceLost("gone")
        time.sleep(3.0)  # of the recording
        before = time.now
        reading.chunks += reading.connection.read(0.0) or []
        device.error = None
        assert time.now == before  # nobody waited
        assert device.opened == n + 1
    reading.until(1.0)
    assert reading.state == "streaming"
    for chunk in reading.chunks:
        np.testing.assert_array_equal(
            chunk.data[:, 0], np.arange(chunk.index, chunk.stop)
        )
    lost, recovered = reading.events("lost"), reading.events("recovered")
    assert [each.data for each in lost] == [{"reason": "gone"}] * 3
    assert [each.data["after"] for each in recovered] == [pytest.approx(3.01)] * 3
    told = [chunk for chunk in reading.chunks if any(_is(chunk, "recovered"))]
    assert len(told) == 3
    assert all(each.estimated for each in told)
    # Of the recording's clock, as its samples.
    newest = [c.times[-1] for c in reading.chunks if len(c)]
    assert all(each.time in newest for each in lost)


def test_without_patience_it_is_given_up_at_once(time: Time) -> None:
    device = Recording(time)
    reading = Reading(Connection(device, patience=0), time)
    reading.until(1.0)
    device.error = DeviceLost("gone")
    with pytest.raises(DeviceLost, match=r"^gone$"):
        reading.connection.read(0.0)
    assert device.opened == 1


def test_a_recording_that_begins_from_its_start_is_not_read_for_ever(
    time: Time,
) -> None:
    device = Recording(time)
    reading = Reading(Connection(device), time)
    reading.until(1.0)
    device.error = DeviceLost("the drive is gone")
    reading.chunks += reading.connection.read(0.0) or []
    device.error = None
    device.sent = 0
    with pytest.raises(
        DeviceLost,
        match="was lost: the drive is gone; opened again, it begins from its start",
    ):
        reading.until(1.0)


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


def test_a_stream_that_was_not_announced_is_an_error(time: Time) -> None:
    device = Scripted(time)
    connection = Connection(device)
    connection.open()
    device.names = ("emg", "imu")
    with pytest.raises(DeviceError, match="sends a stream 'imu' that it did not ann"):
        connection.read(0.1)


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
    (back,) = [each for each in reading.chunks if any(_is(each, "recovered"))]
    np.testing.assert_array_equal(back.data[:, 0], np.arange(back.index, back.stop))


def test_one_stream_that_falls_silent_alone_is_lost_alone(time: Time) -> None:
    device = Scripted(time, ("emg", "imu"))
    read = device.read

    def without_imu(timeout: float) -> Sequence[Chunk] | None:
        return [each for each in read(timeout) or [] if each.stream == "emg"]

    reading = Reading(Connection(device, patience=10), time)
    reading.until(1.0)
    device.read = without_imu  # type: ignore[method-assign]
    reading.until(30.0)  # far longer than a lost device may take
    links = reading.connection.links
    assert (links["emg"].state, links["imu"].state) == ("streaming", "lost")
    (lost,) = reading.events("lost")
    assert (lost.stream, device.opened) == ("imu", 1)
    assert "though other streams of the device go on" in lost.data["reason"]
    device.read = read  # type: ignore[method-assign]
    reading.until(0.5)
    (recovered,) = reading.events("recovered")
    assert recovered.stream == "imu"
    assert links["imu"].state == "streaming"


def test_a_stream_that_does_not_come_back_with_the_others_stays_lost(
    time: Time,
) -> None:
    device = Scripted(time, ("emg", "imu"))
    read = device.read
    reading = Reading(Connection(device), time)
    reading.until(1.0)
    device.error = DeviceLost("gone")
    reading.until(0.1)
    device.error = None
    device.read = lambda timeout: [  # type: ignore[method-assign]
        each for each in read(timeout) or [] if each.stream == "emg"
    ]
    reading.until(20.0)
    links = reading.connection.links
    assert links["emg"].state == "streaming"
    assert links["imu"].state in ("lost", "recovering")
    assert len(reading.events("lost")) == 2
    assert [event.stream for event in reading.events("recovered")] == ["emg"]


@pytest.mark.parametrize("interval", [2.5, 8.0])
def test_what_is_slow_by_nature_is_not_lost(time: Time, interval: float) -> None:
    """A battery that is told every few seconds, all at its nominal rate."""
    device = Scripted(time)
    infos = [StreamInfo("battery", 1 / interval, ("A",), ("misc",), ("%",))]
    device.open = lambda: infos  # type: ignore[method-assign]
    begun, sent = time.now, [0]

    def read(timeout: float) -> Sequence[Chunk] | None:
        time.sleep(timeout)
        n = int((time.now - begun) / interval)
        if n == sent[0]:
            return []
        index, sent[0] = sent[0], n
        data = np.zeros((1, 1), np.float32)
        return [Chunk("battery", index, np.array([time.now]), data, time.now)]

    device.read = read  # type: ignore[method-assign]
    reading = Reading(Connection(device), time)
    reading.until(60.0)
    assert len(reading.chunks) > 5
    assert not reading.events("lost")


def test_a_device_that_cannot_be_closed_is_opened_again(
    time: Time, caplog: pytest.LogCaptureFixture
) -> None:
    device = Scripted(time)

    def close() -> None:
        raise OSError("it is gone")

    device.close = close  # type: ignore[method-assign]
    reading = Reading(Connection(device), time)
    reading.until(1.0)
    device.error = DeviceLost("gone")
    reading.until(0.1)
    device.error = None
    reading.until(1.0, lambda: reading.state == "streaming")
    assert device.opened == 2
    assert "Scripted failed: it is gone" in caplog.text


def test_a_device_without_streams_is_refused(time: Time) -> None:
    device = Scripted(time, ())
    with pytest.raises(DeviceError, match="Scripted has no stream"):
        Connection(device).open()


def test_a_device_that_is_being_opened_is_not_closed_meanwhile(time: Time) -> None:
    device = Scripted(time)
    connection = Connection(device)
    states = []

    def open_() -> Sequence[StreamInfo]:
        connection.close()
        states.append((connection.opening, device.closed))
        return [StreamInfo("emg", SFREQ, ("A",), ("emg",), ("uV",))]

    device.open = open_  # type: ignore[method-assign]
    connection.open()
    connection.close()
    assert states == [(True, 0)]
    assert (connection.opening, device.closed) == (False, 1)


def test_what_the_device_itself_calls_an_estimate_stays_one(time: Time) -> None:
    device = Scripted(time)
    read = device.read
    device.read = lambda timeout: [  # type: ignore[method-assign]
        replace(each, estimated=True) for each in read(timeout) or []
    ]
    reading = Reading(Connection(device), time)
    reading.until(0.5)
    assert all(chunk.estimated for chunk in reading.chunks)
