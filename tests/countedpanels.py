"""A window whose panels count what is asked of them."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest
from PyQt6.QtCore import QSettings
from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import QDockWidget, QLabel, QToolBar
from pytestqt.qtbot import QtBot

from rtpipe.dashboard import window as windows
from rtpipe.dashboard.app import Dashboard
from rtpipe.dashboard.model import RunModel
from rtpipe.dashboard.panel import Panel
from rtpipe.dashboard.theme import choose, theme
from rtpipe.dashboard.window import Place, Window
from rtpipe.runfolder import folder_of_runs

OPEN: list[Dashboard] = []
PATIENCE = 60_000  # milliseconds, only for a test that fails


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


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have panels whose frames can be counted, in place of those that draw."""
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
