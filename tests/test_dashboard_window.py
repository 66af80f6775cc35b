"""The window: its panels, its layout, its colours, and what closing it does."""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import combinations
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, QSettings, Qt
from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import (
    QAbstractButton,
    QDockWidget,
    QLabel,
    QToolBar,
    QWidget,
)
from pytestqt.qtbot import QtBot
from rtpipe.devices.synthetic import SyntheticDevice

from rtpipe.dashboard import window as windows
from rtpipe.dashboard.app import Dashboard
from rtpipe.dashboard.model import RunModel
from rtpipe.dashboard.panel import Panel
from rtpipe.dashboard.theme import (
    DARK,
    LIGHT,
    choose,
    colour_of,
    font,
    state_colour,
    theme,
)
from rtpipe.dashboard.window import Place, Window
from rtpipe.runfolder import folder_of_runs
from rtpipe.runtime.runtime import Runtime
from rtpipe.sink import Run
from rtpipe.sinks.recorder import Recorder
from rtpipe.sinks.socket import hello_json
from rtpipe.types import Float64
from rtpipe.xdf.read import read

OPEN: list[Dashboard] = []
PATIENCE = 60_000  # milliseconds, only for a test that fails
LIVE = (sys.executable, "-m", "rtpipe", "live", "--device", "synthetic:emg", "--json")


class Seen(Panel):
    """A panel for each stream, which counts what is asked of it."""

    def __init__(self, about: str, send: Callable[[dict[str, Any]], None]) -> None:
        super().__init__(about, send)
        self.title = f"seen {about}"
        self.colours: list[str] = []
        self.times: list[float] = []
        self.addAction(QAction(f"look at {about}", self))

    @classmethod
    def subjects(cls, run: RunModel) -> Sequence[str]:
        return list(run.streams)

    def refresh(self, run: RunModel, now: float) -> None:
        self.times.append(now)

    def retheme(self) -> None:
        self.colours.append(theme().name)


class Broken(Seen):
    """One that fails."""

    @classmethod
    def subjects(cls, run: RunModel) -> Sequence[str]:
        return ["broken"]

    def refresh(self, run: RunModel, now: float) -> None:
        super().refresh(run, now)
        raise ValueError("nothing to see")


