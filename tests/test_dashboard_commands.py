"""What hands do in the dashboard's window, on a run that goes on: keys and buttons."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PyQt6.QtCore import QSettings, Qt
from PyQt6.QtGui import QAction, QColor, QImage, QKeySequence
from PyQt6.QtWidgets import (
    QApplication,
    QDockWidget,
    QLabel,
    QMenu,
    QToolBar,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot
from rtpipe.devices.synthetic import SyntheticDevice

from rtpipe import build
from rtpipe.config import ModelTable
from rtpipe.cues import ON
from rtpipe.dashboard.app import Dashboard
from rtpipe.dashboard.cuepanel import CuePanel
from rtpipe.dashboard.panel import Panel
from rtpipe.dashboard.theme import choose, theme
from rtpipe.dashboard.window import Window
from rtpipe.recording import read
from rtpipe.runfolder import folder_of_runs
from rtpipe.runtime.runtime import Runtime
from rtpipe.sink import Item, Sink
from rtpipe.sinks.collect import Collect
from rtpipe.sinks.cues import Cues

PATIENCE = 60_000  # milliseconds, only for a test that fails
DOCS = Path(__file__).parents[1] / "docs/dashboard.md"
LETTERS = "mphtr"  # each of them a key of the menu, or near one
CLOSE = "Ctrl+Q"


class Asking(Cues):
    """Cues that begin when a window is there to see them."""

    begun = False

    def take(self, items: Sequence[Item]) -> None:
        if self.begun:
            super().take(items)


class Desk:
    """A run of both synthetic sensors, and a window on it."""

    def __init__(self, qtbot: QtBot, folder: Path, sinks: Sequence[Sink]) -> None:
        self.qtbot, self.heard = qtbot, Collect()
        devices = [SyntheticDevice("emg", seed=3), SyntheticDevice("eeg", seed=4)]
        self.runtime = Runtime(devices, (), [self.heard, *sinks])
        self.settings = QSettings(str(folder / "ini"), QSettings.Format.IniFormat)

    def open(self) -> None:
        self.dashboard = Dashboard(settings=self.settings)
        self.dashboard.watch(folder_of_runs() / self.runtime.run.name)
        self.dashboard.show()
        self.window.activateWindow()
        self.until(lambda: self.window.run is not None)
        self.until(lambda: self.streams_came() and self.window.isActiveWindow())

    @property
    def window(self) -> Window:
        return self.dashboard.window

    @property
    def said(self) -> str:
        """What the bar says; or what is wrong, which stands above the panels."""
        return self.window.commands.wrong or self.window.commands.message.text()

    def streams_came(self) -> bool:
        return all(each.raw.stop for each in self.runtime.run.streams.values())

    def more_came(self) -> Callable[[], bool]:
        """Return what tells whether every stream has got new samples since."""
        streams = self.runtime.run.streams
        stop = {name: each.raw.stop for name, each in streams.items()}
        return lambda: all(each.raw.stop > stop[n] for n, each in streams.items())

    def until(self, true: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(true, timeout=PATIENCE)

    def press(self, keys: str) -> None:
        """Press what has a name such as Ctrl+R, where the keys go at present."""
        combined = QKeySequence(keys)[0]
        where = QApplication.focusWidget() or self.window
        held = combined.keyboardModifiers()
        self.qtbot.keyClick(where, combined.key(), held)  # type: ignore[no-untyped-call]

    def entry(self, text: str) -> QAction:
        return next(each for each in entries(self.window.menu) if each.text() == text)

    def click(self, text: str) -> None:
        button = self.window.commands.widgetForAction(self.entry(text))
        assert isinstance(button, QToolButton)
        self.point(button)

    def point(self, widget: QWidget) -> None:
        left = Qt.MouseButton.LeftButton
        self.qtbot.mouseClick(widget, left)  # type: ignore[no-untyped-call]

    def markers(self) -> list[tuple[str, str]]:
        """Streams and texts of the run's markers."""
        return [
            (each.stream, each.data["text"])
            for each in list(self.heard.events)
            if each.kind == "marker"
        ]

    def recording(self) -> str:
        status = self.runtime.run.recording
        return status.state if status else "none"


def entries(menu: QMenu) -> Iterator[QAction]:
    for action in menu.actions():
        below = action.menu()
        if below is not None:
            yield from entries(below)
        elif not action.isSeparator():
            yield action


