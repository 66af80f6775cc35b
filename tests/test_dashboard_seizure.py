"""The panel of seizures on a run: nobody can miss its alarm."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, QRect, QSettings, Qt
from pytestqt.qtbot import QtBot
from rtpipe.devices.replay import ReplayDevice
from rtpipe.devices.synthetic import SyntheticDevice

from rtpipe.dashboard.emotion import EmotionPanel
from rtpipe.dashboard.keys import Keys
from rtpipe.dashboard.seizure import SeizurePanel, SeizureView
from rtpipe.dashboard.veil import Veil
from rtpipe.dashboard.window import Window
from rtpipe.runtime.runtime import Runtime
from rtpipe.types import Chunk

from .modelpanels import (
    EEG,
    PATIENCE,
    click,
    dock_of,
    looking,
    panel_of,
    run,
    seen,
    view_of,
)

pytestmark = pytest.mark.usefixtures("light")


@pytest.fixture
def look(qtbot: QtBot, settings: QSettings) -> Iterator[Callable[[Runtime], Window]]:
    with looking(qtbot, settings) as look:
        yield look


class Later(SyntheticDevice):  # type: ignore[misc]
    """What the device gives from a second on."""

    def __init__(self, begin: float, **settings: Any) -> None:
        super().__init__("eeg", paced=False, **settings)
        self.begin = int(256 * begin)

    def read(self, timeout: float) -> Sequence[Chunk] | None:
        chunks = super().read(timeout)
        if chunks is None:
            return None
        cut = ((each, max(0, self.begin - each.index)) for each in chunks)
        return [
            replace(
                each,
                index=each.index + n - self.begin,
                times=each.times[n:],
                data=each.data[n:],
                events=(),
            )
            for each, n in cut
            if n < len(each.times)
        ]


class Held(ReplayDevice):  # type: ignore[misc]
    """A recording that plays from the moment on when it is let go."""

    def __init__(self, file: Path, speed: float) -> None:
        super().__init__(file, speed=speed)
        self.let_go = threading.Event()

    def read(self, timeout: float) -> Sequence[Chunk] | None:
        return super().read(timeout) if self.let_go.wait(timeout) else []


@pytest.fixture(scope="module")
def seizure(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording with a seizure from 3.6 to 11.1 s."""
    file = tmp_path_factory.mktemp("seizure") / "head.xdf"
    with Runtime([Later(20.0, seed=12, duration=35.0)], record=file) as recorded:
        recorded.wait()
    return file


def only_view(panel: object) -> SeizureView:
    """Return the view of a panel of seizures that has one."""
    assert isinstance(panel, SeizurePanel)
    (view,) = panel.views.values()
    assert isinstance(view, SeizureView)
    return view


def test_an_alarm_can_neither_be_covered_nor_closed_until_somebody_has_seen_it(
    qtbot: QtBot, look: Callable[[Runtime], Window], seizure: Path
) -> None:
    models = ("demo:seizure", "demo:emotion")
    device = Held(seizure, speed=4.0)
    with run([device], *models) as runtime:
        window = look(runtime)
        panel, emotion = (window.panels[f"demo-{k}"] for k in ("seizure", "emotion"))
        assert isinstance(panel, SeizurePanel)
        assert isinstance(emotion, EmotionPanel)
        window.activateWindow()

        def covered() -> bool:
            dock_of(emotion).raise_()
            return seen(emotion) and not seen(panel)

        qtbot.waitUntil(covered, timeout=PATIENCE)
        device.let_go.set()
        window.pause()
        qtbot.waitUntil(lambda: panel.alarmed, timeout=PATIENCE)
        view = only_view(panel)
        qtbot.waitUntil(lambda: seen(panel), timeout=PATIENCE)
        (veil,) = panel.findChildren(Veil)
        qtbot.waitUntil(veil.isHidden, timeout=PATIENCE)
        assert "SEIZURE" in view.banner.said.text()
        covered()
        qtbot.waitUntil(lambda: seen(panel), timeout=PATIENCE)
        dock_of(panel).close()
        qtbot.waitUntil(lambda: seen(panel), timeout=PATIENCE)
        torn, banner = dock_of(window.panels["Signals"]), view.banner
        torn.setFloating(True)
        torn.setGeometry(QRect(banner.mapToGlobal(QPoint()), banner.size()))
        qtbot.waitUntil(lambda: not torn.isFloating(), timeout=PATIENCE)
        qtbot.waitUntil(lambda: not view.alarm.going_on, timeout=PATIENCE)
        qtbot.waitUntil(
            lambda: view.banner.said.text().endswith("ago, over"), timeout=PATIENCE
        )
        assert view.banner.isVisible()
        click(qtbot, view.banner.button)
        assert not view.banner.isVisible()
        qtbot.waitUntil(covered, timeout=PATIENCE)
        qtbot.wait(200)
        assert seen(emotion), "and now it may be"
        assert not veil.isHidden(), "it stands still, as the others"


