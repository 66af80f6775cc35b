"""A replay hands over the recording: all of it, once, in order and in its time."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from rtpipe.devices.replay import ReplayDevice

from rtpipe.checks import check_device
from rtpipe.errors import ConfigError, RecordingError
from rtpipe.recording import Answers, Recording, read
from rtpipe.types import Chunk, Event, StreamInfo


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Four seconds of a Muse, with markers, a gap, and a time that steps backward."""
    rng = np.random.default_rng(0)
    times = np.arange(1000) / 256
    times[600:] += 2.0
    times[400:404] -= 0.02
    marks = (rng.random(1000) < 0.02) * rng.integers(1, 3, 1000)
    rows = np.column_stack((times, rng.normal(0, 20, (1000, 5)), marks))
    header = "timestamps,TP9,AF7,AF8,TP10,Right AUX,Marker0"
    path = tmp_path / "muse.csv"
    np.savetxt(path, rows, "%.3f", ",", header=header, comments="")
    return path


def all_of(device: ReplayDevice) -> list[Chunk]:
    device.open()
    chunks: list[Chunk] = []
    while (found := device.read(0.01)) is not None:
        chunks += found
    return chunks


def assert_whole(chunks: Sequence[Chunk], recording: Recording) -> None:
    """Every sample came once, every event with the chunk that holds its sample."""

    def joined(what: str) -> Any:
        return np.concatenate([getattr(chunk, what) for chunk in chunks])

    index = np.concatenate([np.arange(chunk.index, chunk.stop) for chunk in chunks])
    np.testing.assert_array_equal(index, recording.index)
    np.testing.assert_array_equal(joined("data"), recording.data)
    np.testing.assert_array_equal(joined("times"), recording.times)
    assert recording.device_times is not None
    np.testing.assert_array_equal(joined("device_times"), recording.device_times)
    events = [event for chunk in chunks for event in chunk.events]
    assert events == list(recording.events)
    for chunk in chunks:
        for event in chunk.events:
            assert event.index is not None
            assert chunk.index <= event.index < chunk.stop


@pytest.mark.parametrize("chunk", [1, 61, 5000, None])
def test_all_of_a_recording_comes_once(chunk: int | None, file: Path) -> None:
    device = ReplayDevice(file, speed="max", chunk=chunk)
    assert not device.paced
    (recording,) = read(file)
    chunks = all_of(device)
    assert_whole(chunks, recording)
    assert max(map(len, chunks)) <= (chunk or 4096)
    assert recording.events


def test_the_contract(file: Path) -> None:
    missing = ReplayDevice(file.with_name("gone.csv"))
    check_device(ReplayDevice(file, speed="max", chunk=100), 2.0, failing=missing)
    check_device(ReplayDevice(file, speed=50.0), 0.1)


