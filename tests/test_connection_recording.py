"""A device that plays a recording: nobody waits for it."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pytest

from rtpipe.connection import Connection
from rtpipe.errors import DeviceLost
from rtpipe.types import StreamInfo

from .scripted import Reading, Scripted, Time, tells


class Recording(Scripted):
    """Scripted, but not paced: a sample has come whenever it is read."""

    paced = False
    clock: Literal["run", "recording"] = "recording"

    def open(self) -> Sequence[StreamInfo]:
        infos = super().open()
        self.first = 0  # it counts on, where it is opened again
        return infos


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
    told = [chunk for chunk in reading.chunks if tells(chunk, "recovered")]
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
