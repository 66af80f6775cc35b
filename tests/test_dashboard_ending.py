"""A window and its run: one has not begun, falls silent, ends."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PyQt6.QtCore import QSettings
from PyQt6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot
from rtpipe.devices.synthetic import SyntheticDevice

from rtpipe.dashboard.app import Dashboard
from rtpipe.dashboard.window import Window
from rtpipe.runfolder import folder_of_runs
from rtpipe.runtime.runtime import Runtime
from rtpipe.sink import Run
from rtpipe.sinks.recorder import Recorder
from rtpipe.sinks.socket import hello_json
from rtpipe.xdf.read import read

from .countedpanels import OPEN, PATIENCE, counted, drawn, look, said

# Without models, which take long to load.
RECORD = (sys.executable, "-m", "rtpipe", "record", "--device", "synthetic:emg")


@pytest.fixture(autouse=True)
def panels(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with counted(monkeypatch):
        yield


@pytest.fixture
def run() -> Iterator[Runtime]:
    with Runtime([SyntheticDevice(seed=4)]) as runtime:
        yield runtime


def test_it_waits_for_a_run_that_has_not_begun(
    qtbot: QtBot, settings: QSettings
) -> None:
    dashboard = Dashboard(False, settings)
    OPEN.append(dashboard)
    dashboard.watch(folder_of_runs() / "run-0")
    dashboard.show()
    window = dashboard.window
    message = window.centralWidget()
    assert isinstance(message, QLabel)
    assert message.text() == "waiting for the run ..."
    qtbot.waitUntil(lambda: "no run answers in" in message.text(), timeout=PATIENCE)
    window.close()


def test_a_run_of_another_version_is_said(
    qtbot: QtBot, run: Runtime, settings: QSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def old(run: Run) -> dict[str, Any]:
        told = hello_json(run)
        del told["unfit"]
        return told

    monkeypatch.setattr("rtpipe.sinks.socket.hello_json", old)
    dashboard = Dashboard(False, settings)
    OPEN.append(dashboard)
    dashboard.watch(folder_of_runs() / run.run.name)
    dashboard.show()
    message = dashboard.window.centralWidget()
    assert isinstance(message, QLabel)
    qtbot.waitUntil(lambda: "of another version" in message.text(), timeout=PATIENCE)
    dashboard.window.close()


def test_a_run_that_was_stopped_is_said_to_be_silent(
    qtbot: QtBot,
    settings: QSettings,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr("rtpipe.dashboard.model.SILENT", 0.7)
    command = [*RECORD, "--json", str(tmp_path / "run.xdf")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        window = look(qtbot, f"run-{process.pid}", settings)

        def silent() -> bool:
            return any("has not answered for" in each for each in said(window))

        def states() -> list[str]:
            assert window.run is not None
            return [each.state for each in window.run.streams.values()]

        try:
            qtbot.waitUntil(lambda: states() == ["streaming"], timeout=PATIENCE)
            process.send_signal(signal.SIGSTOP)
            qtbot.waitUntil(silent, timeout=PATIENCE)
            assert states() == ["silent"], "what was true then is not said now"
            process.send_signal(signal.SIGCONT)
            qtbot.waitUntil(lambda: not silent(), timeout=PATIENCE)
            qtbot.waitUntil(lambda: states() == ["streaming"], timeout=PATIENCE)
        finally:
            process.kill()
    window.close()


def test_a_run_that_was_killed_is_said_to_be_gone(
    qtbot: QtBot, settings: QSettings, tmp_path: Path
) -> None:
    command = [*RECORD, "--json", str(tmp_path / "run.xdf")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        window = look(qtbot, f"run-{process.pid}", settings)
        process.send_signal(signal.SIGKILL)
    expected = "the run has vanished: this is its last picture"
    qtbot.waitUntil(lambda: expected in said(window), timeout=PATIENCE)
    drawn(qtbot, window, "seen synthetic:emg")
    window.close()


def test_the_last_picture_stays_in_a_view(
    qtbot: QtBot, settings: QSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Runtime([SyntheticDevice("emg", seed=4)]) as runtime:
        window = look(qtbot, runtime.run.name, settings)
    last = "the run is over: this is its last picture"
    qtbot.waitUntil(lambda: last in said(window), timeout=PATIENCE)
    assert window.isVisible()
    assert window.run is not None
    assert window.run.streams["synthetic:emg"].raw.stop > 0
    qtbot.wait(2500)
    texts = [each.text() for each in window.findChildren(QLabel)]
    (rate,) = (each for each in texts if each.endswith("frames/s"))
    assert int(rate.split()[0]) <= 35, "frames long past are not counted"
    shown: list[float] = []
    monkeypatch.setattr(window, "refresh", shown.append)
    qtbot.waitUntil(lambda: len(shown) > 2, timeout=PATIENCE)
    assert len(set(shown)) == 1, "its present stands still"
    window.close()


def test_closing_a_view_does_not_touch_the_run(
    qtbot: QtBot, run: Runtime, settings: QSettings
) -> None:
    window = look(qtbot, run.run.name, settings)
    other = look(qtbot, run.run.name, settings)
    window.close()
    assert not window.isVisible()
    drawn(qtbot, other, "seen synthetic:emg")
    other.close()
    stream = run.run.streams["synthetic:emg"]
    stop = stream.raw.stop
    qtbot.waitUntil(lambda: stream.raw.stop > stop, timeout=PATIENCE)


def test_closing_an_owners_window_ends_the_run_and_the_recording(
    qtbot: QtBot, settings: QSettings, tmp_path: Path
) -> None:
    path = tmp_path / "run.xdf"
    with Runtime([SyntheticDevice("emg", seed=4)], record=path) as runtime:
        window = look(qtbot, runtime.run.name, settings, owner=True)
        window.close()
        assert window.isVisible(), "it waits for the run"
        assert said(window)[0] == "ending the run, and finishing its recording ..."
        runtime.wait(PATIENCE / 1000)
        received = runtime.run.streams["synthetic:emg"].counters.received
        assert received < 200 * PATIENCE / 1000 / 2, "the run was ended"
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=PATIENCE)
    assert read(path).whole


def test_a_run_that_does_not_end_keeps_its_window_for_seconds_only(
    qtbot: QtBot, run: Runtime, settings: QSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtpipe.dashboard.app.FAREWELL", 0.2)
    window = look(qtbot, run.run.name, settings, owner=True)
    window.close()  # the run is told, but nobody leaves it
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=PATIENCE)


def test_an_owners_window_waits_for_a_recording_that_takes_long(
    qtbot: QtBot,
    settings: QSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    slow, close = threading.Event(), Recorder.close

    def late(recorder: Recorder) -> None:
        assert slow.wait(PATIENCE / 1000)
        close(recorder)

    monkeypatch.setattr(Recorder, "close", late)
    monkeypatch.setattr("rtpipe.dashboard.app.FAREWELL", 4.0)
    path = tmp_path / "run.xdf"
    opened, ended = threading.Event(), threading.Event()
    names: list[str] = []

    def live() -> None:
        with Runtime([SyntheticDevice("emg", seed=4)], record=path) as runtime:
            names.append(runtime.run.name)
            opened.set()
            runtime.wait(PATIENCE / 1000)
        ended.set()

    thread = threading.Thread(target=live)
    thread.start()
    assert opened.wait(PATIENCE / 1000)
    request.addfinalizer(slow.set)
    first = look(qtbot, names[0], settings, owner=True)
    second = look(qtbot, names[0], settings, owner=True)
    for window in (first, second):
        qtbot.waitUntil(partial(recorded, window), timeout=PATIENCE)
        window.close()
    with qtbot.waitSignal(first.menu.aboutToHide, timeout=5000, raising=False):
        pass  # longer than a run without a recording may take
    assert first.isVisible()
    assert second.isVisible()
    second.close()
    assert not second.isVisible(), "who closes it again does not want to wait"
    assert not ended.is_set()
    slow.set()
    qtbot.waitUntil(lambda: not first.isVisible(), timeout=PATIENCE)
    thread.join()
    assert read(path).whole


def recorded(window: Window) -> bool:
    """Tell whether a window has been told that its run is recorded."""
    run = window.run
    return run is not None and run.recording is not None