@pytest.fixture
def desk(
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Iterator[Desk]:
    monkeypatch.chdir(tmp_path)
    cues = [Asking(("fist", "wrist flexion"), 1, 1.0, 7)]
    made = Desk(qtbot, tmp_path, cues if hasattr(request, "param") else [])
    with made.runtime:
        made.open()
        cues[0].begun = True
        yield made
        made.dashboard.close()
    choose(None)


def test_a_marker_by_key_button_and_text_comes_on_every_stream(desk: Desk) -> None:
    expected: Counter[str] = Counter()

    def marked(text: str) -> None:
        expected[text] += 1
        desk.until(lambda: desk.said == f"marked: {text}")
        both = [(n, each) for n in desk.runtime.run.streams for each in expected]
        counts = {each: expected[each[1]] for each in both}
        desk.until(lambda: Counter(desk.markers()) == counts)

    desk.press("M")
    marked("marker")
    desk.press("T")
    for letter in LETTERS:
        desk.press(letter)
    assert desk.window.commands.text.text() == LETTERS, "they are no commands there"
    assert not desk.window.paused
    desk.press("Return")
    marked(LETTERS)
    desk.press("M")
    marked(LETTERS)
    desk.window.commands.text.setText("  sat down ")
    desk.click("Mark")
    marked("sat down")


@pytest.mark.parametrize("how", ["key", "button"])
def test_a_recording_begins_and_ends(desk: Desk, tmp_path: Path, how: str) -> None:
    def act() -> None:
        if how == "key":
            desk.press("R")
        else:
            desk.click("Record")

    def button() -> str:
        return desk.entry("Record").iconText()

    start = button()
    told = desk.window.commands.recorded
    for n in (1, 2):
        act()
        desk.until(lambda: desk.recording() == "recording")
        desk.until(lambda: button() != start and told.text().startswith("●"))
        desk.until(desk.more_came())
        act()
        desk.until(lambda: desk.recording() == "finished")
        desk.until(lambda: button() == start and told.text().startswith("✓"))
        file = tmp_path / f"rtpipe-{date.today().isoformat()}-{n:02d}.xdf"
        assert told.text() == f"✓ {file.name}"
        names = [each.info.name for each in read(file)]
        assert sorted(names) == sorted(desk.runtime.run.streams)


def test_what_the_run_cannot_do_is_said_and_the_run_goes_on(
    desk: Desk, tmp_path: Path
) -> None:
    desk.window.commands.file.setText("day.txt")
    desk.press("R")
    desk.until(lambda: "day.txt would not be XDF" in desk.said)
    taken = tmp_path / "taken.xdf"
    taken.write_text("mine")
    desk.window.commands.file.setText(str(taken))
    desk.press("R")
    desk.until(lambda: "is not written over" in desk.said)
    assert taken.read_text() == "mine"
    assert desk.recording() == "none"
    desk.press("M")
    desk.until(lambda: desk.said == "marked: marker")


def on_top(panel: Panel) -> None:
    """Show a panel, also one that lies behind others."""
    dock = panel.parentWidget()
    assert isinstance(dock, QDockWidget)
    dock.raise_()


def banner(desk: Desk) -> str:
    """Return what is said above the panels."""
    bar = desk.window.findChild(QToolBar, "said")
    assert bar is not None
    return "\n".join(each.text() for each in bar.findChildren(QLabel))


def pale(panel: Panel) -> bool:
    """Tell whether all of a panel stands back: nothing is as dark as letters are."""
    image = panel.grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)
    bits = image.constBits()
    assert bits is not None
    rows = np.frombuffer(bits.asstring(image.sizeInBytes()), np.uint8)
    grey = rows.reshape(image.height(), image.bytesPerLine())[:, : image.width()]
    return bool(grey.min() > QColor(theme().text).lightness() + 60)


def words(panel: Panel) -> list[str]:
    return [each.text() for each in panel.findChildren(QLabel)]


CUES = pytest.mark.parametrize("desk", ["cues"], indirect=True)


