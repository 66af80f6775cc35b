"""A histogram of durations on a logarithmic axis, with the percentiles marked."""

from collections.abc import Mapping
from math import log10

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt
from PyQt6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QSizePolicy, QWidget

from rtpipe.dashboard.theme import font, theme
from rtpipe.types import Float64

_SMALL = 0.85  # size of the letters
_LEAST = 2.0  # pixels of a bar: one slow answer in a million is to be seen
#: Durations at which the axis begins, ends and has numbers, in seconds.
_ROUND = [n * 10.0**k for k in range(-6, 4) for n in (1, 3)]


class LatencyBars(QWidget):
    """Bars of how many durations fell between two, and a line a percentile."""

    def __init__(self) -> None:
        super().__init__()
        self._bars: Float64 = np.empty((0, 3))
        self._marks: Mapping[str, float | None] = {}
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def show_bars(self, bars: Float64, marks: Mapping[str, float | None]) -> None:
        """Draw other bars.

        Parameters
        ----------
        bars : ndarray, shape (n, 3)
            From, to (seconds, above 0), and how many.
        marks : mapping of str to (float or None)
            Durations that get a line, by what is written at it; None gets none.
        """
        if not np.array_equal(bars, self._bars) or marks != self._marks:
            self._bars, self._marks = bars, dict(marks)
            self.update()

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return room for the percentiles' names, some bars and the axis."""
        line = QFontMetricsF(font(_SMALL)).height()
        return QSize(int(13 * line), int(5.5 * line))

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the same; it takes what room there is."""
        return self.minimumSizeHint()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw it."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setFont(font(_SMALL))
            self._draw(painter)

    def _draw(self, painter: QPainter) -> None:
        line = QFontMetricsF(painter.font()).height()
        base = self.height() - 1.4 * line
        painter.setPen(QPen(QColor(theme().faint), 1))
        painter.drawLine(QPointF(0, base), QPointF(self.width(), base))
        if not len(self._bars):
            painter.setPen(QColor(theme().quiet))
            room = QRectF(0, 0, self.width(), base)
            painter.drawText(room, Qt.AlignmentFlag.AlignCenter, "no answer yet")
            return
        marks = {k: v for k, v in self._marks.items() if v is not None}
        low, high = _ends(self._bars)
        across = self.width() / (high - low)
        places = {name: (log10(value) - low) * across for name, value in marks.items()}
        named = self._named(places, QFontMetricsF(painter.font()))
        top = line * (max((row for row, _ in named.values()), default=-1) + 1.4)
        tallest = self._bars[:, 2].max()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme().accent))
        for begin, end, n in self._bars:
            x = (log10(begin) - low) * across
            wide = max(_LEAST, (log10(end) - log10(begin)) * across - 0.5)
            tall = max(_LEAST, n / tallest * (base - top))
            painter.drawRect(QRectF(x, base - tall, wide, tall))
        self._axis(painter, low, across, base)
        painter.setPen(QPen(QColor(theme().text), 1.5, Qt.PenStyle.DotLine))
        for name, x in places.items():
            painter.drawLine(QPointF(x, named[name][0] * line + 2), QPointF(x, base))
        for name, (row, left) in named.items():
            self._name(painter, name, QPointF(left, row * line))

    def _axis(self, painter: QPainter, low: float, across: float, base: float) -> None:
        """Write the durations that have room, from the left."""
        painter.setPen(QColor(theme().quiet))
        metrics = QFontMetricsF(painter.font())
        free = 0.0
        for seconds in _ROUND:
            x = (log10(seconds) - low) * across
            text = _tick(seconds)
            wide = metrics.horizontalAdvance(text)
            left = min(max(x - wide / 2, 0.0), self.width() - wide)
            if left < free or not -1 <= x <= self.width() + 1:
                continue
            free = left + wide + 8
            painter.drawLine(QPointF(x, base), QPointF(x, base + 3))
            painter.drawText(QPointF(left, self.height() - metrics.descent()), text)

    def _named(
        self, places: Mapping[str, float], letters: QFontMetricsF
    ) -> dict[str, tuple[int, float]]:
        """Return each name's row, the first in which it has room, and left end."""
        named: dict[str, tuple[int, float]] = {}
        taken: list[float] = []  # right ends, by row
        for name, x in sorted(places.items(), key=lambda each: each[1]):
            wide = letters.horizontalAdvance(name)
            left = x + 5 if x + 5 + wide <= self.width() else x - 5 - wide
            begin = min(left, x)
            row = next((k for k, end in enumerate(taken) if end <= begin), len(taken))
            taken[row : row + 1] = [max(left + wide, x) + 6]
            named[name] = row, left
        return named

    def _name(self, painter: QPainter, name: str, corner: QPointF) -> None:
        """Write a percentile's name, over another's line where there is one."""
        letters = QFontMetricsF(painter.font())
        size = QSizeF(letters.horizontalAdvance(name), letters.height())
        room = QRectF(corner, size)
        painter.fillRect(room, QColor(theme().ground))
        painter.setPen(QColor(theme().text))
        painter.drawText(room, Qt.AlignmentFlag.AlignCenter, name)


def _ends(bars: Float64) -> tuple[float, float]:
    """Return the ends of the axis, as decimal logarithms of seconds."""
    shortest, longest = bars[:, 0].min(), bars[:, 1].max()
    low = max((each for each in _ROUND if each <= shortest), default=_ROUND[0])
    high = min((each for each in _ROUND if each >= longest), default=_ROUND[-1])
    return log10(low), log10(high)


def _tick(seconds: float) -> str:
    return f"{seconds:g} s" if seconds >= 1 else f"{seconds * 1e3:g} ms"
