"""Looking at a run from outside: what is found, heard and asked, and how it ends."""

import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rtpipe.devices.synthetic import SyntheticDevice

from rtpipe import attach, runfolder
from rtpipe.attach import Attachment, chosen, runs
from rtpipe.errors import ConfigError, RtpipeError
from rtpipe.runfolder import FILE, SOCKET, folder_of_runs
from rtpipe.runtime.runtime import Runtime
from rtpipe.sinks.collect import Collect
from rtpipe.sinks.jsonl import as_json

PATIENCE = 60.0  # seconds, only for a test that fails
# Without models, which take long to load.
RECORD = (sys.executable, "-m", "rtpipe", "record", "--device", "synthetic:emg")


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A place of the test's own for runs; pytest's is too deep for a socket's path."""
    with tempfile.TemporaryDirectory() as name:
        monkeypatch.setattr(runfolder, "shared_folder", lambda: Path(name))
        yield folder_of_runs()


def live(**settings: Any) -> Runtime:
    return Runtime([SyntheticDevice("emg", seed=3)], **settings)


def until(attachment: Attachment, true: Callable[[], Any]) -> list[dict[str, Any]]:
    """Return all that came until it was so."""
    lines, end = [], time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it did not happen"
        lines += attachment.poll()
        time.sleep(0.005)
    return lines


def test_runs_are_found_while_they_live(home: Path) -> None:
    assert runs() == []
    with live() as first, live() as second:
        found = runs()
        assert [each.name for each in found] == [first.run.name, second.run.name]
        assert [each.streams for each in found] == [("synthetic:emg",)] * 2
        assert abs(found[0].started - time.time()) < PATIENCE
        assert found[0].folder == home / first.run.name
    assert runs() == []


