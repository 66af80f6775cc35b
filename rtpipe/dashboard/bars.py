"""A row a label: how probable it is now, and how probable it was in the last minute."""

import numpy as np
from PyQt6.QtCore import QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen

from rtpipe.dashboard.answerspicture import AnswersPicture
from rtpipe.dashboard.columns import edges, newest
from rtpipe.dashboard.theme import colour_of, font, theme
from rtpipe.dashboard.timeline import FOOT, MINUTE, draw_area, draw_foot
from rtpipe.types import Float64

_ROW = 46.0  # pixels: a higher row would say no more
_PAST = 80.0  # pixels from which on the last minute is worth its place
_GAP = 12.0
_DIM = 110  # of 255: how strong a colour is that is not decided
TRUTH = "\N{BLACK DIAMOND}"  # stands beside what is true


class Bars(AnswersPicture):
    """Draws the answers of a model on a stream, a row a label."""

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the size at which nothing is crowded."""
        return QSize(420, round(32 * len(self._labels) + FOOT))

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return the size at which the rows can be read."""
        return QSize(200, round(12 * len(self._labels) + FOOT))

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw it."""
        if self._answer is None or self._answers is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        n = len(self._labels)
        row = max(1.0, min(_ROW, (self.height() - FOOT) / n))
        size = min(1.3, max(0.75, row / 19))
        bold = QFontMetricsF(font(size, bold=True))
        name = max(bold.horizontalAdvance(each) for each in self._labels)
        name = min(name + bold.horizontalAdvance(TRUTH + " "), 0.42 * self.width())
        number = bold.horizontalAdvance("100%") + _GAP
        room = self.width() - name - number - 2 * _GAP
        past = 0.5 * room if 0.5 * room >= _PAST else 0.0
        for k in range(n):
            top = k * row
            self._row(painter, k, QRectF(0, top, name, row), size)
            bar = QRectF(name + _GAP, top, room - past, row)
            self._bar(painter, k, bar, number, size)
        if past:
            left = self.width() - past
            self._past(painter, QRectF(left, 0, past, n * row), row)
        else:
            left = name + _GAP
            self._foot(painter, QRectF(left, n * row, self.width() - left, FOOT))
        painter.end()

    def _row(self, painter: QPainter, k: int, box: QRectF, size: float) -> None:
        """Write a label; the decided one heavier, the true one with a sign."""
        assert self._answer is not None
        label = self._labels[k]
        decided = label == self._answer.label
        painter.setFont(font(size, bold=decided))
        painter.setPen(QColor(theme().text if decided else theme().quiet))
        true = f"{TRUTH} " if label == self._answer.truth else ""
        fits = QFontMetricsF(painter.font()).elidedText(
            true + label, Qt.TextElideMode.ElideRight, box.width()
        )
        side = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(box, side, fits)

    def _bar(
        self, painter: QPainter, k: int, box: QRectF, number: float, size: float
    ) -> None:
        """Draw how probable a label is, and write it behind."""
        assert self._answer is not None
        share = float(self._answer.probabilities[k])
        high = min(18.0, 0.5 * box.height())
        bar = QRectF(box.left(), box.center().y() - high / 2, box.width(), high)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme().raised))
        painter.drawRoundedRect(bar, high / 4, high / 4)
        text = "\N{EM DASH}"
        decided = self._labels[k] == self._answer.label
        if np.isfinite(share):
            colour = colour_of(self._labels[k], self._labels)
            colour.setAlpha(255 if decided else _DIM)
            painter.setBrush(colour)
            bar.setWidth(max(2.0, share * bar.width()))
            painter.drawRoundedRect(bar, high / 4, high / 4)
            text = f"{share:.0%}"
        painter.setFont(font(size, bold=decided))
        painter.setPen(QColor(theme().text if decided else theme().quiet))
        side = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        room = QRectF(box.right(), box.top(), number - _GAP / 2, box.height())
        painter.drawText(room, side, text)

    def _past(self, painter: QPainter, box: QRectF, row: float) -> None:
        """Draw the last minute: a curve a label, and below which was decided."""
        assert self._answers is not None
        answers = self._answers
        if np.isfinite(self._now) and len(answers):
            between = edges(self._now, MINUTE, max(1, int(box.width())))
            at = newest(answers.end, between, self._hop)
            shares = np.where(at[:, None] < 0, np.nan, answers.probabilities[at])
            for k, label in enumerate(self._labels):
                lane = QRectF(box.left(), box.top() + k * row, box.width(), row)
                lane.adjust(0, 0.14 * row, 0, -0.14 * row)
                _curve(painter, lane, shares[:, k], colour_of(label, self._labels))
        for k in range(len(self._labels)):
            painter.setPen(QPen(QColor(theme().faint), 1))
            low = box.top() + (k + 0.86) * row
            painter.drawLine(
                round(box.left()), round(low), round(box.right()), round(low)
            )
        self._foot(painter, QRectF(box.left(), box.bottom(), box.width(), FOOT))

    def _foot(self, painter: QPainter, box: QRectF) -> None:
        """Draw which labels were decided and true, and the axis."""
        draw_foot(painter, box, self._answers, self._labels, self._now, self._hop)


def _curve(painter: QPainter, box: QRectF, shares: Float64, colour: QColor) -> None:
    """Draw a curve with what is below it shaded."""
    soft = QColor(colour)
    soft.setAlpha(_DIM)
    draw_area(painter, box, np.zeros_like(shares), shares, soft)