@CUES
def test_a_paused_view_stands_still_but_for_the_cue_and_the_run_goes_on(
    desk: Desk,
) -> None:
    timing, cue, signals = (desk.window.panels[t] for t in ("Timing", "Cue", "Signals"))
    assert isinstance(cue, CuePanel)
    on_top(timing)
    desk.press("P")
    assert desk.entry("Pause the view").isChecked()
    still, (word, _) = words(timing), cue.told
    more = desk.more_came()
    desk.until(lambda: cue.told[0] != word and more())
    assert words(timing) == still
    desk.until(lambda: "PAUSED for 0:0" in banner(desk))
    desk.window.resize(desk.window.size() * 0.9)
    desk.until(lambda: pale(signals))
    assert not pale(cue)
    desk.click("Pause the view")
    assert not desk.entry("Pause the view").isChecked()
    desk.until(lambda: words(timing) != still)
    assert not pale(signals)
    desk.until(lambda: "PAUSED" not in banner(desk))


@CUES
def test_the_cues_shown_are_those_marked(desk: Desk) -> None:
    cue, run = desk.window.panels["Cue"], desk.window.run
    assert isinstance(cue, CuePanel)
    assert run is not None
    shown: list[tuple[str, str]] = []

    def over() -> bool:
        shown.append(cue.told)
        return cue.told[0] == "done"

    desk.until(over)
    first = next(iter(run.streams))
    asked = [t.removeprefix(ON) for n, t in desk.markers() if n == first and ON in t]
    *labels, _ = [word for word, _ in groupby(word for word, said in shown if said)]
    assert labels == asked
    assert any(said.startswith("now, 1 s") for _, said in shown)


@CUES
def test_nothing_is_asked_for_when_nobody_hears_it(desk: Desk) -> None:
    cue = desk.window.panels["Cue"]
    assert isinstance(cue, CuePanel)
    desk.until(lambda: cue.told[0] in ("fist", "wrist flexion"))
    desk.runtime.run.stop()
    desk.runtime.__exit__(None, None, None)
    desk.until(lambda: cue.told == ("wait", "the run is over"))


@CUES
def test_a_cue_has_a_third_of_the_window(desk: Desk) -> None:
    desk.window.resize(1280, 800)
    desk.window.reset_layout()
    cue = desk.window.panels["Cue"]
    desk.until(lambda: 3 * cue.height() >= 0.95 * desk.window.height())


def test_without_cues_there_is_no_panel_of_them(desk: Desk) -> None:
    assert "Cue" not in desk.window.panels


def test_a_run_without_models_says_why_where_answers_would_be(
    qtbot: QtBot, tmp_path: Path
) -> None:
    settings = QSettings(str(tmp_path / "ini"), QSettings.Format.IniFormat)
    bundles = build.bundles((ModelTable(path="demo:seizure"),), "cpu")
    device = SyntheticDevice("emg", seed=3)
    with Runtime([device], bundles, [Collect()], optional=True) as runtime:
        dashboard = Dashboard(settings=settings)
        dashboard.watch(folder_of_runs() / runtime.run.name)
        dashboard.show()
        panels = dashboard.window.panels

        def told() -> str:
            return "\n".join(words(panels["Answers"])) if panels else ""

        qtbot.waitUntil(lambda: "demo-seizure: it fits no" in told(), timeout=PATIENCE)
        assert "--model FILE" in told()
        assert panels["Answers"].isVisible()
        dashboard.close()


def test_a_run_that_was_given_no_models_has_no_panel_of_them(desk: Desk) -> None:
    assert "Answers" not in desk.window.panels


def test_a_picture_is_saved_and_writes_over_none(desk: Desk, tmp_path: Path) -> None:
    known: dict[Path, bytes] = {}
    for n in range(4):
        if n:
            desk.press("Ctrl+S")
        else:
            desk.click("Save a picture")
        files = set(tmp_path.glob(f"rtpipe-{date.today():%Y}*.png"))
        assert len(files) == n + 1
        assert all(file.read_bytes() == before for file, before in known.items())
        (new,) = files - known.keys()
        known[new] = new.read_bytes()
        assert desk.said == f"saved {new.name}"
        assert str(new) in desk.window.commands.message.toolTip()
        assert QImage(str(new)).size() == desk.window.size()