class Clock:
    """A clock that goes on only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("rtpipe.devices.replay.now", lambda: clock.now)
    monkeypatch.setattr("time.sleep", clock.sleep)
    return clock


@pytest.mark.parametrize("speed", [1.0, 8.0])
@pytest.mark.parametrize("chunk", [None, 7])
def test_a_paced_replay_keeps_the_pace(
    speed: float, chunk: int | None, file: Path, clock: Clock
) -> None:
    (recording,) = read(file)
    device = ReplayDevice(file, speed=speed, chunk=chunk)
    assert device.paced
    assert device.clock == "recording"
    device.open()
    clock.sleep(100)  # it plays from the first read on, not from open on
    start, chunks = clock.now, []
    while (found := device.read(0.1)) is not None:
        played = (clock.now - start) * speed
        for each in found:
            assert each.times[-1] <= played + 1e-9, "handed over before its time"
            assert each.arrived == clock.now
            assert chunk is None or len(each) <= chunk
        chunks += found
        n = sum(map(len, chunks))
        if n < len(recording.times):  # a tick behind at most
            assert recording.times[n] > played - 0.04 * speed - 1e-6
    assert_whole(chunks, recording)
    # As long as the recording lasts; the clock may go on by a tick too many.
    length = recording.times[-1] / speed
    assert length <= clock.now - start <= length + 0.06


def test_a_read_waits_no_longer_than_it_may(file: Path, clock: Clock) -> None:
    device = ReplayDevice(file)
    device.open()
    device.read(1.0)
    before = clock.now
    device.read(0.005)
    assert clock.now - before <= 0.005


def test_it_can_be_played_again(file: Path) -> None:
    device = ReplayDevice(file, speed="max")
    (recording,) = read(file)
    assert_whole(all_of(device), recording)
    assert device.read(0.1) is None
    device.close()
    device.close()
    assert device.read(0.1) is None
    assert_whole(all_of(device), recording)


@pytest.mark.parametrize("speed", ["max", 4.0])
def test_every_stream_of_a_file_is_played(
    speed: float | Literal["max"],
    muse: StreamInfo,
    armband: StreamInfo,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def made(info: StreamInfo, n: int) -> Recording:
        shape = (n, info.n_channels)
        data = np.random.default_rng(n).standard_normal(shape, np.float32)
        event = Event(info.name, 0.0, "marker", 0)
        return Recording(info, np.arange(n), np.arange(n) / info.sfreq, data, (event,))

    recordings = [made(muse, 700), made(armband, 300), made(replace(muse, name="b"), 1)]
    monkeypatch.setattr("rtpipe.devices.replay.read", lambda *_: recordings)
    device = ReplayDevice(Path("any"), speed=speed, chunk=50)
    chunks = all_of(device)
    for recording in recordings:
        mine = [chunk for chunk in chunks if chunk.stream == recording.info.name]
        data = np.concatenate([chunk.data for chunk in mine])
        np.testing.assert_array_equal(data, recording.data)
        assert all(chunk.device_times is None for chunk in mine)
        assert sum(len(chunk.events) for chunk in mine) == 1
    names = [chunk.stream for chunk in chunks]
    assert names.index("armband") < names.index("muse") + 20, "side by side"


def side_by_side(*streams: tuple[float, float, float]) -> list[Recording]:
    """Return recordings of a rate, a first time and a length in seconds each."""
    found = []
    for k, (sfreq, start, length) in enumerate(streams):
        index = np.arange(round(sfreq * length))
        info = StreamInfo(f"s{k}", sfreq, ("A",), ("misc",), ("none",))
        data = index[:, None].astype(np.float32)
        times = start + index / sfreq
        index[len(index) // 2 :] += 5  # the index jumps: a chunk ends there
        found.append(Recording(info, index, times, data))
    return found


@pytest.mark.parametrize("chunk", [None, 100])
def test_no_stream_runs_ahead_of_another(
    chunk: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By more than about the chunk of the fastest, though its chunks are as long."""
    recordings = side_by_side((2048, 0, 30), (4, 0, 30), (250, 7.5, 12))
    monkeypatch.setattr("rtpipe.devices.replay.read", lambda *_: recordings)
    device = ReplayDevice(Path("any"), speed="max", chunk=chunk)
    device.open()
    played = {each.info.name: -np.inf for each in recordings}
    ends = {each.info.name: each.times[-1] for each in recordings}
    received: dict[str, list[float]] = {name: [] for name in played}
    while (found := device.read(0.1)) is not None:
        assert found, "it goes on with every read"
        for each in found:
            received[each.stream] += each.data[:, 0].tolist()
            played[each.stream] = each.times[-1]
            assert len(each) <= (chunk or 4096)
        going = [time for name, time in played.items() if time < ends[name]]
        if len(going) > 1 and min(going) > -np.inf:
            assert max(going) - min(going) <= 1 / 4 + (chunk or 4096) / 2048
    for each in recordings:
        assert received[each.info.name] == each.data[:, 0].tolist()


def test_a_stream_that_begins_later_comes_later(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    recordings = side_by_side((100, 0, 4), (50, 2.5, 1))
    monkeypatch.setattr("rtpipe.devices.replay.read", lambda *_: recordings)
    device = ReplayDevice(Path("any"), speed=2.0)
    device.open()
    start = clock.now
    first: dict[str, float] = {}
    while (found := device.read(0.1)) is not None:
        for each in found:
            first.setdefault(each.stream, (clock.now - start) * 2)
            assert each.times[-1] <= (clock.now - start) * 2 + 1e-9
    assert 2.5 - 1e-9 <= first["s1"] <= 2.5 + 0.1
    assert first["s0"] <= 0.1


def test_a_person_tells_what_the_file_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def told(path: Path, answers: Answers) -> list[Recording]:
        asked.append((path, answers))
        return side_by_side((10, 0, 1))

    monkeypatch.setattr("rtpipe.devices.replay.read", told)
    ReplayDevice(Path("x"), board="CYTON_BOARD", units=["uV", "mV"]).open()
    assert asked == [
        (Path("x"), Answers(board="CYTON_BOARD", units=["uV", "mV"])),
    ]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"speed": 0}, "replay: speed must be positive or max, got 0"),
        ({"speed": -1.0}, "replay: speed must be positive or max, got -1.0"),
        ({"speed": float("inf")}, "replay: speed must be positive or max, got inf"),
        ({"speed": float("nan")}, "replay: speed must be positive or max, got nan"),
        ({"chunk": 0}, "replay: chunk must be positive, got 0"),
    ],
)
def test_a_replay_that_cannot_be(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        ReplayDevice(Path("any"), **settings)


def test_a_file_that_is_no_recording(tmp_path: Path) -> None:
    device = ReplayDevice(tmp_path / "gone.csv")
    with pytest.raises(RecordingError, match=r"there is no recording .*gone\.csv"):
        device.open()
    device.close()
