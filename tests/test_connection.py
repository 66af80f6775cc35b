"""A device that is opened, read and closed; and what fails there."""

from collections.abc import Sequence

import numpy as np
import pytest

from rtpipe.connection import Connection
from rtpipe.errors import ConfigError, DeviceError, DeviceLost
from rtpipe.types import StreamInfo

from .scripted import SFREQ, Reading, Scripted, Time


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


def test_a_device_without_streams_is_refused(time: Time) -> None:
    device = Scripted(time, ())
    with pytest.raises(DeviceError, match="Scripted has no stream"):
        Connection(device).open()


def test_two_streams_of_one_name_are_refused(time: Time) -> None:
    device = Scripted(time, ("imu", "emg", "emg"))
    with pytest.raises(
        DeviceError, match="more than one stream named 'emg': give each a name of its"
    ):
        Connection(device).open()


def test_a_stream_that_was_not_announced_is_an_error(time: Time) -> None:
    device = Scripted(time)
    connection = Connection(device)
    connection.open()
    device.names = ("emg", "imu")
    with pytest.raises(DeviceError, match="sends a stream 'imu' that it did not ann"):
        connection.read(0.1)


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
