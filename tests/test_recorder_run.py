"""A run that is recorded: what full, slow and vanished disks do to it, and people."""

import json
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import pyxdf

from rtpipe.errors import ConfigError, DeviceNotFound, RtpipeError
from rtpipe.filename import recording_file
from rtpipe.runfolder import SOCKET, folder_of_runs
from rtpipe.runtime.runtime import Runtime
from rtpipe.sink import Run
from rtpipe.sinks.collect import Collect
from rtpipe.sinks.recorderfile import RecorderFile
from rtpipe.types import Chunk, Event, StreamInfo
from rtpipe.xdf.read import read

SFREQ, N = 100.0, 10  # samples of a chunk
PATIENCE = 60.0  # seconds, only for a test that fails


class Tap:
    """A device that gives chunks when it is told to; they hold their own index."""

    def __init__(self, *, paced: bool = True, first: int = 0) -> None:
        self.paced = paced
        self.clock: Literal["run", "recording"] = "recording"
        self.at = first
        self._due = threading.Semaphore(0)
        self.over = False

    def open(self) -> Sequence[StreamInfo]:
        return [StreamInfo("arm", SFREQ, ("A", "B"), ("emg",) * 2, ("uV",) * 2)]

    def give(self, n: int) -> None:
        self._due.release(n)

    def read(self, timeout: float) -> Sequence[Chunk] | None:
        if not self._due.acquire(timeout=timeout):
            return None if self.over else []
        index = np.arange(self.at, self.at + N)
        self.at += N
        data = np.repeat(index[:, None], 2, axis=1).astype(np.float32)
        return [Chunk("arm", int(index[0]), index / SFREQ, data, time.monotonic())]

    def close(self) -> None:
        pass


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at the disk more often than once a second."""
    monkeypatch.setattr("rtpipe.sinks.recorder.SYNC", 0.02)
    monkeypatch.setattr("rtpipe.sinks.recorder.FLUSH", 0.01)


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    yield
    names = [t.name for t in threading.enumerate() if t.name.startswith("rtpipe")]
    assert not names


def until(true: Callable[[], Any], meanwhile: Callable[[], Any] = bool) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it did not happen"
        meanwhile()
        time.sleep(0.005)


def numbers(path: Path) -> list[int]:
    """Return what the samples of a recording hold: the index they should have."""
    streams, _ = pyxdf.load_xdf(path, dejitter_timestamps=False)
    (arm,) = [each for each in streams if each["info"]["name"] == ["arm"]]
    values = np.asarray(arm["time_series"]).reshape(-1, 2)
    assert (values[:, 0] == values[:, 1]).all()
    return [int(each) for each in values[:, 0]]


def told(sink: Collect, state: str) -> list[Event]:
    return [
        each
        for each in sink.events
        if each.kind == "recording" and each.data["state"] == state
    ]


def test_a_full_disk_ends_the_recording_and_not_the_run(tmp_path: Path) -> None:
    path, tap, sink = tmp_path / "a.xdf", Tap(), Collect()
    sink.period = 0.01
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Runtime([tap], sinks=[sink], shared=False, record=path) as runtime:
        counters = runtime.run.streams["arm"].counters
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
        try:
            until(lambda: told(sink, "stopped"), lambda: tap.give(3))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        before = counters.received
        tap.give(5)
        until(lambda: counters.received >= before + 5 * N)  # the run goes on
        tap.over = True
        runtime.wait()
    (stopped,) = told(sink, "stopped")
    assert stopped.data["error"] == "File too large"
    assert stopped.data["file"] == str(path)
    assert told(sink, "finished") == []
    kept = numbers(path)
    assert kept == list(range(len(kept)))
    assert 0 < len(kept) < counters.received
    assert runtime.run.unrecorded == {"arm": counters.received - len(kept)}
    status = runtime.run.recording
    assert status is not None
    assert (status.state, status.error) == ("stopped", "File too large")
    assert status.bytes == path.stat().st_size


def test_after_a_full_disk_a_new_recording_can_begin(tmp_path: Path) -> None:
    tap, sink = Tap(), Collect()
    sink.period = 0.01
    with Runtime([tap], sinks=[sink], shared=False) as runtime:
        runtime.record(str(tmp_path / "a"))
        (tmp_path / "a.xdf").unlink()
        until(lambda: told(sink, "stopped"), lambda: tap.give(1))
        until(lambda: runtime.run.unrecorded, lambda: tap.give(1))
        runtime.record(str(tmp_path / "b"))
        at = runtime.run.unrecorded["arm"]
        tap.give(5)
        tap.over = True
        runtime.wait()
    assert runtime.run.unrecorded["arm"] == at
    kept = numbers(tmp_path / "b.xdf")
    assert kept[-1] == tap.at - 1


@pytest.mark.parametrize("how", ["removed", "moved", "replaced"])
def test_a_file_that_is_taken_away_is_told_and_the_run_goes_on(
    tmp_path: Path, how: str
) -> None:
    path, tap, sink = tmp_path / "folder" / "a.xdf", Tap(), Collect()
    sink.period = 0.01
    with Runtime([tap], sinks=[sink], shared=False, record=path) as runtime:
        status = runtime.run.recording
        assert status is not None
        empty = status.bytes
        until(lambda: status.bytes > empty, lambda: tap.give(1))
        if how == "removed":
            path.unlink()
        else:
            path.parent.rename(tmp_path / "moved")
        if how == "replaced":
            path.parent.mkdir()
            path.touch()
        until(lambda: told(sink, "stopped"), lambda: tap.give(1))
        counters = runtime.run.streams["arm"].counters
        before = counters.received
        tap.give(5)
        until(lambda: counters.received >= before + 5 * N)
        tap.over = True
        runtime.wait()
    (stopped,) = told(sink, "stopped")
    why = "another file" if how == "replaced" else "removed or moved"
    assert why in stopped.data["error"]
    if how == "replaced":
        assert path.read_bytes() == b""
    if how != "removed":
        kept = numbers(tmp_path / "moved" / "a.xdf")
        assert kept == list(range(len(kept)))
        assert runtime.run.unrecorded == {"arm": counters.received - len(kept)}


def test_where_nobody_else_wants_the_run_it_ends(tmp_path: Path) -> None:
    path, tap = tmp_path / "a.xdf", Tap()
    runtime = Runtime([tap], shared=False, record=path)

    def taken_away() -> None:
        with runtime:
            path.unlink()
            runtime.wait(PATIENCE)

    with pytest.raises(RtpipeError, match=r"before its run: .*a\.xdf: .* removed"):
        taken_away()


def test_a_slow_disk_slows_nobody_and_what_it_costs_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, tap = tmp_path / "a.xdf", Tap()
    goes_on, waits = threading.Event(), threading.Event()

    def sync(_: object) -> None:
        waits.set()
        assert goes_on.wait(PATIENCE)

    monkeypatch.setattr("rtpipe.runtime.lane.BYTES", 20_000)
    with Runtime([tap], shared=False, record=path) as runtime:
        run = runtime.run
        counters = run.streams["arm"].counters
        monkeypatch.setattr("rtpipe.sinks.recorderfile.RecorderFile.sync", sync)
        until(waits.is_set, lambda: tap.give(1))
        before = counters.received
        tap.give(500)
        until(lambda: counters.received >= before + 500 * N)  # while the disk waits
        assert run.unrecorded["arm"] > 0
        goes_on.set()
        tap.over = True
        runtime.wait()
    kept = numbers(path)
    assert len(kept) + run.unrecorded["arm"] == counters.received
    assert kept == sorted(set(kept))
    assert kept[-1] == counters.received - 1  # the oldest made room


def test_where_the_source_waits_nothing_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtpipe.runtime.lane.BYTES", 5_000)
    path, tap = tmp_path / "a.xdf", Tap(paced=False)
    tap.give(1000)
    tap.over = True
    with Runtime([tap], shared=False, record=path) as runtime:
        runtime.wait()
    assert numbers(path) == list(range(1000 * N))
    assert not runtime.run.unrecorded
    assert runtime.run.dropped == {"recorder": 0}


def test_two_recordings_in_one_run(tmp_path: Path) -> None:
    tap, sink = Tap(first=70), Collect()
    with Runtime([tap], sinks=[sink], shared=False) as runtime:
        run = runtime.run
        received = run.streams["arm"].counters
        tap.give(10)
        until(lambda: received.received == 10 * N)
        runtime.record(str(tmp_path / "first-{run}"))
        with pytest.raises(ConfigError, match=r"already, in .*first-01\.xdf: stop"):
            runtime.record(str(tmp_path / "second"))
        tap.give(20)
        until(lambda: received.received == 30 * N)
        runtime.stop_recording()
        assert run.recording is not None
        assert run.recording.state == "finished"
        tap.give(10)
        until(lambda: received.received == 40 * N)
        with pytest.raises(ConfigError, match="is there already"):
            runtime.record(str(tmp_path / "first-01.xdf"))
        runtime.record(str(tmp_path / "second"))
        tap.give(5)
        tap.over = True
        runtime.wait()
    with pytest.raises(ConfigError, match="the run is over"):
        runtime.record(str(tmp_path / "third"))
    assert numbers(tmp_path / "first-01.xdf") == list(range(170, 370))
    assert numbers(tmp_path / "second.xdf") == list(range(470, 520))
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "first-01.xdf",
        "second.xdf",
    ]
    assert [each.data["state"] for each in sink.events if each.kind == "recording"] == [
        *("started", "finished", "started", "finished")
    ]
    assert not run.unrecorded
    assert run.dropped == {"collect": 0, "recorder": 0}


@pytest.mark.parametrize("later", [False, True])
def test_the_file_tells_whether_it_has_the_run_from_its_first_sample(
    tmp_path: Path, later: bool
) -> None:
    tap = Tap(first=70)
    path = tmp_path / "a.xdf"
    with Runtime([tap], shared=False, record=None if later else path) as runtime:
        counters = runtime.run.streams["arm"].counters
        if later:
            tap.give(3)
            until(lambda: counters.received == 3 * N)
            runtime.record(str(path))
        tap.give(3)
        tap.over = True
        runtime.wait()
    streams, _ = pyxdf.load_xdf(path, dejitter_timestamps=False)
    named = {each["info"]["name"][0]: each for each in streams}
    about = named["events"]["info"]["desc"][0]["rtpipe"][0]["run"][0]
    begins = '"whole": false, ' if later else '"whole": true, '
    assert begins in about
    assert ('"origins": {"arm": 70}' if later else '"origins": {}') in about


def test_a_run_that_ends_waits_for_a_recording_that_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, begins, goes_on = tmp_path / "a.xdf", threading.Event(), threading.Event()
    create = RecorderFile.create

    def slow(file: RecorderFile, beginning: bytes) -> None:
        begins.set()
        assert goes_on.wait(PATIENCE)
        create(file, beginning)

    monkeypatch.setattr(RecorderFile, "create", slow)
    with Runtime([Tap()], shared=False) as runtime:
        person = threading.Thread(target=runtime.record, args=[str(path)])
        person.start()
        assert begins.wait(PATIENCE)
        threading.Timer(0.2, goes_on.set).start()
    assert read(path).whole
    person.join()


def test_a_sink_cannot_begin_another_recording_before_the_first_one(
    tmp_path: Path,
) -> None:
    class Hasty(Collect):
        """A person who presses the key while the run starts."""

        def open(self, run: Run) -> None:
            with pytest.raises(ConfigError, match=r"already, in .*a\.xdf: stop"):
                run.record(str(tmp_path / "b.xdf"))

    tap = Tap()
    with Runtime([tap], (), [Hasty()], shared=False, record=tmp_path / "a.xdf") as run:
        tap.give(3)
        tap.over = True
        run.wait()
    assert [each.name for each in tmp_path.iterdir()] == ["a.xdf"]
    assert numbers(tmp_path / "a.xdf") == list(range(3 * N))


def test_a_run_that_cannot_start_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tap = Tap()

    def absent() -> Sequence[StreamInfo]:
        raise DeviceNotFound("there is none")

    monkeypatch.setattr(tap, "open", absent)
    runtime = Runtime([tap], shared=False, record=tmp_path / "new" / "a.xdf")
    with pytest.raises(DeviceNotFound), runtime:
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    path.write_bytes(b"mine")
    with (
        pytest.raises(ConfigError, match="is there already"),
        Runtime([Tap()], shared=False, record=path),
    ):
        pass
    assert path.read_bytes() == b"mine"


def test_two_runs_that_number_theirs_at_the_same_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has chosen its name before the other one has made its file."""
    monkeypatch.chdir(tmp_path)
    named = partial(recording_file, "m-{run}")
    taps = Tap(first=0), Tap(first=70)
    first, second = (Runtime([tap], shared=False, record=named) for tap in taps)
    create = RecorderFile.create

    def crossing(file: RecorderFile, beginning: bytes) -> None:
        monkeypatch.setattr(RecorderFile, "create", create)
        with second:
            taps[1].give(1)
            taps[1].over = True
            second.wait()
        create(file, beginning)

    monkeypatch.setattr(RecorderFile, "create", crossing)
    with first:
        taps[0].give(1)
        taps[0].over = True
        first.wait()
    assert [each.run.recordings[0].file for each in (first, second)] == [
        "m-02.xdf",
        "m-01.xdf",
    ]
    assert numbers(Path("m-01.xdf")) == list(range(70, 70 + N))
    assert numbers(Path("m-02.xdf")) == list(range(N))


