"""A run of models, and the panels of a window on it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from PyQt6.QtCore import QSettings, Qt
from PyQt6.QtWidgets import QDockWidget, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from rtpipe import build
from rtpipe.config import ModelTable
from rtpipe.dashboard.app import Dashboard
from rtpipe.dashboard.modelpanel import ModelPanel, View
from rtpipe.dashboard.window import Window
from rtpipe.device import Device
from rtpipe.runfolder import folder_of_runs
from rtpipe.runtime.runtime import Runtime

PATIENCE = 60_000  # milliseconds, only for a test that fails
EMG, EEG = "synthetic:emg", "synthetic:eeg"
LABELS = ("background", "seizure")
GESTURES = (
    "rest",
    "fist",
    "open",
    "wrist flexion",
    "wrist extension",
    "radial deviation",
    "ulnar deviation",
)


@contextmanager
def looking(qtbot: QtBot, settings: QSettings) -> Iterator[Callable[[Runtime], Window]]:
    """Let a test open windows on runs."""
    opened: list[Dashboard] = []

    def look(runtime: Runtime) -> Window:
        settings.setValue("theme", "light")
        dashboard = Dashboard(settings=settings)
        opened.append(dashboard)
        dashboard.watch(folder_of_runs() / runtime.run.name)
        dashboard.show()
        qtbot.waitUntil(lambda: bool(dashboard.window.panels), timeout=PATIENCE)
        return dashboard.window

    yield look
    for each in opened:
        each.close()


def run(
    devices: Sequence[Device],
    *paths: str,
    task: str | None = None,
    **decision: Any,
) -> Runtime:
    """Return a run of these models, perhaps with another task or decision."""
    tables = tuple(ModelTable(path=each, decision=decision) for each in paths)
    bundles = build.bundles(tables, "cpu")
    for _, bundle, _ in bundles:
        if task is not None:
            bundle.card = bundle.card.model_copy(update={"task": task})
    return Runtime(devices, bundles)


def panel_of(window: Window, name: str) -> ModelPanel:
    """Return a model's panel, on top of those that lie with it."""
    panel = window.panels[name]
    assert isinstance(panel, ModelPanel)
    dock_of(panel).raise_()
    return panel


def dock_of(panel: QWidget) -> QDockWidget:
    dock = panel.parentWidget()
    assert isinstance(dock, QDockWidget)
    return dock


def seen(panel: ModelPanel) -> bool:
    return not panel.visibleRegion().isEmpty()


def said(qtbot: QtBot, view: View) -> None:
    """Wait until a view shows a decision."""
    qtbot.waitUntil(lambda: view.tile.text in view.model.labels, timeout=PATIENCE)


def view_of(qtbot: QtBot, window: Window, name: str, stream: str) -> View:
    """Return what is shown of a model on a stream, once it is."""
    panel = panel_of(window, name)

    def shown() -> bool:
        return stream in panel.views and panel.views[stream].answer is not None

    qtbot.waitUntil(shown, timeout=PATIENCE)
    return panel.views[stream]


def click(qtbot: QtBot, button: QPushButton) -> None:
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)  # type: ignore[no-untyped-call]