def test_a_killed_run_is_not_among_them(tmp_path: Path) -> None:
    command = [*RECORD, "--json", str(tmp_path / "run.xdf")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        name = f"run-{process.pid}"
        assert name in [each.name for each in runs()]
        process.kill()
        process.wait()
    assert (folder_of_runs() / name / FILE).exists(), "nobody has removed it yet"
    assert name not in [each.name for each in runs()]


def test_a_run_is_chosen_by_its_name_or_because_it_is_the_only_one(home: Path) -> None:
    with pytest.raises(ConfigError, match=r"no run goes on here: .* rtpipe live"):
        chosen(None)
    with live() as first:
        assert chosen(None).name == first.run.name
        with pytest.raises(ConfigError, match=r"no run is named x; there are:\n  run-"):
            chosen("x")
        with live() as second:
            assert chosen(second.run.name).folder == home / second.run.name
            several = (
                r"several .*NAME\n  (run-\S+)  since [\d:]+  synthetic:emg\n  run-"
            )
            with pytest.raises(ConfigError, match=several):
                chosen(None)


def test_what_is_seen_and_heard_is_what_the_run_has(home: Path) -> None:
    sink = Collect()
    with live(sinks=[sink]) as runtime:
        attachment = Attachment(home / runtime.run.name)
        (rings,) = attachment.streams.values()
        ring, own = rings.raw, runtime.run.streams["synthetic:emg"]
        assert (rings.info, rings.clock) == (own.info, "run")
        attachment.send({"command": "marker", "text": "here"})
        seen: list[dict[str, Any]] = []
        while not [each for each in seen if each.get("kind") == "marker"]:
            seen += attachment.poll()
        until(attachment, lambda: ring.stop > 300)
        data, times = ring.view(0, 300).copy(), ring.times(0, 300).copy()
        ring.check(0)
    np.testing.assert_array_equal(data, own.raw.view(0, 300))
    np.testing.assert_array_equal(times, own.raw.times(0, 300))
    (marker,) = [as_json(each) for each in sink.events if each.kind == "marker"]
    assert marker in seen
    until(attachment, lambda: attachment.ended)
    assert attachment.ended == "over"
    assert attachment.summary is not None
    last = attachment.summary["streams"]["synthetic:emg"]
    assert last == own.counters.summary() | {"overwritten": 0}
    attachment.close()
    assert not home.exists() or not list(home.iterdir()), "nothing is left"
    np.testing.assert_array_equal(ring.view(0, 300), data, "its memory can be read")


def test_the_status_tells_how_the_run_stands(home: Path) -> None:
    with live() as runtime:
        attachment = Attachment(home / runtime.run.name)
        told: list[dict[str, Any]] = []
        while len(told) < 2:
            told += [each for each in attachment.poll() if each["type"] == "status"]
        first, second = (each["streams"]["synthetic:emg"] for each in told[:2])
        assert set(first["quality"]) == {"?"}
        assert first["link"]["state"] == "streaming"
        assert first["stop"] <= second["stop"] == second["counters"]["expected"]
        assert told[0]["time"] < told[1]["time"]
        assert (told[0]["recording"], told[0]["cue"]) == (None, None)
        attachment.close()


def test_a_command_that_cannot_be_is_answered(home: Path) -> None:
    with live() as runtime:
        attachment = Attachment(home / runtime.run.name)
        heard: list[str] = []
        attachment.send({"command": "dance"})
        while not heard:
            heard = [e["message"] for e in attachment.poll() if e["type"] == "error"]
        assert "unknown command 'dance'" in heard[0]
        attachment.send({"command": "quit"})
        runtime.wait(PATIENCE)
    until(attachment, lambda: attachment.ended)
    assert attachment.ended == "over"
    attachment.send({"command": "quit"})  # said to nobody
    assert attachment.poll() == []
    attachment.close()


@pytest.mark.parametrize("how", ["killed", "closed"])
def test_an_end_without_a_word(how: str, tmp_path: Path) -> None:
    command = [*RECORD, "--json", str(tmp_path / "run.xdf")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        attachment = Attachment(folder_of_runs() / f"run-{process.pid}")
        ring = attachment.streams["synthetic:emg"].raw
        until(attachment, lambda: ring.stop > 100)
        before = ring.view(0, 100).copy()
        if how == "closed":
            attachment.close()
            assert process.poll() is None, "its run goes on"
        process.kill()
        process.wait()
    until(attachment, lambda: attachment.ended)
    assert attachment.ended == "gone"
    assert attachment.summary is None
    np.testing.assert_array_equal(ring.view(0, 100), before)
    attachment.close()


def test_who_finds_no_place_is_told_so(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtpipe.sinks.socket._CLIENTS", 1)
    with live() as runtime:
        folder = home / runtime.run.name
        first = Attachment(folder)
        with pytest.raises(RtpipeError, match="others look at this run already"):
            Attachment(folder)
        first.close()


def test_where_no_run_answers(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RtpipeError, match=r"no run answers in .*: No such file"):
        Attachment(home / "run-1")
    with live() as runtime:
        folder = home / runtime.run.name
    folder.mkdir(parents=True)
    monkeypatch.setattr(attach, "PATIENCE", 0.01)
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(folder / SOCKET))
        mute.listen()
        with pytest.raises(RtpipeError, match="does not answer: is it stopped"):
            Attachment(folder)
        monkeypatch.setattr(attach, "PATIENCE", PATIENCE)
        old = {"type": "hello", "run": "run-1", "streams": [{"name": "arm"}]}
        mute.settimeout(PATIENCE)
        with subprocess.Popen(
            [sys.executable, "-c", _ATTACH, str(folder)],
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            mute.accept()[0].close()  # the one before
            talking, _ = mute.accept()
            talking.sendall(json.dumps(old).encode() + b"\n")
            assert process.stdout is not None
            assert "is of another version of rtpipe" in process.stdout.read()
            talking.close()


_ATTACH = """
import sys
from pathlib import Path
from rtpipe.attach import Attachment
from rtpipe.errors import RtpipeError
try:
    Attachment(Path(sys.argv[1]))
except RtpipeError as error:
    print(error)
"""


_STAY = "\nprint(0, flush=True); input()"


def test_a_reader_that_is_killed_harms_nothing(home: Path) -> None:
    with live() as runtime:
        folder = home / runtime.run.name
        with subprocess.Popen(
            [
                sys.executable,
                "-c",
                _ATTACH + _STAY,
                str(folder),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            process.send_signal(signal.SIGKILL)
        attachment = Attachment(folder)
        (rings,) = attachment.streams.values()
        stop = rings.raw.stop
        until(attachment, lambda: rings.raw.stop > stop)
        attachment.close()
