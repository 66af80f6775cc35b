"""How long decisions take, which windows were given up, and how often it is drawn."""

from collections import deque
from collections.abc import Callable
from typing import Any

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QFontMetrics, QPalette, QResizeEvent
from PyQt6.QtWidgets import (
    QGridLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from rtpipe.clock import now as present
from rtpipe.dashboard.latencybars import LatencyBars
from rtpipe.dashboard.model import ModelModel, RunModel
from rtpipe.dashboard.panel import Panel
from rtpipe.dashboard.plain import Plain, tip
from rtpipe.dashboard.theme import font
from rtpipe.duration import milliseconds

#: What of the latencies is told, and what it means.
PERCENTILES = {
    "p50": "Half of the answers of this run took no longer: from the window's last "
    "sample to the answer.",
    "p95": "95 of 100 answers of this run took no longer.",
    "p99": "99 of 100 answers of this run took no longer.",
}
#: Counters of windows that were due and have no answer, and how they are called.
LEFT_OUT = {
    "skipped": "skipped",
    "stale": "too old",
    "overrun": "overwritten",
    "unanswered": "unanswered",
    "not_finite": "not finite",
}

_WINDOWS = (
    "Windows of signal that the model answered, and those that were due and have no "
    "answer. Skipped: newer ones came while the model was busy. Too old: nobody could "
    "have acted on them any more. Overwritten: their samples were gone before they "
    "were read. Unanswered: they were waiting when the run ended. Not finite: a value "
    "in them, or in the answer, was no number."
)
_APART = 14  # pixels between two models


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
        at = present()  # also when the run's time stands still
        self._frames.append(at)
        while self._frames[0] <= at - 1:
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
            self._arrange()

    def _make(self, run: RunModel) -> None:
        self._models = {name: _Model(name) for name in run.models}
        inside = QWidget()
        self._grid = QGridLayout(inside)
        self._grid.setContentsMargins(12, 6, 12, 4)
        self._grid.setSpacing(_APART)
        if not self._models:
            self._grid.addWidget(_quiet("there is no model in this run"), 0, 0)
        self._below = _quiet()
        self._below.setContentsMargins(12, 2, 12, 4)
        area = QScrollArea()
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setWidget(inside)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(area, 1)
        whole.addWidget(self._below)
        self._arrange()

    def _arrange(self) -> None:
        """Put models below each other, and beside each other where that is too high."""
        if not self._models:
            return
        least = [each.minimumSizeHint() for each in self._models.values()]
        wide = max(each.width() for each in least) + _APART
        high = max(each.height() for each in least) + _APART
        rows = max(1, (self.height() - self._below.sizeHint().height()) // high)
        most = max(1, (self.width() - _APART) // wide)
        across = min(most, -(-len(self._models) // rows))
        for k, each in enumerate(self._models.values()):
            self._grid.removeWidget(each)
            self._grid.addWidget(each, k // across, k % across)
        for column in range(len(self._models)):
            self._grid.setColumnStretch(column, int(column < across))


class _Model(QWidget):
    """The part of one model."""

    def __init__(self, name: str) -> None:
        super().__init__()
        title = Plain(name)
        title.setFont(font(1.1, bold=True))
        title.setToolTip(tip(name))
        ignored, preferred = QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred
        title.setSizePolicy(ignored, preferred)  # a long name is cut
        self._values = {each: QLabel() for each in PERCENTILES}
        figures = QGridLayout()
        figures.setHorizontalSpacing(10)
        figures.setVerticalSpacing(0)
        for column, (each, value) in enumerate(self._values.items()):
            value.setFont(font(1.15))
            widest = QFontMetrics(value.font()).horizontalAdvance("888 ms")
            value.setMinimumWidth(widest)
            called = _quiet(each)
            for row, label in enumerate((called, value)):
                label.setToolTip(f"<p>{PERCENTILES[each]}</p>")
                figures.addWidget(label, row, column)
        figures.setColumnStretch(len(self._values), 1)
        self._bars = LatencyBars()
        self._windows = Plain()
        self._windows.setWordWrap(True)
        self._windows.setToolTip(f"<p>{_WINDOWS}</p>")
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(3)
        rows.addWidget(title)
        rows.addLayout(figures)
        rows.addWidget(self._bars, 1)
        rows.addWidget(self._windows)

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
