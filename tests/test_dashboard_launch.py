"""The dashboard's process: opened, closed, killed; and what that does to its run."""

import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from rtpipe.devices.synthetic import SyntheticDevice

from rtpipe import build, cli, runfolder
from rtpipe.config import ModelTable
from rtpipe.dashboard.launch import Dashboard, Watch, obstacle
from rtpipe.replaycheck.check import check
from rtpipe.runfolder import folder_of_runs
from rtpipe.runtime.runtime import Runtime
from rtpipe.sink import Sink
from rtpipe.sinks.collect import Collect
from rtpipe.xdf.read import read

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/maps").exists(), reason="what a process holds is not told here"
)
PATIENCE = 60.0  # seconds, only for a test that fails
RTPIPE = (sys.executable, "-m", "rtpipe")
# No models: what loads them takes longer than all that is looked at here.
RECORD = (*RTPIPE, "record", "--device", "synthetic:emg")


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No layout of a person's is read, or changed."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def looks(pid: int) -> bool:
    """Tell whether a process holds the ring of a run."""
    try:
        return ".ring" in Path(f"/proc/{pid}/maps").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def alive(pid: int) -> bool:
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def window_of(pid: int) -> int:
    """Return the process that another one started, once it looks at a run."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    until(lambda: any(looks(int(each)) for each in children.read_text().split()))
    return next(int(each) for each in children.read_text().split() if looks(int(each)))


@pytest.fixture
def run(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A run without a window, in a process of its own."""
    command = [*RECORD, str(tmp_path / "run.xdf"), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        run.stdout.readline()
        yield run
        run.kill()


def test_a_killed_window_changes_no_decision_and_loses_no_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("rtpipe.runtime.runtime.PATIENCE", PATIENCE)
    bundles = build.bundles((ModelTable(path="demo:gesture"),), "cpu")
    path, seen = tmp_path / "seen.xdf", Collect()
    with Dashboard(owner=True) as dashboard:
        assert dashboard.refusal() == ""
        device = SyntheticDevice("emg", seed=1_000_003)
        sinks: list[Sink] = [seen, Watch(dashboard)]
        with Runtime([device], bundles, sinks, record=path) as runtime:
            ring = runtime.run.streams["synthetic:emg"].raw
            until(lambda: looks(dashboard.pid))
            until(lambda: ring.stop > 300)
            os.kill(dashboard.pid, signal.SIGKILL)
            until(lambda: caplog.messages)
            stop = ring.stop
            until(lambda: ring.stop > stop + 300)
    said = "the dashboard ended; rtpipe view opens it again"
    assert [(e.levelno, e.message) for e in caplog.records] == [(logging.WARNING, said)]
    assert not alive(dashboard.pid)

    streams = {each.header.name: each for each in read(path).streams}
    kept = streams["synthetic:emg"]
    n = len(kept.values)
    assert n == runtime.run.streams["synthetic:emg"].counters.received > 600
    (model,) = runtime.run.models.values()
    late = model.windows["synthetic:emg"].unanswered  # at the end
    alone = Collect()
    duration = n / 200
    device = SyntheticDevice("emg", seed=1_000_003, paced=False, duration=duration)
    with Runtime([device], bundles, [alone]) as runtime:
        runtime.wait()
        sent = runtime.run.streams["synthetic:emg"].raw.view(0, n).copy()
    np.testing.assert_array_equal(kept.values, sent)
    found = {each.index: each for each in seen.predictions}
    expected = alone.predictions[: len(alone.predictions) - late]
    assert list(found) == [each.index for each in expected]
    for each in expected:
        assert found[each.index].label == each.label
        shares = found[each.index].probabilities  # of batches that may differ in size
        assert shares == pytest.approx(each.probabilities, abs=1e-6)
    assert check(path, [], "cpu").equal is True


def test_the_window_closes_with_its_run() -> None:
    with Dashboard(owner=True) as dashboard:
        assert dashboard.refusal() == ""
        sinks = [Watch(dashboard)]
        with Runtime([SyntheticDevice("emg")], sinks=sinks) as runtime:
            until(lambda: looks(dashboard.pid))
            folder = folder_of_runs() / runtime.run.name
        assert dashboard.status == 0
        assert not folder.exists()
    assert not Path(f"/proc/{dashboard.pid}").exists(), "nobody waits for its end"


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_window_ends_with_the_process_that_opened_it(
    stop: signal.Signals, tmp_path: Path
) -> None:
    path = tmp_path / "run.xdf"
    command = [*RECORD, str(path), "--ui", "qt"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        window = window_of(run.pid)
        until(lambda: path.stat().st_size > 20_000)
        run.send_signal(stop)
        assert run.stdout is not None
        told = run.stdout.read()
    until(lambda: not alive(window))
    if stop == signal.SIGKILL:
        assert run.returncode == -signal.SIGKILL
    else:
        assert run.returncode == 130
        assert "nothing was lost" in told
        assert read(path).whole
        assert not (folder_of_runs() / f"run-{run.pid}").exists()


def test_two_views_come_and_go_and_the_run_goes_on(run: subprocess.Popen[str]) -> None:
    name = f"run-{run.pid}"
    views = [
        subprocess.Popen([*RTPIPE, "view", name], stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    windows = [window_of(each.pid) for each in views]
    os.kill(windows[0], signal.SIGKILL)
    _, said = views[0].communicate(timeout=PATIENCE)
    sentence = "rtpipe: the dashboard ended; rtpipe view opens it again\n"
    assert (views[0].returncode, said) == (2, sentence)
    assert looks(windows[1]), "the other one stays"
    views[1].send_signal(signal.SIGINT)
    _, said = views[1].communicate(timeout=PATIENCE)
    assert (views[1].returncode, said) == (130, "")
    assert not alive(windows[1])
    with subprocess.Popen([*RTPIPE, "view", name]) as again:
        window = window_of(again.pid)
        again.kill()
    until(lambda: not alive(window))
    assert run.poll() is None
    rings = list((folder_of_runs() / name).glob("*.ring"))
    assert rings, "only the run removes them"


def test_a_view_stays_when_its_run_is_killed(run: subprocess.Popen[str]) -> None:
    with subprocess.Popen([*RTPIPE, "view", f"run-{run.pid}"]) as view:
        window = window_of(view.pid)
        run.kill()
        run.wait()
        # The next run removes the files; what the view has seen of them stays.
        with Runtime([SyntheticDevice("emg")]):
            assert not (folder_of_runs() / f"run-{run.pid}").exists()
        assert looks(window)
        assert view.poll() is None
        view.send_signal(signal.SIGINT)
    assert view.returncode == 130
    assert not alive(window)


def test_there_is_nothing_to_view(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        monkeypatch.setattr(runfolder, "shared_folder", lambda: Path(name))
        with pytest.raises(SystemExit) as end:
            cli.app(["view"])
    said = "rtpipe: no run goes on here: start one, say rtpipe live\n"
    assert (end.value.code, capsys.readouterr().err) == (2, said)


NOWHERE = {"QT_QPA_PLATFORM": "", "DISPLAY": "", "WAYLAND_DISPLAY": ""}


@pytest.mark.parametrize(
    ("asked", "given", "why"),
    [
        (False, {}, "there is no display here"),
        (True, {}, "there is no display here"),
        (False, {"DISPLAY": ":0"}, ""),
        (False, {"WAYLAND_DISPLAY": "wayland-0"}, ""),
        (False, {"DISPLAY": ":0", "SSH_CONNECTION": "a"}, ""),
        (True, {"DISPLAY": "localhost:10", "SSH_CONNECTION": "a"}, ""),
        (False, {"DISPLAY": "localhost:10", "SSH_CONNECTION": "a"}, "a remote shell"),
        (False, {"QT_QPA_PLATFORM": "offscreen"}, "QT_QPA_PLATFORM=offscreen shows"),
        (True, {"QT_QPA_PLATFORM": "offscreen"}, ""),
    ],
)
def test_where_a_window_can_be(
    asked: bool, given: dict[str, str], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    for key, value in (NOWHERE | given).items():
        monkeypatch.setenv(key, value)
    said = obstacle(asked)
    assert why in said
    assert bool(why) == bool(said)


def test_without_qt_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtpipe.dashboard.launch.find_spec", lambda name: None)
    assert obstacle(asked=True) == "PyQt6 is not installed (pip install PyQt6)"


@pytest.mark.parametrize("ui", ["auto", "qt"])
def test_without_a_display_the_terminal_shows_the_run(ui: str, tmp_path: Path) -> None:
    command = [*RECORD, str(tmp_path / "1.xdf"), "--duration", "0.2", "--ui", ui]
    environment = os.environ | NOWHERE
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    said = "rtpipe: no window: there is no display here; the terminal shows the run\n"
    assert (done.returncode, done.stderr) == (0, said)
    assert "a window shows this run" not in done.stdout


def test_a_run_that_does_not_begin_says_nothing_of_windows(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    command = [*RTPIPE, "replay", str(tmp_path / "empty.csv")]
    environment = os.environ | NOWHERE
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    said = f"rtpipe: {tmp_path / 'empty.csv'} is empty\n"
    assert (done.returncode, done.stderr) == (2, said)


def test_a_display_that_does_not_answer_is_one_sentence(tmp_path: Path) -> None:
    command = [*RECORD, str(tmp_path / "1.xdf"), "--duration", "0.2", "--ui", "qt"]
    environment = os.environ | NOWHERE | {"DISPLAY": ":4711"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stderr.startswith("rtpipe: no window: ")
    assert done.stderr.endswith("; the terminal shows the run\n")
    assert done.stderr.count("\n") == 1


def test_a_missing_library_is_one_sentence(
    tmp_path: Path, run: subprocess.Popen[str]
) -> None:
    (tmp_path / "PyQt6").mkdir()
    missing = "libEGL.so.1: cannot open shared object file"
    (tmp_path / "PyQt6" / "__init__.py").write_text(f"raise ImportError({missing!r})")
    command = [*RTPIPE, "view", f"run-{run.pid}"]
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    said = f"no window can be opened: Qt's libraries cannot be loaded ({missing})"
    assert (done.returncode, done.stderr) == (2, f"rtpipe: {said}\n")
    assert run.poll() is None
