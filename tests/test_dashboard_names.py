"""Names from outside that look like HTML, or a key, are shown as they are written."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from PyQt6.QtCore import QSettings, Qt
from PyQt6.QtGui import QContextMenuEvent
from PyQt6.QtWidgets import QApplication, QDockWidget, QLabel, QMenu, QWidget
from pytestqt.qtbot import QtBot
from rtpipe.devices.synthetic import SyntheticDevice

from rtpipe import build
from rtpipe.bundle import Bundle
from rtpipe.config import ModelTable
from rtpipe.dashboard.app import Dashboard
from rtpipe.dashboard.window import Window
from rtpipe.decide import Decision
from rtpipe.runfolder import folder_of_runs
from rtpipe.runtime.runtime import Runtime
from rtpipe.types import Chunk, StreamInfo

from .signalswindow import centre, signals

PATIENCE = 60_000  # milliseconds, only for a test that fails
ODD = '<h1>BIG</h1><img src="x.png"/>&amp;'
LONG = f"{ODD} {'it is long ' * 40}"


class Odd(SyntheticDevice):  # type: ignore[misc]
    """A sensor whose stream and first channel have such a name."""

    def open(self) -> Sequence[StreamInfo]:
        return [
            replace(info, name=ODD, ch_names=(ODD, *info.ch_names[1:]))
            for info in super().open()
        ]

    def read(self, timeout: float) -> Sequence[Chunk] | None:
        return [
            replace(
                chunk,
                stream=ODD,
                events=tuple(replace(each, stream=ODD) for each in chunk.events),
            )
            for chunk in super().read(timeout) or ()
        ]


def odd_model(task: str) -> tuple[str, Bundle, Decision]:
    """Return a shipped model with such a name and a note, for that sensor."""
    ((_, bundle, decision),) = build.bundles((ModelTable(path=f"demo:{task}"),), "cpu")
    names = (ODD, *bundle.card.ch_names[1:])
    changes = {"name": ODD, "notes": (LONG,), "ch_names": names}
    card = bundle.card.model_copy(update=changes)
    return ODD, Bundle(card, bundle.module), decision


def rich(window: Window) -> list[str]:
    """Return what a window would show otherwise than it was told."""
    labels = [
        each.text()
        for each in window.findChildren(QLabel)
        if "BIG" in each.text() and each.textFormat() != Qt.TextFormat.PlainText
    ]
    tips = [each.toolTip() for each in window.findChildren(QWidget)]
    return labels + [each for each in tips if "<h1>" in each]


def offered(qtbot: QtBot, dashboard: Dashboard) -> list[str]:
    """Return what menus show of such names, one over a channel among them."""
    panel, none = signals(dashboard), Qt.KeyboardModifier.NoModifier
    qtbot.waitUntil(lambda: bool(panel.lanes.groups), timeout=PATIENCE)
    at = panel.lanes.mapTo(panel, centre(panel, panel.lanes.groups[0], 0))
    mouse = QContextMenuEvent.Reason.Mouse
    where = panel.mapToGlobal(at)
    QApplication.sendEvent(panel, QContextMenuEvent(mouse, at, where, none))
    texts = [
        re.sub("&(.)", r"\1", action.text())  # so Qt shows it
        for menu in dashboard.window.findChildren(QMenu)
        for action in menu.actions()
        if "BIG" in action.text()
    ]
    popup = QApplication.activePopupWidget()
    assert popup is not None
    popup.close()
    return texts


def shown(window: Window) -> str:
    return "\n".join(each.text() for each in window.findChildren(QLabel))


@pytest.mark.parametrize("task", ["emotion", "seizure", "gesture"])
def test_names_are_shown_as_they_are_written(
    qtbot: QtBot, tmp_path: Path, task: str
) -> None:
    settings = QSettings(str(tmp_path / "ini"), QSettings.Format.IniFormat)
    device = Odd("emg" if task == "gesture" else "eeg", seed=3)
    with Runtime([device], [odd_model(task)]) as runtime:
        dashboard = Dashboard(settings=settings)
        dashboard.show()
        window = dashboard.window
        window.resize(780, 560)
        size = window.size()
        window.say(LONG)
        assert rich(window) == []
        assert window.minimumSizeHint().width() < size.width()
        dashboard.watch(folder_of_runs() / runtime.run.name)
        qtbot.waitUntil(lambda: bool(window.panels), timeout=PATIENCE)
        assert ODD in window.panels
        qtbot.waitUntil(lambda: "streaming" in shown(window), timeout=PATIENCE)
        texts = {ODD, f"Hide {ODD}", f"filtered for {ODD}"}
        assert set(offered(qtbot, dashboard)) == texts
        window.commands.text.setText(LONG)
        window.commands.mark()
        said = window.commands.message
        qtbot.waitUntil(lambda: "BIG" in said.text(), timeout=PATIENCE)
        for dock in window.findChildren(QDockWidget):
            dock.raise_()
            qtbot.wait(100)  # until it has been drawn
            assert rich(window) == []
        window.commands.say(LONG, wrong=True)
        qtbot.waitUntil(lambda: "✕ <h1>" in shown(window), timeout=PATIENCE)
        assert rich(window) == []
        assert window.size() == size
        assert window.minimumSizeHint().width() <= size.width()
        dashboard.close()
