"""A window on a run of two streams, with hands on its panel of signals."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
from PyQt6.QtCore import QPoint, QPointF, QSettings, Qt
from PyQt6.QtGui import QWheelEvent
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from rtpipe.clock import now
from rtpipe.dashboard.app import Dashboard
from rtpipe.dashboard.lanes import Group
from rtpipe.dashboard.signals import Signals
from rtpipe.dashboard.theme import LIGHT, choose
from rtpipe.errors import DeviceLost
from rtpipe.ring import Ring
from rtpipe.runfolder import folder_of_runs
from rtpipe.runtime.runtime import Runtime
from rtpipe.types import Chunk, Event, StreamInfo

from .sources import SFREQ, info, source

PATIENCE = 60_000  # milliseconds, only for a test that fails


class Counting:
    """Two paced streams; one loses samples, stalls or disconnects when told."""

    paced = True
    clock: Literal["run", "recording"] = "run"

    def __init__(self) -> None:
        self.skip, self.stalled, self.gone = 0, False, False

    def open(self) -> Sequence[StreamInfo]:
        if self.gone:
            raise DeviceLost("it is unplugged")
        self.begun, self.at = now(), {"arm": 0, "head": 0}
        self.sent: list[Event] = []
        return [info(), info(1, name="head")]

    def read(self, timeout: float) -> Sequence[Chunk] | None:
        time.sleep(0.02)
        if self.gone:
            raise DeviceLost("it is unplugged")
        if self.stalled:
            return []
        due = int((now() - self.begun) * SFREQ)
        lost, self.skip = self.skip, 0
        found = [self._chunk("head", 1, self.at["head"], due)]
        found.append(self._chunk("arm", 2, min(self.at["arm"] + lost, due), due))
        return [each for each in found if len(each)]

    def _chunk(self, name: str, n_channels: int, start: int, stop: int) -> Chunk:
        index = np.arange(start, stop)
        self.at[name] = stop
        data = np.sin(index[:, None] / 7 + np.arange(n_channels)).astype(np.float32)
        return Chunk(name, start, self.begun + index / SFREQ, 50 * data, now())

    def close(self) -> None:
        pass


@contextmanager
def opened(qtbot: QtBot, run: Runtime, settings: QSettings) -> Iterator[Dashboard]:
    """Open a window on a run, and wait until it shows something."""
    made = Dashboard(settings=settings)
    choose(LIGHT)
    qtbot.addWidget(made.window)
    made.watch(folder_of_runs() / run.run.name)
    made.window.resize(1280, 800)
    made.show()
    qtbot.waitUntil(lambda: "Signals" in made.window.panels, timeout=PATIENCE)
    panel = signals(made)
    qtbot.waitUntil(lambda: all(drawn(g) for g in groups(panel)), timeout=PATIENCE)
    yield made
    made.close()


def signals(dashboard: Dashboard) -> Signals:
    panel = dashboard.window.panels["Signals"]
    assert isinstance(panel, Signals)
    return panel


def groups(panel: Signals) -> list[Group]:
    """Return the groups, once there are some."""
    return panel.lanes.groups or [Group("", source(Ring((2,), 10)))]


def drawn(group: Group) -> bool:
    return group.source.done is not None and len(group.source.history) > 20


def shows(panel: Signals, about: str) -> bool:
    return panel.lanes.groups[0].about.endswith(about)


def centre(panel: Signals, group: Group, channel: int) -> QPoint:
    """Return where a lane's middle is, found as a mouse would."""
    rows = [
        y
        for y in range(panel.lanes.height())
        if (found := panel.lanes.lane_at(y)) and found == (group, channel)
    ]
    return QPoint(panel.lanes.width() // 2, rows[len(rows) // 2])


def press(
    qtbot: QtBot,
    panel: Signals,
    key: str,
    held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
) -> None:
    qtbot.keyClick(panel.window(), key, held)  # type: ignore[no-untyped-call]


def click(
    qtbot: QtBot,
    panel: Signals,
    at: QPoint,
    held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
) -> None:
    left = Qt.MouseButton.LeftButton
    qtbot.mouseClick(panel.lanes, left, held, at)  # type: ignore[no-untyped-call]


def turn(panel: Signals, at: QPoint, notches: float, held: Any) -> None:
    """Turn the wheel as Qt does."""
    where = QPointF(at)
    event = QWheelEvent(
        where,
        panel.lanes.mapToGlobal(where),
        QPoint(),
        QPoint(0, round(120 * notches)),
        Qt.MouseButton.NoButton,
        held,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(panel.lanes, event)