def test_a_picture_that_cannot_be_saved_is_said(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    desk.press("Ctrl+S")
    assert "could not be saved" in desk.said
    desk.until(lambda: desk.said in banner(desk))
    monkeypatch.chdir(tmp_path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk that is full")
def test_a_picture_that_is_cut_off_leaves_no_file(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, mode: str) -> Any:
        path.touch()
        return open("/dev/full", "wb")

    with monkeypatch.context() as short:
        short.setattr(Path, "open", full)
        desk.press("Ctrl+S")
    assert "No space left" in desk.said
    assert list(tmp_path.glob("*.png")) == []


def test_full_screen_and_back(desk: Desk) -> None:
    desk.press("F11")
    desk.until(lambda: desk.window.isFullScreen())
    desk.press("F11")
    desk.until(lambda: not desk.window.isFullScreen())


def test_light_and_dark_and_back(desk: Desk) -> None:
    before = theme().name
    ground = desk.window.grab().toImage().pixelColor(3, desk.window.height() // 2)
    desk.press("Ctrl+D")
    assert theme().name != before
    after = desk.window.grab().toImage().pixelColor(3, desk.window.height() // 2)
    assert (after.lightness() > ground.lightness()) == (theme().name == "light")
    desk.press("Ctrl+D")
    assert theme().name == before


def test_the_list_of_keys_is_the_menu_and_goes_away_again(desk: Desk) -> None:
    sheet = desk.window.commands.keys
    with_keys = [each for each in entries(desk.window.menu) if each.shortcuts()]
    assert [text for _, text in sheet.lines] == [each.text() for each in with_keys]
    for show, hide in (("F1", "F1"), ("H", "H"), ("F1", "Escape")):
        desk.press(show)
        assert sheet.isVisible()
        desk.press(hide)
        assert not sheet.isVisible()
    desk.click("All keys")
    assert sheet.isVisible()
    assert desk.window.rect().contains(sheet.geometry())
    desk.point(sheet)
    assert not sheet.isVisible()


def test_the_list_of_keys_fits_a_small_window(desk: Desk) -> None:
    sheet = desk.window.commands.keys
    desk.press("F1")
    large = sheet.size()
    desk.press("F1")
    for dock in desk.window.findChildren(QDockWidget):
        dock.hide()  # panels want more room than this
    desk.window.resize(large.width() - 60, large.height() - 30)
    desk.press("F1")
    assert sheet.isVisible()
    assert desk.window.rect().contains(sheet.geometry())
    assert len(sheet.lines) > 10


def test_a_key_that_is_held_acts_once(desk: Desk) -> None:
    once = ("Mark", "Record", "Pause the view", "Save a picture", "Full screen")
    for text in (*once, "Light or dark", "All keys", "Close"):
        assert not desk.entry(text).autoRepeat(), text


def test_what_is_pasted_into_a_marker_is_one_line(desk: Desk) -> None:
    desk.window.commands.text.setText(" sat\n down 🪑\t\n")
    desk.click("Mark")
    desk.until(lambda: desk.said == "marked: sat down 🪑")
    desk.window.commands.text.setText("🪑" * 10_000)  # more than a command may have
    desk.click("Mark")
    desk.until(lambda: "a command has at most 65536 bytes" in desk.said)


def test_no_key_has_two_meanings_and_each_reaches_its_entry(desk: Desk) -> None:
    found = [
        (keys.toString(), each)
        for each in entries(desk.window.menu)
        for keys in each.shortcuts()
    ]
    assert max(Counter(keys for keys, _ in found).values()) == 1
    for keys, action in found:
        if keys != CLOSE and action.isEnabled():
            with desk.qtbot.waitSignal(action.triggered, timeout=PATIENCE):
                desk.press(keys)
            desk.window.commands.keys.hide()
            desk.window.setFocus()


def test_the_manual_lists_every_key(desk: Desk) -> None:
    manual = DOCS.read_text(encoding="utf-8")
    for keys, text in desk.window.commands.keys.lines:
        assert f"| {keys} | {text} |" in manual


def test_when_the_run_is_over_it_takes_no_commands(desk: Desk) -> None:
    desk.press("R")
    desk.until(lambda: desk.recording() == "recording")
    desk.until(desk.more_came())
    desk.runtime.run.stop()
    desk.runtime.__exit__(None, None, None)
    desk.until(lambda: not desk.entry("Mark").isEnabled())
    assert not desk.entry("Record").isEnabled()
    assert desk.entry("Save a picture").isEnabled()
    told = desk.window.commands.recorded
    desk.until(lambda: told.text().startswith("✓ rtpipe-"))
    assert desk.window.run is not None
    states = {each.state for each in desk.window.run.streams.values()}
    assert states == {"over"}, "nothing is streaming any more"