def test_a_panel_that_cannot_be_drawn_raises_its_alarm_all_the_same(
    qtbot: QtBot,
    look: Callable[[Runtime], Window],
    seizure: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken(*arguments: object) -> None:
        raise ValueError("it cannot be drawn")

    monkeypatch.setattr(SeizureView, "draw", broken)
    device = Held(seizure, speed=4.0)
    with run([device], "demo:seizure") as runtime:
        window = look(runtime)
        device.let_go.set()
        panel = window.panels["demo-seizure"]
        assert isinstance(panel, SeizurePanel)
        qtbot.waitUntil(lambda: bool(window.failed), timeout=PATIENCE)
        qtbot.waitUntil(lambda: panel.alarmed, timeout=PATIENCE)
        qtbot.waitUntil(lambda: only_view(panel).banner.isVisible(), timeout=PATIENCE)
    assert capsys.readouterr().err.count("Traceback") == 1


def test_a_key_acknowledges_the_alarm_that_is_seen_and_the_next_one_comes(
    qtbot: QtBot, look: Callable[[Runtime], Window], seizure: Path
) -> None:
    models = ("demo:seizure", "demo:seizure")
    device = Held(seizure, speed=4.0)
    with run([device], *models) as runtime:
        window = look(runtime)
        device.let_go.set()
        panels = [window.panels[f"demo-seizure{k}"] for k in ("", "-2")]
        one, two = (each for each in panels if isinstance(each, SeizurePanel))
        keys = [
            each
            for each in window.menu.actions()
            if each.text() == "Acknowledge the alarm"
        ]
        qtbot.waitUntil(lambda: one.alarmed and two.alarmed, timeout=PATIENCE)
        assert [each.shortcut().toString() for each in keys if each.isVisible()] == [
            "K"
        ]
        qtbot.waitUntil(lambda: seen(one) or seen(two), timeout=PATIENCE)
        window.activateWindow()
        first, second = (one, two) if seen(one) else (two, one)
        qtbot.keyClick(window, Qt.Key.Key_K)  # type: ignore[no-untyped-call]
        assert not first.alarmed
        assert second.alarmed, "nobody has seen it yet"
        qtbot.waitUntil(lambda: seen(second), timeout=PATIENCE)
        dock_of(first).close()
        qtbot.keyClick(window, Qt.Key.Key_K)  # type: ignore[no-untyped-call]
        assert not second.alarmed


def test_a_list_of_keys_never_covers_an_alarm(
    qtbot: QtBot, look: Callable[[Runtime], Window], seizure: Path
) -> None:
    device = Held(seizure, speed=4.0)
    with run([device], "demo:seizure") as runtime:
        window = look(runtime)
        device.let_go.set()
        panel = panel_of(window, "demo-seizure")
        assert isinstance(panel, SeizurePanel)
        window.resize(700, 500)
        (sheet,) = window.findChildren(Keys)
        sheet.toggle()
        assert sheet.isVisible()
        qtbot.waitUntil(lambda: panel.alarmed, timeout=PATIENCE)
        banner = only_view(panel).banner

        def whole() -> bool:
            seen = banner.visibleRegion().boundingRect()
            return seen == banner.rect() and banner.isVisible()

        qtbot.waitUntil(whole, timeout=PATIENCE)


def test_an_alarm_that_nobody_acknowledged_is_there_in_a_window_that_opens_later(
    qtbot: QtBot, look: Callable[[Runtime], Window], seizure: Path
) -> None:
    device = Held(seizure, speed=8.0)
    with run([device], "demo:seizure") as runtime:
        first = look(runtime)
        device.let_go.set()
        panel = panel_of(first, "demo-seizure")
        qtbot.waitUntil(
            lambda: "ago, over" in only_view(panel).banner.said.text(), timeout=PATIENCE
        )
        first.close()
        second = look(runtime)
        panel = panel_of(second, "demo-seizure")
        qtbot.waitUntil(lambda: only_view(panel).banner.isVisible(), timeout=PATIENCE)
        said = only_view(panel).banner.said.text()
        assert "SEIZURE" in said
        assert said.endswith("before this window opened")
        second.activateWindow()
        qtbot.keyClick(second, Qt.Key.Key_K)  # type: ignore[no-untyped-call]
        assert not only_view(panel).alarm.raised
        qtbot.wait(600)  # the run tells how it stands four times a second
        assert not only_view(panel).banner.isVisible(), "it has not come again"


def test_what_is_decided_last_is_told_before_a_run_ends(
    qtbot: QtBot, look: Callable[[Runtime], Window], seizure: Path
) -> None:
    device = Held(seizure, speed=8.0)
    with run([device], "demo:seizure") as runtime:
        window = look(runtime)
        device.let_go.set()
        panel = panel_of(window, "demo-seizure")
        assert isinstance(panel, SeizurePanel)
        qtbot.waitUntil(lambda: panel.alarmed, timeout=PATIENCE)
    qtbot.waitUntil(
        lambda: window.run is not None and window.run.state == "over", timeout=PATIENCE
    )
    assert window.run is not None
    model = window.run.models["demo-seizure"]
    (answers,) = model.streams.values()
    (decided,) = model.decided.values()
    assert isinstance(panel, SeizurePanel)
    for k, label in enumerate(model.labels):
        there = np.flatnonzero(answers.label == k)
        assert decided[label]["end"] == answers.end[there[-1]]
        assert decided[label]["begin"] in answers.end[there]
    assert panel.alarmed


def test_the_channel_of_the_spectrogram_is_chosen_by_keys(
    qtbot: QtBot, look: Callable[[Runtime], Window]
) -> None:
    with run([SyntheticDevice("eeg", seed=4)], "demo:seizure") as runtime:
        window = look(runtime)
        view = view_of(qtbot, window, "demo-seizure", EEG)
        assert isinstance(view, SeizureView)
        qtbot.waitUntil(view.choice.isVisible, timeout=PATIENCE)
        qtbot.waitUntil(lambda: bool(view.spectrogram.image.any()), timeout=PATIENCE)
        before = view.spectrogram.image.copy()
        qtbot.keyClick(view.choice, Qt.Key.Key_Down)  # type: ignore[no-untyped-call]
        assert view.choice.currentText() == "AF7"
        qtbot.waitUntil(
            lambda: not np.array_equal(view.spectrogram.image, before),
            timeout=PATIENCE,
        )


def test_what_must_be_told_is_never_cut_off(
    qtbot: QtBot, look: Callable[[Runtime], Window]
) -> None:
    with run([SyntheticDevice("eeg", seed=4)], "demo:seizure") as runtime:
        window = look(runtime)
        view_of(qtbot, window, "demo-seizure", EEG)
        panel = panel_of(window, "demo-seizure")
        notes, dock = panel.notes, dock_of(panel)
        dock.setFloating(True)

        def whole() -> bool:
            high = notes.heightForWidth(notes.width())
            return notes.height() >= high and panel.rect().contains(notes.geometry())

        for wide in (700, 400, 100):  # the last is less than it can be
            dock.resize(wide, 100)
            qtbot.waitUntil(lambda: dock.width() < 420 or dock.width() == 700)
            qtbot.waitUntil(whole, timeout=PATIENCE)
            assert notes.isVisible()


def test_a_panel_of_seizures_fits_into_a_low_window(
    qtbot: QtBot, look: Callable[[Runtime], Window], seizure: Path
) -> None:
    device = Held(seizure, speed=4.0)
    with run([device], "demo:seizure") as runtime:
        window = look(runtime)
        device.let_go.set()
        panel = panel_of(window, "demo-seizure")
        qtbot.waitUntil(lambda: only_view(panel).banner.isVisible(), timeout=PATIENCE)
        view = only_view(panel)
        dock = dock_of(panel)
        dock.setFloating(True)
        dock.resize(400, 700)
        qtbot.waitUntil(view.spectrogram.isVisible, timeout=PATIENCE)
        dock.resize(400, 180)
        qtbot.waitUntil(lambda: not view.spectrogram.isVisible(), timeout=PATIENCE)
        assert dock.height() < 320
        assert panel.rect().contains(panel.notes.geometry())
        assert view.banner.height() >= view.banner.button.height()
        assert view.banner.isVisible()