@pytest.fixture(autouse=True)
def panels(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Panels whose frames can be counted, in place of those that draw."""
    module = ModuleType("rtpipe.dashboard.seen")
    module.Seen, module.Broken = Seen, Broken  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    places = (Place("seen", "Seen", "left"), Place("seen", "Broken", "right", "more"))
    monkeypatch.setattr(windows, "PANELS", places)
    yield
    for dashboard in OPEN:
        dashboard.close()
    OPEN.clear()
    choose(None)


@pytest.fixture
def settings(tmp_path: Path) -> QSettings:
    return QSettings(str(tmp_path / "ini"), QSettings.Format.IniFormat)


@pytest.fixture
def run() -> Iterator[Runtime]:
    with Runtime([SyntheticDevice(seed=4)]) as runtime:
        yield runtime


def look(qtbot: QtBot, name: str, settings: QSettings, owner: bool = False) -> Window:
    """Open a window on a run, and return it once it shows it."""
    dashboard = Dashboard(owner, settings)
    dashboard.watch(folder_of_runs() / name)
    dashboard.show()
    OPEN.append(dashboard)
    window = dashboard.window
    qtbot.waitUntil(lambda: bool(counts(window)), timeout=PATIENCE)
    return window


def counts(window: Window) -> dict[str, int]:
    return {
        name: len(panel.times)
        for name, panel in window.panels.items()
        if isinstance(panel, Seen) and panel.times
    }


def drawn(qtbot: QtBot, window: Window, name: str, more: int = 3) -> None:
    """Wait until a panel has been refreshed so often again."""
    before = counts(window).get(name, 0)
    qtbot.waitUntil(
        lambda: counts(window).get(name, 0) >= before + more, timeout=PATIENCE
    )


def said(window: Window) -> list[str]:
    """Return the sentences above the panels."""
    bar = window.findChild(QToolBar, "said")
    label = bar.findChild(QLabel) if bar is not None and bar.isVisible() else None
    return [] if label is None else label.text().splitlines()


def dock(window: Window, title: str) -> QDockWidget:
    docks = window.findChildren(QDockWidget)
    return next(each for each in docks if each.windowTitle() == title)


def entries(window: Window) -> list[str]:
    return [each.text() for each in window.menu.actions()]


def test_every_panel_is_in_a_dock_and_in_the_menu(
    qtbot: QtBot, run: Runtime, settings: QSettings
) -> None:
    window = look(qtbot, run.run.name, settings)
    names = ["seen synthetic:emg", "seen synthetic:eeg", "seen broken"]
    assert list(window.panels) == names
    for name, panel in window.panels.items():
        assert dock(window, name).widget() is panel
        assert {name, f"look at {panel.about}"} <= set(entries(window))
    drawn(qtbot, window, "seen synthetic:emg")
    window.close()


def test_a_panel_that_fails_stops_alone_and_is_named(
    qtbot: QtBot, run: Runtime, settings: QSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    window = look(qtbot, run.run.name, settings)
    drawn(qtbot, window, "seen synthetic:eeg")
    assert counts(window)["seen broken"] == 1
    assert window.failed == {"seen broken": "nothing to see"}
    assert said(window) == ["✕ seen broken stopped: nothing to see"]
    assert "ValueError: nothing to see" in capsys.readouterr().err
    window.close()


def test_what_cannot_be_seen_is_not_drawn(
    qtbot: QtBot, run: Runtime, settings: QSettings
) -> None:
    emg, eeg = "seen synthetic:emg", "seen synthetic:eeg"
    window = look(qtbot, run.run.name, settings)
    drawn(qtbot, window, eeg)
    window.tabifyDockWidget(dock(window, emg), dock(window, eeg))
    dock(window, emg).raise_()
    drawn(qtbot, window, emg)
    before = counts(window)[eeg]
    drawn(qtbot, window, emg)
    assert counts(window)[eeg] == before, "it lies under the other"
    dock(window, eeg).raise_()
    drawn(qtbot, window, eeg)
    dock(window, eeg).close()
    drawn(qtbot, window, emg)
    before = counts(window)[eeg]
    window.pause()
    frozen = counts(window)
    with qtbot.waitSignal(window.menu.aboutToHide, timeout=500, raising=False):
        pass  # some frames pass
    assert counts(window) == frozen
    window.pause()
    drawn(qtbot, window, emg)
    assert counts(window)[eeg] == before, "it is closed"
    window.close()


def test_the_layout_is_remembered_and_can_be_reset(
    qtbot: QtBot, run: Runtime, settings: QSettings
) -> None:
    name = "seen synthetic:emg"
    window = look(qtbot, run.run.name, settings)
    window.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, dock(window, name))
    dock(window, "seen synthetic:eeg").close()
    window.close()
    again = look(qtbot, run.run.name, settings)
    place = again.dockWidgetArea
    assert place(dock(again, name)) == Qt.DockWidgetArea.BottomDockWidgetArea
    assert dock(again, "seen synthetic:eeg").isHidden()
    again.reset_layout()
    assert place(dock(again, name)) == Qt.DockWidgetArea.LeftDockWidgetArea
    assert not dock(again, "seen synthetic:eeg").isHidden()
    again.close()


def test_a_window_of_a_larger_screen_is_on_this_one(
    qtbot: QtBot, run: Runtime, settings: QSettings
) -> None:
    for x, y in ((500, 400), (-300, -200)):
        window = look(qtbot, run.run.name, settings)
        screen = window.screen()
        assert screen is not None
        room = screen.availableGeometry()
        large = room.size() * 1.5
        window.setGeometry(x, y, large.width(), large.height())
        assert not room.contains(window.frameGeometry())
        window.close()
        again = look(qtbot, run.run.name, settings)
        drawn(qtbot, again, "seen synthetic:emg")
        assert room.contains(again.frameGeometry())
        again.close()


def test_light_and_dark_are_switched_and_remembered(
    qtbot: QtBot, run: Runtime, settings: QSettings
) -> None:
    window = look(qtbot, run.run.name, settings)
    panel = window.panels["seen synthetic:emg"]
    assert isinstance(panel, Seen)
    first = theme().name
    window.switch_theme()
    assert theme().name != first
    qtbot.waitUntil(lambda: panel.colours[-1] == theme().name, timeout=PATIENCE)
    chosen = theme().name
    window.close()
    choose(None)
    again = look(qtbot, run.run.name, settings)
    assert theme().name == chosen
    again.close()


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


def test_a_run_that_was_killed_is_said_to_be_gone(
    qtbot: QtBot, settings: QSettings
) -> None:
    with subprocess.Popen(LIVE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        window = look(qtbot, f"run-{process.pid}", settings)
        process.send_signal(signal.SIGKILL)
    expected = "the run has vanished: this is its last picture"
    qtbot.waitUntil(lambda: expected in said(window), timeout=PATIENCE)
    drawn(qtbot, window, "seen synthetic:emg")
    window.close()


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


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_letters_and_states_stand_out_from_the_ground(colours: Any) -> None:
    """Contrast by WCAG 2.1: 4.5 for letters, 3 for shapes."""
    for letters in (colours.text, colours.quiet):
        assert contrast(letters, colours.ground) >= 4.5
        assert contrast(letters, colours.raised) >= 4.5
    for letters in (colours.good, colours.warn, colours.bad):
        assert contrast(letters, colours.ground) >= 4.5
    shapes = (colours.accent, colours.signal)
    for shape in shapes:
        assert contrast(shape, colours.ground) >= 3


# Machado, Oliveira and Fernandes (2009), "A physiologically-based model for simulation
# of color vision deficiency": all of a cone is missing.
VISIONS = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}
LEAST = 13.0  # of CIE 1976: 2.3 is what an eye just sees, side by side


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_labels_are_told_apart_by_colour_blind_people(
    colours: Any, vision: str
) -> None:
    seen = [lab(VISIONS[vision] @ linear(each)) for each in colours.labels]
    for (i, one), (j, other) in combinations(enumerate(seen), 2):
        assert np.linalg.norm(one - other) >= LEAST, (i, j)


def lab(light: Float64) -> Float64:
    """Return the place of linear sRGB in CIE 1976 L*a*b*, white D65."""
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    x, y, z = to_xyz @ np.clip(light, 0, 1) / (0.9505, 1.0, 1.089)
    x, y, z = (np.cbrt(v) if v > 0.008856 else 7.787 * v + 16 / 116 for v in (x, y, z))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, as WCAG 2.1 defines it."""
    both = sorted((luminance(one), luminance(other)))
    return (both[1] + 0.05) / (both[0] + 0.05)


def luminance(colour: str) -> float:
    return float(linear(colour) @ (0.2126, 0.7152, 0.0722))


def linear(colour: str) -> Float64:
    """Return a colour as linear sRGB, shape (3,)."""
    parts = np.array([int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)])
    return np.where(parts < 0.04, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def test_a_label_has_one_colour_and_a_state_a_meaning(qtbot: QtBot) -> None:
    choose(LIGHT)
    labels = ("rest", "fist", "open")
    found = [colour_of(each, labels).name() for each in labels]
    assert found == list(LIGHT.labels[:3])
    assert colour_of("another", labels).name() == LIGHT.quiet
    assert state_colour("good").name() == state_colour("streaming").name()
    assert state_colour("lost").name() == LIGHT.bad
    assert state_colour("?").name() == LIGHT.quiet
    assert font(2.0).pointSizeF() == 2 * font().pointSizeF()


class Keeps(Seen):
    """A panel whose width is remembered; it has the name of another one."""

    def __init__(self, about: str, send: Callable[[dict[str, Any]], None]) -> None:
        super().__init__(about, send)
        self.title = "seen synthetic:emg"
        self.restored: list[dict[str, Any]] = []
        self.now = 1

    @classmethod
    def subjects(cls, run: RunModel) -> Sequence[str]:
        return ["a/b, c"]

    def keep(self) -> dict[str, Any]:
        return {"now": self.now, "of": ["ä", None]}

    def restore(self, kept: dict[str, Any]) -> None:
        assert not self.times, "before the first frame"
        self.restored.append(kept)
        self.now = kept["now"]


KEY = "panels/Keeps a/b, c"
OTHER = "seen synthetic:emg (2)"


@pytest.fixture
def keeping(monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules["rtpipe.dashboard.seen"]
    monkeypatch.setattr(module, "Keeps", Keeps, raising=False)
    more = (*windows.PANELS, Place("seen", "Keeps", "right"))
    monkeypatch.setattr(windows, "PANELS", more)


def kept_by(window: Window) -> Keeps:
    panel = window.panels[OTHER]
    assert isinstance(panel, Keeps)
    return panel


@pytest.mark.usefixtures("keeping")
def test_two_panels_of_one_name_are_two(
    qtbot: QtBot, run: Runtime, settings: QSettings
) -> None:
    window = look(qtbot, run.run.name, settings)
    drawn(qtbot, window, "seen synthetic:emg")
    drawn(qtbot, window, OTHER)
    assert dock(window, OTHER).widget() is window.panels[OTHER]
    assert {OTHER, "seen synthetic:emg"} <= set(entries(window))
    dock(window, OTHER).close()
    drawn(qtbot, window, "seen synthetic:emg")
    window.close()


@pytest.mark.usefixtures("keeping")
def test_what_a_panel_keeps_is_there_the_next_time_until_it_is_reset(
    qtbot: QtBot, run: Runtime, settings: QSettings
) -> None:
    window = look(qtbot, run.run.name, settings)
    assert kept_by(window).restored == []
    kept_by(window).now = 7
    window.close()
    again = look(qtbot, run.run.name, settings)
    assert kept_by(again).restored == [{"now": 7, "of": ["ä", None]}]
    again.reset_layout()
    again.close()
    new = look(qtbot, run.run.name, settings)
    assert kept_by(new).restored == []
    new.close()


@pytest.mark.usefixtures("keeping")
@pytest.mark.parametrize(
    "odd",
    ["", "{", "[1]", '"now"', pytest.param("[" * 100_000, id="deep"), 5, b"x", ["a"]],
)
def test_a_setting_that_is_broken_does_no_harm(
    qtbot: QtBot, run: Runtime, settings: QSettings, odd: object
) -> None:
    look(qtbot, run.run.name, settings).close()  # it leaves all that can be broken
    keys = settings.allKeys()
    assert any(key.startswith("layouts/") for key in keys)
    assert KEY in keys
    for key in (*keys, "theme"):
        settings.setValue(key, odd)
    window = look(qtbot, run.run.name, settings)
    assert kept_by(window).restored == []
    drawn(qtbot, window, OTHER)
    window.close()
    again = look(qtbot, run.run.name, settings)
    assert kept_by(again).restored == [{"now": 1, "of": ["ä", None]}]
    again.close()


@pytest.mark.usefixtures("keeping")
def test_a_panel_that_cannot_be_restored_is_shown_all_the_same(
    qtbot: QtBot, run: Runtime, settings: QSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.setValue(KEY, "{}")
    window = look(qtbot, run.run.name, settings)
    assert "KeyError" in capsys.readouterr().err
    drawn(qtbot, window, OTHER)
    window.close()


def test_a_long_sentence_has_lines_and_no_wider_window(
    qtbot: QtBot, run: Runtime, settings: QSettings
) -> None:
    window = look(qtbot, run.run.name, settings)
    window.resize(700, 500)
    narrow = window.minimumSizeHint().width()
    window.say("What has to be said. " * 12 + "\nnow")
    qtbot.waitUntil(lambda: said(window)[0].endswith(" now"), timeout=PATIENCE)
    bar = window.findChild(QToolBar, "said")
    assert bar is not None
    (label,) = bar.findChildren(QLabel)
    line = label.fontMetrics().height()
    qtbot.waitUntil(lambda: label.height() > 3 * line, timeout=PATIENCE)
    assert label.height() >= label.heightForWidth(label.width())
    assert bar.geometry().right() <= window.width()
    assert label.isVisible(), "it is not behind the bar's arrow"
    assert window.minimumSizeHint().width() == narrow
    window.say("")
    stopped = ["✕ seen broken stopped: nothing to see"]
    qtbot.waitUntil(lambda: said(window) == stopped, timeout=PATIENCE)
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
    qtbot: QtBot, settings: QSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtpipe.dashboard.model.SILENT", 0.7)
    with subprocess.Popen(LIVE, stdout=subprocess.DEVNULL) as process:
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


@pytest.mark.usefixtures("keeping")
def test_a_layout_is_of_the_panels_there_were(
    qtbot: QtBot,
    run: Runtime,
    settings: QSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another kind of run, with other panels, neither takes it nor spoils it."""
    name = "seen synthetic:emg"
    window = look(qtbot, run.run.name, settings)
    window.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, dock(window, name))
    window.close()
    with monkeypatch.context() as fewer:
        fewer.setattr(windows, "PANELS", windows.PANELS[:1])
        other = look(qtbot, run.run.name, settings)
        left = Qt.DockWidgetArea.LeftDockWidgetArea
        assert other.dockWidgetArea(dock(other, name)) == left
        other.close()
    again = look(qtbot, run.run.name, settings)
    bottom = Qt.DockWidgetArea.BottomDockWidgetArea
    assert again.dockWidgetArea(dock(again, name)) == bottom
    again.close()


def click(qtbot: QtBot, widget: QWidget, place: QPoint) -> None:
    left = Qt.MouseButton.LeftButton
    qtbot.mouseClick(widget, left, pos=place)  # type: ignore[no-untyped-call]


def choose_entry(qtbot: QtBot, window: Window, text: str) -> None:
    """Open the menu with the mouse, and click on an entry."""
    bar = window.menuBar()
    assert bar is not None
    whole = window.menu.menuAction()
    click(qtbot, bar, bar.actionGeometry(whole).center())
    qtbot.waitUntil(window.menu.isVisible, timeout=PATIENCE)
    entry = next(each for each in window.menu.actions() if each.text() == text)
    click(qtbot, window.menu, window.menu.actionGeometry(entry).center())
    qtbot.waitUntil(lambda: not window.menu.isVisible(), timeout=PATIENCE)


def test_the_mouse_in_the_menu_and_on_a_panels_title(
    qtbot: QtBot, run: Runtime, settings: QSettings
) -> None:
    name = "seen synthetic:emg"
    window = look(qtbot, run.run.name, settings)
    panel = dock(window, name)
    for shown in (False, True):
        choose_entry(qtbot, window, name)
        assert panel.isHidden() == (not shown)
    buttons = panel.findChildren(QAbstractButton)
    float_, close = sorted(buttons, key=lambda each: each.x())
    click(qtbot, float_, float_.rect().center())
    qtbot.waitUntil(panel.isFloating, timeout=PATIENCE)
    drawn(qtbot, window, name)
    click(qtbot, close, close.rect().center())
    assert panel.isHidden()
    choose_entry(qtbot, window, "Reset the layout")
    assert not panel.isHidden()
    assert not panel.isFloating()
    choose_entry(qtbot, window, "Light or dark")
    choose_entry(qtbot, window, "Close")
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=PATIENCE)


def test_the_buttons_of_a_title_are_seen_in_light_and_dark(
    qtbot: QtBot, run: Runtime, settings: QSettings
) -> None:
    window = look(qtbot, run.run.name, settings)
    panel = dock(window, "seen synthetic:emg")

    def drawn_in(colours: Any) -> bool:
        buttons = panel.findChildren(QAbstractButton)
        images = [each.icon().pixmap(32).toImage() for each in buttons]
        middle = [image.pixelColor(16, 16).name() for image in images]
        return len(images) == 2 and colours.text in middle  # the cross is drawn there

    for colours in (DARK, LIGHT, DARK):
        choose(colours)
        qtbot.waitUntil(partial(drawn_in, colours), timeout=PATIENCE)
    for floating in (True, False):
        panel.setFloating(floating)
        assert drawn_in(DARK)
    window.close()
