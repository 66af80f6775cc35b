"""BrainFlow's boards: opened, read and closed, lost and refused in one sentence."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rtpipe.devices.brainflow import BrainflowDevice
from rtpipe.devices.brainflow_board import sources
from rtpipe.devices.brainflow_refusal import refusal
from rtpipe.devices.brainflow_sdk import numbers, sdk
from rtpipe.devices.brainflow_session import Session
from rtpipe.devices.brainflow_track import Track
from typer.testing import CliRunner

from rtpipe import clock
from rtpipe.checks import check_device
from rtpipe.cli import app
from rtpipe.errors import (
    ConfigError,
    DeviceError,
    DeviceLost,
    DeviceNotFound,
    RtpipeError,
)
from rtpipe.types import Chunk


@pytest.fixture
def forgetting() -> Iterator[None]:
    """BrainFlow is loaded anew in the test, and after it."""
    sdk.cache_clear()
    yield
    sdk.cache_clear()


def at_least(device: BrainflowDevice, n: int) -> list[Chunk]:
    """Read until every stream has given as many samples."""
    chunks: list[Chunk] = []
    counts = dict.fromkeys((info.name for info in device.open()), 0)
    while min(counts.values()) < n:
        found = device.read(0.5)
        assert found
        chunks += found
        for chunk in found:
            counts[chunk.stream] += len(chunk)
    return chunks


# The synthetic board ----------------------------------------------------------------


def test_the_contract() -> None:
    failing = BrainflowDevice("CYTON", serial_port="/dev/null/none")
    check_device(BrainflowDevice("synthetic"), 1.0, failing=failing)


def test_all_that_the_synthetic_board_sends_arrives() -> None:
    """Two seconds: the counter wraps twice."""
    device = BrainflowDevice("synthetic", ch_type="ecg")
    chunks = at_least(device, 520)
    device.close()
    for name in ("ecg", "battery", "gyro-auxiliary"):
        mine = [chunk for chunk in chunks if chunk.stream == name]
        index = np.concatenate([np.arange(each.index, each.stop) for each in mine])
        np.testing.assert_array_equal(index, np.arange(len(index)))
        stamps = np.concatenate([each.device_times for each in mine if len(each)])
        assert (np.diff(stamps) >= 0).all()


def test_it_can_be_opened_again_and_closed_twice() -> None:
    device = BrainflowDevice("synthetic")
    device.close()
    assert device.read(0.0) == []
    first = device.open()
    assert device.open() == first
    device.close()
    device.close()
    assert device.read(0.0) == []
    assert at_least(device, 10)[0].index == 0
    device.close()


def test_a_read_returns_in_time_where_nothing_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    device = BrainflowDevice("synthetic")
    device.open()
    with monkeypatch.context() as patch:
        silent = lambda *_, **__: 0  # noqa: E731
        patch.setattr(sdk().BoardShim, "get_board_data_count", silent)
        assert device.read(0.03) == []
    device.close()


def test_a_board_that_is_gone_is_lost() -> None:
    device = BrainflowDevice("synthetic")
    device.open()
    sdk().BoardShim.release_all_sessions()
    with pytest.raises(
        DeviceLost, match=r"SYNTHETIC_BOARD stopped answering .* near\?"
    ):
        device.read(1.0)
    device.close()
    assert at_least(device, 10)
    device.close()


def test_a_board_that_is_open_already() -> None:
    first, second = BrainflowDevice("synthetic"), BrainflowDevice("synthetic")
    first.open()
    with pytest.raises(DeviceError, match="SYNTHETIC_BOARD is open already: give it"):
        second.open()
    second.close()
    assert first.read(1.0)
    first.close()


def test_an_interrupted_search_leaves_no_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    device = BrainflowDevice("synthetic")
    with monkeypatch.context() as patch:
        patch.setattr(sdk().BoardShim, "start_stream", interrupted)
        with pytest.raises(KeyboardInterrupt):
            device.open()
    other = BrainflowDevice("synthetic")
    other.open()  # would be refused if the session were still there
    other.close()


def test_a_board_is_sent_its_command_before_it_streams() -> None:
    session = Session("SYNTHETIC_BOARD", {}, presets=(1,), command="square")
    names = [info.name for info in session.open()]
    assert names[:2] == ["accel", "gyro"]
    assert session.read(1.0)
    session.close()


def test_a_board_with_a_clock_of_its_own_is_timed_by_arrival() -> None:
    """Its stamps count from when it was switched on."""
    described = sdk().BoardShim.get_board_descr(numbers()["EMOTIBIT_BOARD"], 2)
    found = sources("EMOTIBIT_BOARD", {2: described})
    track = Track("EMOTIBIT_BOARD", 2, described, found)
    table = np.zeros((described["num_rows"], 30))
    table[described["timestamp_channel"]] = np.arange(30) / 15
    before = clock.now()
    chunks = track.chunks(table, clock.wall_offset())
    after = clock.now()
    assert [chunk.stream for chunk in chunks] == ["eda", "temperature", "battery"]
    for chunk in chunks:
        assert before <= chunk.times[-1] <= chunk.arrived <= after
        np.testing.assert_array_equal(chunk.device_times, np.arange(30) / 15)


@pytest.mark.parametrize("shift", [3600.0, -3600.0])
@pytest.mark.parametrize("board", ["CYTON_BOARD", "GANGLION_BOARD"])
def test_the_hosts_clock_may_be_set_while_a_board_streams(
    board: str, shift: float
) -> None:
    """By an hour, in the middle of what is taken; one board counts, one does not."""
    described = sdk().BoardShim.get_board_descr(numbers()[board], 0)
    track = Track(board, 0, described, sources(board, {0: described}))
    chunks = []
    for part in range(3):
        end = clock.now() + clock.wall_offset()
        table = np.zeros((described["num_rows"], 20))
        table[described["package_num_channel"]] = np.arange(20 * part, 20 * part + 20)
        stamps = np.linspace(end - 0.01, end, 20)
        stamps[(20, 10, 0)[part] :] += shift
        table[described["timestamp_channel"]] = stamps
        offset = clock.wall_offset() + shift * (part > 0)
        chunks += [each for each in track.chunks(table, offset) if len(each)]
    first = [each for each in chunks if each.stream == chunks[0].stream]
    index = np.concatenate([np.arange(each.index, each.stop) for each in first])
    np.testing.assert_array_equal(index, range(60))


def test_a_jump_that_rests_on_the_times_is_marked() -> None:
    described = sdk().BoardShim.get_board_descr(numbers()["MUSE_2_BOARD"], 0)
    track = Track("MUSE_2_BOARD", 0, described, sources("MUSE_2_BOARD", {0: described}))
    offset, end = clock.wall_offset(), clock.now() + clock.wall_offset()
    chunks = []
    for number, ago in ((3000, 3.0), (3002, 2.9), (0, 0.0)):  # the last counts anew
        table = np.zeros((described["num_rows"], 12))
        table[described["package_num_channel"]] = number
        table[described["timestamp_channel"]] = end - ago
        chunks += track.chunks(table, offset)
    assert [each.estimated for each in chunks] == [False, False, True]
    assert [each.index for each in chunks[:2]] == [0, 24]


# Refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "kind", "said"),
    [
        (
            {"board": "CYTON"},
            ConfigError,
            "BrainFlow cannot open CYTON_BOARD: it lacks",
        ),
        (
            {"board": 0, "serial_port": "/dev/null/none"},
            DeviceNotFound,
            "CYTON_BOARD was not found: the port /dev/null/none cannot be opened: is",
        ),
        ({"board": "CYTN"}, ConfigError, "no board 'CYTN': did you mean CYTON_BOARD"),
        ({"board": "MUSE_2", "ch_type": "emg"}, ConfigError, "measures no emg"),
    ],
)
def test_a_board_that_cannot_be_opened(
    settings: dict[str, Any], kind: type[RtpipeError], said: str
) -> None:
    with pytest.raises(kind, match=said):
        BrainflowDevice(**settings).open()


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        (
            2,
            DeviceNotFound,
            "X_BOARD was not found: no port or Bluetooth adapter could",
        ),
        (7, DeviceNotFound, r"X_BOARD did not answer with ip_port = 7 \(BrainFlow: BO"),
        (13, ConfigError, "BrainFlow cannot open X_BOARD with ip_port = 7: it lacks"),
        (14, ConfigError, "BrainFlow cannot run X_BOARD on this system"),
        (17, DeviceNotFound, "X_BOARD did not answer with .* GENERAL_ERROR"),
    ],
)
def test_what_brainflow_says_in_a_sentence(
    code: int, kind: type[RtpipeError], said: str
) -> None:
    with pytest.raises(kind, match=said):
        raise refusal("X_BOARD", code, {"serial_port": "", "ip_port": 7})


# Without BrainFlow ------------------------------------------------------------------


def live(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(
        app, ["live", "--json", "--duration", "0.2", *arguments]
    )
    return result.exit_code, result.stderr


@pytest.mark.usefixtures("forgetting")
def test_without_brainflow_all_else_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "brainflow", None)
    said = "rtpipe: a BrainFlow device needs the package 'brainflow': install it\n"
    assert live("--device", "brainflow:SYNTHETIC_BOARD") == (2, said)
    assert live("--device", "muse") == (2, said)
    assert live("--device", "synthetic")[0] == 0
    (offer,) = BrainflowDevice.look(0.1)
    assert offer.state == "missing"
    assert "'brainflow'" in offer.hint


@pytest.mark.usefixtures("forgetting")
@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ModuleNotFoundError(name="pkg_resources"), r"pip install 'setuptools<82'"),
        (OSError("no such library"), "library cannot be loaded .* no such library"),
    ],
)
def test_a_brainflow_that_cannot_be_loaded(
    error: Exception, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr("brainflow.board_shim.BoardShim.disable_board_logger", fail)
    with pytest.raises(ConfigError, match=said):
        numbers()


# Offers -----------------------------------------------------------------------------


def test_what_it_offers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtpipe.devices.brainflow.PORTS", (f"{tmp_path}/tty*",))
    synthetic, dongle, _ = BrainflowDevice.look(0.1)
    assert (synthetic.argument, synthetic.state) == (
        "brainflow:SYNTHETIC_BOARD",
        "ready",
    )
    assert (dongle.state, dongle.hint[:14]) == ("missing", "no serial port")
    (tmp_path / "ttyUSB0").touch()
    _, dongle, some = BrainflowDevice.look(0.1)
    assert (dongle.state, some.state) == ("unknown", "unknown")
    assert f"{tmp_path}/ttyUSB0" in dongle.hint


def test_the_synthetic_board_from_the_command_line() -> None:
    assert live("--device", "brainflow:SYNTHETIC_BOARD") == (0, "")
    status, said = live("--device", "brainflow:cytn")
    assert status == 2
    assert "did you mean" in said
