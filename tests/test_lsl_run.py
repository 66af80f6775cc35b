"""A run on an LSL stream: found, lost, found again; and what it says to a person."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pylsl
import pytest

from rtpipe import build, cli, start
from rtpipe.config import Config, check, device_argument
from rtpipe.errors import ConfigError

Outlet = Callable[..., Any]
COMMAND = "import sys; from rtpipe.cli import main; main()"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[Any, str, str]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        cli.app(list(arguments))
    printed = capsys.readouterr()
    return end.value.code, printed.out, printed.err


def test_what_is_said_where_the_stream_is_not_there(
    capsys: pytest.CaptureFixture[str], lsl_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtpipe.devices.lsl_search.WITHIN", 0.5)
    options = ("--model", "demo:gesture", "--json")
    status, out, err = run(capsys, "live", "--device", f"lsl:{lsl_name}", *options)
    assert (status, out) == (3, "")
    assert err.startswith(f"rtpipe: lsl:{lsl_name}: there is no such LSL stream")


def test_an_identity_of_digits_is_a_text() -> None:
    keys = device_argument("lsl:source_id=0123")
    assert keys == {"kind": "lsl", "source_id": "0123"}
    assert device_argument("lsl:source_id=12")["source_id"] == "12"
    assert device_argument('lsl:source_id="1 2"')["source_id"] == "1 2"
    assert device_argument("lsl:1e5")["name"] == "1e5"
    assert device_argument("synthetic:seed=12")["seed"] == 12


def test_the_key_of_lsl_out() -> None:
    assert check({"lsl_out": "Hand"}, "file").lsl_out == "Hand"
    with pytest.raises(ConfigError, match="lsl_out: String should have at least 1"):
        check({"lsl_out": ""}, "file")


def test_a_device_as_it_is_typed() -> None:
    config = check({"device": [device_argument("lsl:Arm"), {"kind": "lsl"}]}, "test")
    assert [build.argument(each) for each in config.device] == ["lsl:Arm", "lsl"]


def test_what_is_looked_for_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    def waiting(what: str) -> Any:
        told.append(what)
        return nullcontext()

    monkeypatch.setattr(start, "waiting", waiting)
    raw: dict[str, Any] = {"device": [device_argument("synthetic:emg")]}
    run = raw | {"ui": "none", "duration": 0.1}
    start.start(check(run, "test"), optional=False)
    assert told == ["looking for synthetic:emg ..."]
    start.start(Config.model_validate(run | {"json": True}), optional=False)
    assert len(told) == 1, "nothing beside JSON lines"


@pytest.fixture
def live(tmp_path: Path, lsl_name: str) -> Iterator[Any]:
    """A run on the stream that tells its lines so far, by their type."""
    out = tmp_path / "lines.jsonl"
    options = ("--model", "demo:gesture", "--json", "--set", "reconnect=60")
    arguments = ("live", "--device", f"lsl:{lsl_name}", *options)
    with out.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, *arguments], stdout=file, cwd=tmp_path
        )

    def lines(kind: str) -> list[dict[str, Any]]:
        assert process.poll() is None, "it has ended"
        whole = out.read_text().rpartition("\n")[0].splitlines()
        told = [json.loads(line) for line in whole]
        return [each for each in told if kind in (each["type"], each.get("kind"))]

    yield lines
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130


@pytest.mark.slow
def test_a_sender_that_is_started_again_is_taken_up(
    live: Callable[[str], list[dict[str, Any]]], outlet: Outlet
) -> None:
    armband = tuple(f"EMG{k}" for k in range(1, 9))
    rng = np.random.default_rng(0)

    def stream_until(done: Callable[[], bool]) -> None:
        """Send an armband's signal in its time until something has been told."""
        held = outlet(labels=armband)
        assert held.wait_for_consumers(60)
        start, sent = pylsl.local_clock(), 0
        deadline = start + 60
        while not done() and pylsl.local_clock() < deadline:
            due = int((pylsl.local_clock() - start) * 200)
            if due > sent:
                chunk = rng.normal(0, 20, (due - sent, 8)).astype(np.float32)
                held.push_chunk(chunk, start + due / 200)
                sent = due
            time.sleep(0.02)
        assert done()

    stream_until(lambda: len(live("prediction")) > 20)
    before = live("prediction")[-1]
    deadline = time.monotonic() + 60
    while not (live("lost") and live("none")) and time.monotonic() < deadline:
        time.sleep(0.05)
    (lost,) = live("lost")
    assert "has gone" in json.dumps(lost)
    (none,) = live("none")  # the decision has ended with the data
    assert none["model"] == before["model"]
    stream_until(lambda: len(live("prediction")) > 60)
    (recovered,) = live("recovered")
    after = live("prediction")[-1]
    (gap,) = live("gap")
    assert gap["estimated"]
    silent = gap["lost"] / 200
    assert silent == pytest.approx(recovered["time"] - lost["time"], abs=1.0)
    passed = (after["index"] - before["index"]) / 200
    assert passed == pytest.approx(after["end"] - before["end"], abs=0.05)
