"""How long decisions take, which windows were given up, and how often it is drawn."""

from collections import deque
from collections.abc import Callable
from typing import Any

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QFontMetrics, QPalette, QResizeEvent
from PyQt6.QtWidgets import (
    QBoxLayout,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from rtpipe.dashboard.latencybars import LatencyBars
from rtpipe.dashboard.model import ModelModel, RunModel
from rtpipe.dashboard.panel import Panel
from rtpipe.dashboard.theme import font
from rtpipe.duration import milliseconds

PERCENTILES = ("p50", "p95", "p99")
#: Counters of windows that were due and have no answer, and how they are called.
LEFT_OUT = {
    "skipped": "skipped",
    "stale": "too old",
    "overrun": "overwritten",
    "unanswered": "unanswered",
    "not_finite": "not finite",
}


class Timing(Panel):
    """Of each model the decision latency and the windows skipped; and the frames drawn.

    What a latency is: see `rtpipe.types.Prediction`.
    """

    title = "Timing"

    def __init__(self, about: str, send: Callable[[dict[str, Any]], None]) -> None:
        super().__init__(about, send)
        self._frames: deque[float] = deque()
        self._drawn = 0

    def follow(self, run: RunModel, now: float) -> None:
        """Count the window's frames."""
        self._drawn += 1
        self._frames.append(now)
        while self._frames[0] <= now - 1:
            self._frames.popleft()

    def refresh(self, run: RunModel, now: float) -> None:
        """Show the counters as they stand."""
        if self.layout() is None:
            self._make(run)
        for name, model in run.models.items():
            self._models[name].refresh(model)
        dropped = f", {run.dropped:,} lines missed" if run.dropped else ""
        self._below.setText(
            f"{len(self._frames)} frames in the last second, "
            f"{self._drawn:,} drawn{dropped}"
        )

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Use the room there is."""
        super().resizeEvent(event)
        if self.layout() is not None:
            self._turn()

    def _make(self, run: RunModel) -> None:
        self._models = {name: _Model(name) for name in run.models}
        inside = QWidget()
        rows = self._rows = QBoxLayout(QBoxLayout.Direction.TopToBottom, inside)
        rows.setSpacing(14)
        for each in self._models.values():
            rows.addWidget(each, 1)
        if not self._models:
            rows.addWidget(_quiet("there is no model in this run"), 1)
        self._below = _quiet()
        self._below.setContentsMargins(rows.contentsMargins())
        area = QScrollArea()
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setWidget(inside)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        bar = area.verticalScrollBar()
        beside = 0 if bar is None else bar.sizeHint().width()
        area.setMinimumWidth(inside.minimumSizeHint().width() + beside)
        self._least = area.minimumWidth()
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(area, 1)
        whole.addWidget(self._below)
        self._turn()

    def _turn(self) -> None:
        """Put the models beside each other where there is more room than below."""
        wide, high = self.width(), self.height()
        beside = wide > high and wide >= self._least * len(self._models)
        ways = QBoxLayout.Direction
        self._rows.setDirection(ways.LeftToRight if beside else ways.TopToBottom)


class _Model(QWidget):
    """The part of one model."""

    def __init__(self, name: str) -> None:
        super().__init__()
        title = QLabel(name)
        title.setFont(font(1.1, bold=True))
        self._values = {each: QLabel() for each in PERCENTILES}
        figures = QHBoxLayout()
        for each, value in self._values.items():
            value.setFont(font(1.15))
            value.setMinimumWidth(QFontMetrics(value.font()).horizontalAdvance("88 ms"))
            called = _quiet(each)
            figures.addWidget(called)
            figures.addWidget(value)
            figures.addSpacing(6)
        figures.addStretch(1)
        self._bars = LatencyBars()
        self._windows = QLabel()
        self._windows.setWordWrap(True)
        rows = QGridLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(title, 0, 0)
        rows.addLayout(figures, 1, 0)
        rows.addWidget(self._bars, 2, 0)
        rows.addWidget(self._windows, 3, 0)
        rows.setRowStretch(2, 1)

    def refresh(self, model: ModelModel) -> None:
        for each, value in self._values.items():
            value.setText(milliseconds(model.latency[each]))
        self._bars.show_bars(model.histogram, model.latency)
        self._windows.setText("\n".join(_windows(model)))


def _windows(model: ModelModel) -> list[str]:
    """Return a line a stream: the windows answered, and those that were not."""
    lines = []
    for stream, counters in model.windows.items():
        left_out = {
            word: counters[key] for key, word in LEFT_OUT.items() if counters[key]
        } or {"skipped": 0}
        told = ", ".join(f"{n:,} {word}" for word, n in left_out.items())
        lines.append(f"{stream}: {counters['answered']:,} windows answered, {told}")
    return lines


def _quiet(text: str = "") -> QLabel:
    label = QLabel(text)
    label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
    return label
