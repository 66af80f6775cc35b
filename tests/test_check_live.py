"""Recorded live, replayed at any speed, checked: the same decisions, whatever came."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtpipe import cli
from rtpipe.replaycheck.stored import stored

Outlet = Callable[..., Any]
Capture = pytest.CaptureFixture[str]
COMMAND = (sys.executable, "-m", "rtpipe")
MODELS = ("--model", "demo:gesture", "--model", "demo:emotion")
CUT = "The recording was cut off or is damaged, and is compared as far as it goes"
ARMBAND = tuple(f"EMG{k}" for k in range(1, 9))


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No window is skipped because the machine was busy with something else."""
    monkeypatch.setattr("rtpipe.runtime.runtime.PATIENCE", 60.0)


def run(capsys: Capture, *arguments: object) -> tuple[Any, str, str]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        cli.app([str(each) for each in arguments])
    printed = capsys.readouterr()
    return end.value.code, printed.out, printed.err


def checked(capsys: Capture, path: Path) -> dict[str, Any]:
    """Return what a check of a recording tells; all must be equal."""
    status, out, err = run(capsys, "replay", path, "--check", "--json")
    assert status == 0, out + err
    told: dict[str, Any] = json.loads(out)
    for each in told["answers"]:
        assert each["compared"] == each["equal_bits"] > 0
        assert each["different"] == each["labels_differ"] == 0
    return told


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds of a live run."""
    path = tmp_path_factory.mktemp("live") / "run.xdf"
    device = ("--device", "synthetic", "--set", "device.seed=1000001")
    options = ("--ui", "none", "--duration", "4", "--record", str(path))
    subprocess.run([*COMMAND, "live", *device, *MODELS, *options], check=True)
    return path


def test_a_live_run(recording: Path, capsys: Capture) -> None:
    told = checked(capsys, recording)
    assert {each["model"] for each in told["answers"]} == {
        "demo-gesture",
        "demo-emotion",
    }
    assert told["cut"] is False
    assert CUT not in run(capsys, "replay", recording, "--check")[1]


@pytest.mark.parametrize("speed", ["1", "8", "max"])
def test_a_replay_at_any_speed_gives_what_was_stored(
    recording: Path, speed: str, capsys: Capture
) -> None:
    arguments = ("replay", recording, *MODELS, "--speed", speed, "--json")
    status, out, err = run(capsys, *arguments)
    assert status == 0, err
    lines = [json.loads(line) for line in out.splitlines()]
    found = {
        (each["model"], each["index"]): each
        for each in lines
        if each["type"] == "prediction"
    }
    n = 0
    for each in stored(recording).answers:
        assert not each.skipped, "the machine was too busy to record all answers"
        for row, index in enumerate(each.index.tolist()):
            now = found[each.model, index]
            was = each.probabilities[row].tolist()
            assert list(now["probabilities"].values()) == pytest.approx(was, abs=1e-5)
            assert (now["label"], now.get("reason")) == each.decisions[index]
            assert now["missing"] == each.missing[row]
            n += 1
    assert n > 50


def test_a_replay_that_was_recorded(
    recording: Path, tmp_path: Path, capsys: Capture
) -> None:
    path = tmp_path / "again.xdf"
    options = ("--speed", "max", "--ui", "none", "--record", path)
    assert run(capsys, "replay", recording, *MODELS, *options)[0] == 0
    checked(capsys, path)


def test_a_run_that_was_killed(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "run.xdf"
    options = ("--ui", "none", "--record", str(path))
    process = subprocess.Popen(
        [*COMMAND, "live", "--device", "synthetic:emg", *MODELS[:2], *options]
    )
    deadline = time.monotonic() + 60
    while not path.exists() or path.stat().st_size < 30_000:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    told = checked(capsys, path)
    assert told["cut"] is True
    assert CUT in run(capsys, "replay", path, "--check")[1].splitlines()[-2]
    (each,) = told["answers"]
    assert each["compared"] + each["beyond"] >= each["stored"] > 20


@pytest.mark.slow
def test_a_recording_of_lsl_over_a_disconnect(
    tmp_path: Path, outlet: Outlet, lsl_name: str, capsys: Capture
) -> None:
    pylsl = pytest.importorskip("pylsl")
    path = tmp_path / "run.xdf"
    options = ("--ui", "none", "--record", str(path), "--set", "reconnect=60")
    process = subprocess.Popen(
        [*COMMAND, "live", "--device", f"lsl:{lsl_name}", *MODELS[:2], *options]
    )
    rng = np.random.default_rng(0)

    def stream(size: int) -> None:
        """Send an armband's signal with losses until the recording has grown so far."""
        held = outlet(labels=ARMBAND)
        assert held.wait_for_consumers(60)
        start, sent = pylsl.local_clock(), 0
        while not path.exists() or path.stat().st_size < size:
            assert pylsl.local_clock() < start + 60
            due = int((pylsl.local_clock() - start) * 200)
            if due > sent:
                chunk = rng.normal(0, 20, (due - sent, 8)).astype(np.float32)
                chunk[rng.random(len(chunk)) < 0.01] = np.nan
                if not 300 < due % 400 < 340:  # 0.2 s are lost now and then
                    held.push_chunk(chunk, start + due / 200)
                sent = due
            time.sleep(0.02)

    stream(35_000)
    time.sleep(2.5)  # the sender has gone
    stream(75_000)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    told = checked(capsys, path)
    (each,) = told["answers"]
    assert told["cut"] is False
    assert each["compared"] == each["stored"] > 80
