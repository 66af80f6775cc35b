"""A device that falls silent, says that it is gone, comes back, or does not."""

from collections.abc import Sequence

import numpy as np
import pytest

from rtpipe.connection import Connection
from rtpipe.errors import DeviceLost, DeviceNotFound
from rtpipe.stages.gaps import Gaps
from rtpipe.types import Chunk, StreamInfo

from .scripted import Reading, Scripted, Time, tells


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
    recovered = [c for c in reading.chunks if tells(c, "recovered")]
    assert all(each.estimated for each in recovered)
    reasons = {each.data["reason"] for each in reading.events("lost")}
    assert reasons == {"gone" if says else "nothing comes from it any more"}


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


def test_what_was_told_not_to_send_is_steady_with_its_first_sample(time: Time) -> None:
    device = Scripted(time)
    device.silent = True
    reading = Reading(Connection(device), time)
    reading.until(5.0)
    assert len(reading.events("degraded")) == 1
    device.silent = False
    reading.until(2.0)
    (steady,) = reading.events("steady")
    begun = next(chunk for chunk in reading.chunks if len(chunk))
    assert steady in begun.events
    assert (steady.stream, reading.state) == ("emg", "streaming")
    assert not reading.events("recovered")


def test_what_sends_at_once_is_not_told_steady(time: Time) -> None:
    reading = Reading(Connection(Scripted(time)), time)
    reading.until(5.0)
    assert not reading.events("steady") + reading.events("degraded")


def test_what_never_sent_and_was_lost_is_told_recovered(time: Time) -> None:
    device = Scripted(time)
    device.silent = True
    reading = Reading(Connection(device), time)
    reading.until(5.0)
    device.error = DeviceLost("gone")
    reading.until(0.1)
    device.error, device.silent = None, False
    reading.until(2.0, lambda: reading.state == "streaming")
    told = [e.kind for c in reading.chunks for e in c.events if e.kind != "truth"]
    assert told == ["degraded", "lost", "recovered"]


def test_a_stream_that_never_sent_stays_lost_when_others_come_back(time: Time) -> None:
    device = Scripted(time, ("emg", "imu"))
    read = device.read
    device.read = lambda timeout: [  # type: ignore[method-assign]
        each for each in read(timeout) or [] if each.stream == "emg"
    ]
    reading = Reading(Connection(device), time)
    reading.until(1.0)
    device.error = DeviceLost("gone")
    reading.until(0.1)
    device.error = None
    reading.until(20.0)
    links = reading.connection.links
    assert links["emg"].state == "streaming"
    assert links["imu"].state in ("lost", "recovering")
    assert not reading.events("degraded")


def test_a_stream_that_never_begins_beside_others_is_told(time: Time) -> None:
    device = Scripted(time, ("emg", "imu"))
    read, begun = device.read, time.now
    device.read = lambda timeout: [  # type: ignore[method-assign]
        each for each in read(timeout) or [] if each.stream == "emg"
    ]
    reading = Reading(Connection(device, patience=10), time)
    reading.until(100.0)  # far longer than a first sample may take
    links = reading.connection.links
    (told,) = reading.events("degraded")
    assert (told.stream, told.time - begun <= 2.2) == ("imu", True)
    assert "no sample yet" in told.data["reason"]
    assert (links["emg"].state, links["imu"].state) == ("streaming", "connecting")
    assert links["imu"].reason == "see that the sender sends, and is not paused"
    device.silent = True  # all that had begun is lost, and comes back
    reading.until(8.0)
    assert [event.stream for event in reading.events("lost")] == ["emg"]
    assert device.opened == 2
    device.silent = False
    reading.until(5.0)
    assert (links["emg"].state, links["imu"].state) == ("streaming", "connecting")
    assert len(reading.events("degraded")) == 1  # told once
    device.read = read  # type: ignore[method-assign]
    reading.until(1.0)
    (steady,) = reading.events("steady")
    assert (steady.stream, links["imu"].state) == ("imu", "streaming")


def test_a_burst_of_several_chunks_comes_once(
    time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How long a silence may be follows from the bursts, not from their chunks."""

    def now() -> float:
        time.sleep(1e-6)  # for what is done with a chunk takes its time
        return time.now

    monkeypatch.setattr("rtpipe.connection.now", now)
    device = Scripted(time)
    read = device.read
    held: list[Chunk] = []

    def in_bursts(timeout: float) -> Sequence[Chunk] | None:
        held.extend(each for each in read(timeout) or [] if len(each))
        if sum(map(len, held)) < 150:
            return []
        burst = list(held)
        held.clear()
        return burst

    device.read = in_bursts  # type: ignore[method-assign]
    reading = Reading(Connection(device), time)
    reading.until(15.0)
    device.silent = True
    reading.until(2.0)
    device.silent = False
    reading.until(5.0)
    assert not reading.events("lost")


def test_another_device_in_its_place_is_refused(time: Time) -> None:
    device = Scripted(time)
    reading = Reading(Connection(device), time)
    reading.until(1.0)
    device.error = DeviceLost("gone")
    reading.until(0.1)
    device.error, device.ch_names = None, ("A", "B")
    with pytest.raises(DeviceLost, match="other streams or channels: start again"):
        reading.until(5.0)


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
