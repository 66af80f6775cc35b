"""The window: its panels, what stands above them, its menu and their titles."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from PyQt6.QtCore import QPoint, QSettings, Qt
from PyQt6.QtWidgets import QAbstractButton, QLabel, QToolBar, QWidget
from pytestqt.qtbot import QtBot
from rtpipe.devices.synthetic import SyntheticDevice

from rtpipe.dashboard.theme import DARK, LIGHT, choose
from rtpipe.dashboard.window import Window
from rtpipe.runtime.runtime import Runtime

from .countedpanels import PATIENCE, counted, counts, dock, drawn, entries, look, said


@pytest.fixture(autouse=True)
def panels(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with counted(monkeypatch):
        yield


@pytest.fixture
def run() -> Iterator[Runtime]:
    with Runtime([SyntheticDevice(seed=4)]) as runtime:
        yield runtime


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
