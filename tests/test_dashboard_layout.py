"""What a window remembers for the next one: its layout, colours, and panels' own."""

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from PyQt6.QtCore import QSettings, Qt
from pytestqt.qtbot import QtBot
from rtpipe.devices.synthetic import SyntheticDevice

from rtpipe.dashboard import window as windows
from rtpipe.dashboard.model import RunModel
from rtpipe.dashboard.theme import choose, theme
from rtpipe.dashboard.window import Place, Window
from rtpipe.runtime.runtime import Runtime

from .countedpanels import PATIENCE, Seen, counted, dock, drawn, entries, look

KEY = "panels/Keeps a/b, c"
OTHER = "seen synthetic:emg (2)"


@pytest.fixture(autouse=True)
def panels(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with counted(monkeypatch):
        yield


@pytest.fixture
def run() -> Iterator[Runtime]:
    with Runtime([SyntheticDevice(seed=4)]) as runtime:
        yield runtime


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
