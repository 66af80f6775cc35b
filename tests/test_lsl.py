"""LSL as a device: real outlets on loopback."""

import shlex
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pylsl
import pytest
from rtpipe.devices.lsl import LslDevice

from rtpipe.checks import check_device
from rtpipe.clock import now
from rtpipe.errors import ConfigError, DeviceLost, DeviceNotFound
from rtpipe.recording import read
from rtpipe.types import Chunk, Event
from rtpipe.xdf.encode import file_header, samples, stream_header
from rtpipe.xdf.header import Channel, Header

Outlet = Callable[..., Any]


def counted(start: int, stop: int, n_channels: int = 2) -> Any:
    """Samples that tell their number in every channel."""
    return np.arange(start, stop, dtype=np.float32)[:, None].repeat(n_channels, 1)


def until(device: Any, enough: Callable[[list[Chunk]], bool]) -> list[Chunk]:
    """Read until there is enough, or for ten seconds."""
    chunks: list[Chunk] = []
    end = now() + 10
    while not enough(chunks) and now() < end:
        chunks += device.read(0.05)
    assert enough(chunks), chunks
    return chunks


def having(n_times: int) -> Callable[[list[Chunk]], bool]:
    return lambda chunks: sum(map(len, chunks)) >= n_times


def events(chunks: list[Chunk], kind: str) -> list[Event]:
    return [each for chunk in chunks for each in chunk.events if each.kind == kind]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers come at once on one machine."""
    monkeypatch.setattr("rtpipe.devices.lsl_search.WITHIN", 2.0)
    monkeypatch.setattr("rtpipe.devices.lsl_search.SLICE", 0.4)
    monkeypatch.setattr("rtpipe.devices.lsl_search.OTHERS", 0.3)


@pytest.fixture
def device(lsl_name: str) -> Iterator[LslDevice]:
    device = LslDevice(lsl_name)
    yield device
    device.close()


def test_the_description_is_taken_over(
    outlet: Outlet, device: LslDevice, lsl_name: str
) -> None:
    held = outlet(
        labels=("C3", "C4", "EMG1", "T", "x"),
        units=("microvolts", "µV", "volts", "degrees", "raw"),
        types=("EEG", "eeg", "EMG", "Temperature", "AUX"),
        sfreq=250.0,
    )
    (info,) = device.open()
    assert held.have_consumers()
    assert (info.name, info.sfreq, info.rails, info.counted) == (
        lsl_name,
        250.0,
        None,
        False,
    )
    assert info.ch_names == ("C3", "C4", "EMG1", "T", "x")
    assert info.ch_types == ("eeg", "eeg", "emg", "temperature", "emg")
    assert info.units == ("uV", "uV", "V", "degrees", "none")


@pytest.mark.parametrize("stream", ["EEG", "Markers"])
@pytest.mark.parametrize("channel", ["signal", "", "EMG"])
def test_a_channel_is_of_the_type_that_a_recording_of_it_has(
    channel: str, stream: str, outlet: Outlet, device: LslDevice, tmp_path: Path
) -> None:
    held = outlet(type=stream, types=(channel, channel))
    (live,) = device.open()
    del held
    told = (Channel("A", type=channel), Channel("B", type=channel))
    header = Header("a", stream, "float32", 200.0, told)
    values = np.zeros((9, 2), np.float32)
    path = tmp_path / "a.xdf"
    path.write_bytes(
        file_header({})
        + stream_header(1, header)
        + samples(1, np.arange(9) / 200, values)
    )
    (recording,) = read(path)
    assert live.ch_types == recording.info.ch_types


def test_answers_stand_in_for_the_description(outlet: Outlet, lsl_name: str) -> None:
    held = outlet(labels=("", ""), units="", type="")
    device = LslDevice(
        lsl_name, units="none", ch_types=["EMG", "ecg"], ch_names=["L", "R"]
    )
    (info,) = device.open()
    device.close()
    assert info.ch_names == ("L", "R")
    assert info.ch_types == ("emg", "ecg")
    assert info.units == ("none", "none")
    (info,) = LslDevice(lsl_name, units=["uV", "V"]).open()
    assert info.ch_names == ("1", "2"), "channels without a label go by their number"
    assert info.ch_types == ("misc", "misc")
    assert info.units == ("uV", "V")
    del held


@pytest.mark.parametrize(
    ("told", "keys", "said"),
    [
        ({"units": ("uV", "")}, {}, r"does not say the unit of B: .*device\.units=uV"),
        ({}, {"units": ["uV"]}, r"device\.units says 1 of 2 channels"),
        ({}, {"ch_names": ["A"] * 3}, r"device\.ch_names says 3 of 2 channels"),
        ({}, {"ch_types": "leg"}, r"device\.ch_types: leg is none of .*emg"),
        ({"labels": ("A", "A")}, {}, r"several .* the same name \(A\): .*ch_names"),
        (
            {"labels": [f"E{k}" for k in range(1, 201)], "units": ""},
            {},
            r"the unit of E1, E2, .* E8, \.\.\. \(200 in all\): answer",
        ),
        ({"sfreq": 0.0}, {}, "has no fixed sampling rate"),
        ({"kind": "string"}, {}, r"sends texts, not samples: .*device\.markers="),
    ],
)
def test_what_a_person_has_to_answer(
    told: dict[str, Any],
    keys: dict[str, Any],
    said: str,
    outlet: Outlet,
    lsl_name: str,
) -> None:
    held = outlet(**told)
    device = LslDevice(lsl_name, **keys)
    with pytest.raises(ConfigError, match=said):
        device.open()
    device.close()
    del held


def test_who_sees_only_this_computer_is_told_so(
    lsl_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtpipe.lsl.scope", lambda: "machine")
    said = r"lsl_scope = machine leaves out .*: widen it, or check that .*firewall"
    with pytest.raises(DeviceNotFound, match=said):
        LslDevice(lsl_name).open()


def test_a_stream_must_be_named_and_be_there(
    outlet: Outlet, lsl_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtpipe.devices.lsl_search.WITHIN", 1.0)
    with pytest.raises(DeviceNotFound, match=r"no such LSL stream .*firewall"):
        LslDevice(source_id=f"none such as {lsl_name}").open()
    held = outlet('it\'s "one" ' + lsl_name, source_id="a " + lsl_name)
    with pytest.raises(ConfigError, match=r"say which stream(.|\n)*EMG, 2 channels"):
        LslDevice().open()
    with pytest.raises(DeviceNotFound, match=f"there are:(.|\n)*{lsl_name}"):
        LslDevice("none such").open()
    quoted = LslDevice('it\'s "one" ' + lsl_name)
    assert quoted.open()[0].name == 'it\'s "one" ' + lsl_name
    quoted.close()
    del held


def test_two_streams_of_one_name_are_told_apart(outlet: Outlet, lsl_name: str) -> None:
    first = outlet(source_id="a " + lsl_name)
    second = outlet(source_id="b " + lsl_name, sfreq=500.0)
    with pytest.raises(ConfigError) as several:
        LslDevice(lsl_name).open()
    said = str(several.value)
    assert "2 streams match" in said
    for each in "ab":
        assert f"--device 'lsl:source_id={each} {lsl_name}'" in said
    device = LslDevice(lsl_name, source_id="b " + lsl_name)
    assert device.open()[0].sfreq == 500.0
    device.close()
    del first, second


def test_streams_of_one_sender_are_told_apart_by_their_types(
    outlet: Outlet, lsl_name: str
) -> None:
    """As muse-lsl sends them: all of one name and one source_id."""
    held = [outlet(lsl_name, kind) for kind in ("EEG", "PPG", "ACC", "GYRO")]
    with pytest.raises(ConfigError, match="4 streams match; name one of them") as told:
        LslDevice(lsl_name).open()
    typed = [
        line.partition("  ")[0] for line in map(str.strip, str(told.value).splitlines())
    ][1:]
    offered = [
        each.argument for each in LslDevice.look(1.0) if lsl_name in each.argument
    ]
    assert typed == [f"--device {each}" for each in sorted(offered)]
    assert len(set(typed)) == 4
    for line in typed:
        _, device, set_, kind = shlex.split(line)
        assert (device, set_) == (f"lsl:{lsl_name}", "--set")
        only = LslDevice(lsl_name, type=kind.removeprefix("device.type="))
        assert only.open()
        only.close()
    del held


def test_streams_that_nothing_tells_apart_are_one_line(
    outlet: Outlet, lsl_name: str
) -> None:
    cues = "cues " + lsl_name
    held = outlet(), outlet(), outlet(cues, "A", kind="string")
    other = outlet(cues, "B", kind="string", source_id=lsl_name)
    with pytest.raises(ConfigError, match="2 streams match") as told:
        LslDevice(lsl_name).open()
    _, line = str(told.value).splitlines()
    assert "; 2 have this name, type and source_id: have their senders give" in line
    offers = [each for each in LslDevice.look(1.0) if lsl_name in each.argument]
    assert [each.state for each in offers] == ["ready", "ready", "missing"]
    assert offers[2].argument == f"lsl:{lsl_name}"
    assert offers[2].hint in line
    ids = (f"id of cues {lsl_name}", lsl_name)
    for each, wanted in zip(offers[:2], ids, strict=True):
        assert f"device.markers=source_id={wanted}" in each.argument
    del held, other


@pytest.mark.parametrize(
    "kind", ["int8", "int16", "int32", "int64", "float32", "double64"]
)
def test_every_number_format(kind: str, outlet: Outlet, device: LslDevice) -> None:
    held = outlet(kind=kind)
    device.open()
    held.push_chunk([[k, -k] for k in range(50)])
    data = np.concatenate([chunk.data for chunk in until(device, having(50))])
    np.testing.assert_array_equal(data, [[k, -k] for k in range(50)])
    assert data.dtype == np.float32


def test_a_double_too_large_is_infinite(outlet: Outlet, device: LslDevice) -> None:
    held = outlet(kind="double64")
    device.open()
    held.push_sample([1e300, 1 / 3])
    (chunk,) = until(device, having(1))
    np.testing.assert_array_equal(chunk.data, [[np.inf, np.float32(1 / 3)]])


def test_the_laws_of_a_device(outlet: Outlet, lsl_name: str) -> None:
    held = outlet()
    device = Pushing(lsl_name, held, lambda k: pylsl.local_clock())
    check_device(device, 1.0, failing=LslDevice(type=lsl_name))


class Pushing:
    """The device, and a sender that pushes a chunk at each read."""

    paced = True
    clock: Literal["run", "recording"] = "run"

    def __init__(self, name: str, held: Any, stamp: Callable[[int], float]) -> None:
        self.device = LslDevice(name)
        self.open, self.close = self.device.open, self.device.close
        self.held, self.stamp, self.n = held, stamp, 0

    def read(self, timeout: float) -> Any:
        self.n += 4
        self.held.push_chunk(counted(self.n - 4, self.n), self.stamp(self.n))
        time.sleep(0.02)  # its pace
        return self.device.read(timeout)


@pytest.mark.parametrize(
    "stamp",
    [
        lambda k: pylsl.local_clock() + 5.0,
        lambda k: pylsl.local_clock() + 0.02 * (k % 3),
        lambda k: time.time(),
        lambda k: k / 200,
    ],
    ids=["ahead", "jumping", "wall clock", "own clock"],
)
def test_times_are_sane_whatever_the_stamps(
    stamp: Callable[[int], float], outlet: Outlet, lsl_name: str
) -> None:
    held = outlet()
    device = Pushing(lsl_name, held, stamp)
    check_device(device, 0.5)
    device.open()
    try:
        before = now()
        chunks = until(device, having(40))
    finally:
        device.close()
    assert chunks[0].times[0] > before - 0.5, "and not those of another clock"


def test_stamps_are_kept_and_mapped(outlet: Outlet, device: LslDevice) -> None:
    held = outlet()
    device.open()
    start = pylsl.local_clock()
    stamps = start - 0.25 + np.arange(50) / 200
    held.push_chunk(counted(0, 50), stamps.tolist())
    chunks = until(device, having(50))
    told = np.concatenate([chunk.device_times for chunk in chunks if len(chunk)])
    np.testing.assert_array_equal(told, stamps)
    times = np.concatenate([chunk.times for chunk in chunks])
    # Sender and reader are one computer, whose LSL clock is the run's on Linux.
    np.testing.assert_allclose(times, stamps + now() - pylsl.local_clock(), atol=2e-3)


def test_a_loss_is_a_jump_of_the_index(outlet: Outlet, device: LslDevice) -> None:
    held = outlet()
    device.open()
    start = pylsl.local_clock() - 1.0
    stamps = start + np.arange(200) / 200
    kept = np.r_[0:50, 90:120, 130:200]  # 40 lost: 200 ms; 10 lost: 50 ms is jitter
    held.push_chunk(counted(0, 200)[kept], stamps[kept].tolist())
    chunks = until(device, having(len(kept)))
    index = np.concatenate([np.arange(c.index, c.stop) for c in chunks])
    data = np.concatenate([chunk.data[:, 0] for chunk in chunks])
    np.testing.assert_array_equal(data, kept)
    np.testing.assert_array_equal(index, np.r_[0:50, 90:190])


def test_nothing_sent_is_nothing_read(outlet: Outlet, device: LslDevice) -> None:
    held = outlet()
    device.open()
    assert list(device.read(0.0)) == []
    del held


def test_a_sender_that_goes_is_lost_and_the_same_comes_back(
    outlet: Outlet, device: LslDevice, lsl_name: str
) -> None:
    held = outlet(source_id="serial of " + lsl_name)
    infos = device.open()
    held.push_chunk(counted(0, 10))
    until(device, having(10))
    del held
    with pytest.raises(DeviceLost, match="has gone: start it again"):
        until(device, lambda chunks: False)
    device.close()
    other = outlet(source_id="another's " + lsl_name)
    with pytest.raises(DeviceNotFound, match="is not on the network"):
        device.open()
    again = outlet(source_id="serial of " + lsl_name)
    assert device.open() == infos
    again.push_chunk(counted(0, 10))
    until(device, having(10))
    del other


@pytest.mark.parametrize("source_id", ["Muse of a test", "-1638262485832819548"])
def test_of_a_sender_of_four_streams_the_same_one_comes_back(
    source_id: str, outlet: Outlet, lsl_name: str
) -> None:
    """As muse-lsl sends them: all of one name and one source_id."""
    if source_id.startswith("Muse"):
        source_id += lsl_name
    told = {
        "EEG": (("A", "B"), 256.0),
        "PPG": (("A", "B"), 64.0),
        "ACC": (("A", "B"), 1 / 0.03),
        "GYRO": (("A",), 1 / 0.03),
    }
    held = {
        kind: outlet(lsl_name, kind, labels=labels, sfreq=sfreq, source_id=source_id)
        for kind, (labels, sfreq) in told.items()
    }
    device = LslDevice(lsl_name, type="ACC")
    infos = device.open()
    device.close()
    del held["ACC"]
    with pytest.raises(
        DeviceNotFound, match=r"\(ACC, 2 channels, 33\.3333 Hz\) is not"
    ):
        device.open()
    labels, sfreq = told["ACC"]
    held["ACC"] = outlet(
        lsl_name, "ACC", labels=labels, sfreq=sfreq, source_id=source_id
    )
    assert device.open() == infos
    held["ACC"].push_chunk(counted(0, 10))
    until(device, having(10))
    device.close()


@pytest.mark.parametrize("source_id", ["", "-1638262485832819548"])
def test_a_sender_without_an_identity_comes_back(
    source_id: str, outlet: Outlet, device: LslDevice
) -> None:
    held = outlet(source_id=source_id)  # pylsl makes up another at each start
    infos = device.open()
    device.close()
    del held
    again = outlet(source_id=source_id and "987654321987654321")
    assert device.open() == infos
    del again


def test_markers_belong_to_the_sample_before_them(
    outlet: Outlet, lsl_name: str
) -> None:
    held = outlet()
    cues = outlet("cues of " + lsl_name, "Markers", labels=("",), kind="string")
    device = LslDevice(lsl_name, markers="cues of " + lsl_name)
    device.open()
    start = pylsl.local_clock() - 1.0
    stamps = start + np.arange(100) / 200
    held.push_chunk(counted(0, 100), stamps.tolist())
    until(device, having(100))
    wanted = {"late": 42, "early": 150, "at once": 199}
    for text, index in wanted.items():
        cues.push_sample([text], start + index / 200 + 0.0025)
    held.push_chunk(counted(100, 220), (start + np.arange(100, 220) / 200).tolist())
    found: list[Chunk] = []
    end = now() + 10
    while len(events(found, "marker")) < 3 and now() < end:
        found += device.read(0.05)
    device.close()
    told = {each.data["text"]: each for each in events(found, "marker")}
    assert {text: each.index for text, each in told.items()} == wanted
    for text, index in wanted.items():
        time_of = start + index / 200 + 0.0025 + now() - pylsl.local_clock()
        assert told[text].time == pytest.approx(time_of, abs=2e-3)
    assert all(each.stream == lsl_name for each in told.values())


def test_a_marker_does_not_wait_for_ever(outlet: Outlet, lsl_name: str) -> None:
    held = outlet()
    cues = outlet("cues of " + lsl_name, "Markers", labels=("",), kind="string")
    device = LslDevice(lsl_name, markers=f"source_id=id of cues of {lsl_name}")
    device.open()
    held.push_chunk(counted(0, 10))
    until(device, having(10))
    cues.push_sample(["the samples have stopped"])
    chunks = until(device, lambda chunks: bool(events(chunks, "marker")))
    device.close()
    (event,) = events(chunks, "marker")
    assert event.index == 9


def test_a_marker_stream_may_go_and_come(outlet: Outlet, lsl_name: str) -> None:
    held = outlet()
    called = "cues of " + lsl_name
    cues = outlet(called, "Markers", labels=("",), kind="string")
    device = LslDevice(lsl_name, markers=called)
    device.open()
    del cues
    chunks = until(device, lambda chunks: len(events(chunks, "markers")) == 1)
    assert "the samples go on" in events(chunks, "markers")[0].data["message"]
    held.push_chunk(counted(0, 10))
    assert not events(until(device, having(10)), "markers"), "told once"
    again = outlet(called, "Markers", labels=("",), kind="string")
    until(device, lambda chunks: bool(events(chunks, "markers")))  # it is back
    assert again.wait_for_consumers(10)
    again.push_sample(["back"])
    held.push_chunk(counted(10, 20))
    chunks = until(device, lambda chunks: bool(events(chunks, "marker")))
    assert events(chunks, "marker")[0].data == {"text": "back"}
    device.close()
    device.open()  # after a loss of the samples: markers are looked for meanwhile
    again.push_sample(["unheard"])
    held.push_chunk(counted(0, 10))
    until(device, having(10))
    device.close()


def test_markers_that_are_none(outlet: Outlet, lsl_name: str) -> None:
    held = outlet()
    device = LslDevice(lsl_name, markers=lsl_name)
    with pytest.raises(ConfigError, match=r"device\.markers: .* sends numbers"):
        device.open()
    device.close()
    device = LslDevice(lsl_name, markers=f"name=none {lsl_name}")
    with pytest.raises(DeviceNotFound, match="there is no such LSL stream"):
        device.open()
    device.close()
    del held


def test_streams_are_offered(outlet: Outlet, lsl_name: str) -> None:
    held = outlet(), outlet("cues " + lsl_name, "Markers", labels=("",), kind="string")
    odd = outlet("odd\x1b[2J " + lsl_name, labels=("A",), sfreq=0.0)
    offers = {each.argument: each for each in LslDevice.look(1.0)}
    one = offers[f"lsl:{lsl_name}"]
    assert (one.what, one.state) == ("EMG, 2 channels, 200 Hz", "ready")
    assert offers[f"lsl:odd?[2J {lsl_name}"].state == "missing"
    (cues,) = (each for each in offers.values() if "cues" in each.argument)
    assert "device.markers=cues" in cues.argument
    del held, odd


def test_who_is_announced_but_does_not_answer(
    device: LslDevice, lsl_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As behind a firewall: a stream that was announced, and nobody there.
    gone = pylsl.StreamOutlet(pylsl.StreamInfo(lsl_name, "EMG", 2, 200, "int8", "gone"))
    (known,) = pylsl.resolve_byprop("name", lsl_name, timeout=10.0)
    monkeypatch.setattr("rtpipe.devices.lsl.find", lambda wanted: known)
    del gone
    with pytest.raises(DeviceNotFound, match="announced on the network but does not"):
        device.open()


def test_nothing_is_offered_where_nothing_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pylsl, "resolve_streams", lambda seconds: [])
    (offer,) = LslDevice.look(0.1)
    assert (offer.argument, offer.state) == ("lsl:NAME", "unknown")