def test_one_that_could_not_begin_is_told_until_one_has(tmp_path: Path) -> None:
    with Runtime([Tap()], shared=False) as runtime:
        run = runtime.run
        assert run.refused == ""
        with pytest.raises(ConfigError):
            runtime.record(str(tmp_path / "new" / "newer" / "a.xdf"))
        assert "there is no folder" in run.refused
        runtime.record(str(tmp_path / "a.xdf"))
        assert run.refused == ""
        with pytest.raises(ConfigError, match="already"):
            runtime.record(str(tmp_path / "b.xdf"))
        assert run.refused == "", "one goes on"
        runtime.stop_recording()
        with pytest.raises(ConfigError):
            runtime.record(str(tmp_path / "a.xdf"))
        assert "is there already" in run.refused
        assert [each.file for each in run.recordings] == [str(tmp_path / "a.xdf")]


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no local sockets here")
def test_another_process_can_begin_and_end_a_recording(tmp_path: Path) -> None:
    tap = Tap()
    path = tmp_path / "a.xdf"
    with Runtime([tap]) as runtime:
        run = runtime.run
        client = socket.socket(socket.AF_UNIX)
        client.connect(str(folder_of_runs() / run.name / SOCKET))
        lines = client.makefile("rw")
        lines.write('{"command": "record"}\n')
        lines.write(json.dumps({"command": "record", "file": str(path)}) + "\n")
        lines.flush()
        until(lambda: run.recording is not None)
        tap.give(7)
        until(lambda: run.streams["arm"].counters.received == 7 * N)
        lines.write(json.dumps({"command": "record", "file": str(tmp_path)}) + "\n")
        lines.write('{"command": "stop recording"}\n')
        lines.flush()
        until(lambda: run.recording is not None and run.recording.state == "finished")
    came = lines.read()
    lines.close()
    client.close()
    assert numbers(path) == list(range(7 * N))
    errors = [line for line in came.splitlines() if '"type": "error"' in line]
    assert "a recording needs a file" in errors[0]
    assert "is a folder: name a file in it" in errors[1]
