"""A sender of LSL that says what cannot be: one sentence, or the run goes on."""

from collections.abc import Callable
from math import inf, nan
from time import monotonic
from typing import Any

import numpy as np
import pylsl
import pytest
from rtpipe.devices.lsl import LslDevice

from rtpipe.errors import ConfigError

Outlet = Callable[..., Any]


def sender(name: str, n_channels: int, sfreq: float) -> Any:
    info = pylsl.StreamInfo(name, "EMG", n_channels, sfreq, "float32", f"id of {name}")
    return pylsl.StreamOutlet(info)


@pytest.mark.parametrize(
    ("n_channels", "sfreq", "said"),
    [
        (100_000, 100.0, "declares 100000 channels, more than the 10000"),
        (1, 2e6, "declares 2e\\+06 Hz, more than the 1e\\+06"),
        (1, 1e300, "declares 1e\\+300 Hz"),
    ],
)
def test_a_header_that_cannot_be(
    n_channels: int, sfreq: float, said: str, lsl_name: str
) -> None:
    made = sender(lsl_name, n_channels, sfreq)
    device = LslDevice(lsl_name, units="uV")
    with pytest.raises(ConfigError, match=said):
        device.open()
    device.close()
    del made


@pytest.mark.parametrize("stamp", [nan, inf, -inf, 1e300, -1e300])
def test_stamps_that_are_no_times(stamp: float, outlet: Outlet, lsl_name: str) -> None:
    made = outlet()
    device = LslDevice(lsl_name)
    device.open()
    now = pylsl.local_clock()
    for k, each in enumerate((now, stamp, now + 0.01, stamp, now + 0.02)):
        made.push_sample([k, k], each)
    chunks: list[Any] = []
    end = monotonic() + 60
    while sum(map(len, chunks)) < 5 and monotonic() < end:
        chunks += device.read(0.1)
    device.close()
    index = np.concatenate([np.arange(each.index, each.stop) for each in chunks])
    values = np.concatenate([each.data[:, 0] for each in chunks])
    times = np.concatenate([each.times for each in chunks])
    np.testing.assert_array_equal(values, range(5))
    assert (np.diff(index) >= 1).all()
    assert index[-1] < 1000
    assert np.isfinite(times).all()
    assert (np.diff(times) >= 0).all()


def test_a_description_that_expands(lsl_name: str) -> None:
    """What XML calls an entity is text to liblsl: nothing grows out of it."""
    info = pylsl.StreamInfo(lsl_name, "EMG", 1, 100, "float32", f"id of {lsl_name}")
    channel = info.desc().append_child("channels").append_child("channel")
    channel.append_child_value("label", "&lol9;" * 1000)
    channel.append_child_value("unit", "uV")
    made = pylsl.StreamOutlet(info)
    device = LslDevice(lsl_name)
    (found,) = device.open()
    device.close()
    assert found.ch_names == ("&lol9;" * 1000,)
    del made
