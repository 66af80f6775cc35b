"""All labels in one bar, and how their shares went: for few labels with an order."""

from collections.abc import Sequence

import numpy as np
from PyQt6.QtCore import QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent

from rtpipe.dashboard.answerspicture import AnswersPicture
from rtpipe.dashboard.bars import TRUTH
from rtpipe.dashboard.columns import edges, newest
from rtpipe.dashboard.theme import colour_of, font, theme
from rtpipe.dashboard.timeline import FOOT, MINUTE, draw_area, draw_foot, side
from rtpipe.percent import percent

_BAR = 22.0  # pixels
_GAP = 12.0  # pixels below it
_LETTERS = (0.65, 1.8)  # times the system's, of the names: the smallest, the largest
_HIGHEST = 480  # pixels; more says no more
_DIM = 110  # of 255: how strong a colour is that is not decided, or is past


class Stack(AnswersPicture):
    """Draws the answers of a model on a stream as shares of one bar."""

    def __init__(self, labels: Sequence[str], hop: float) -> None:
        super().__init__(labels, hop)
        self.setMaximumHeight(_HIGHEST)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the size at which nothing is crowded."""
        return QSize(420, round(_BAR + self._words_height() + FOOT + 110))

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return the size at which the bar can be read; the past has no room there."""
        return QSize(200, round(_BAR + self._words_height()))

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw it."""
        if self._answer is None or self._answers is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        high = self._words_height()
        self._words(painter, QRectF(0, 0, self.width(), high))
        self._bar(painter, QRectF(0, high, self.width(), _BAR))
        top, left = _BAR + high + _GAP, side()
        right, room = self.width() - left, self.height() - top - FOOT
        if room >= 0:  # else the ribbons would lie on the bar
            self._trend(painter, QRectF(left, top, right, room))
            foot = QRectF(left, self.height() - FOOT, right, FOOT)
            draw_foot(painter, foot, self._answers, self._labels, self._now, self._hop)
        painter.end()

    def _letters(self) -> float:
        """Return how large the names are: all of them fit, whatever their shares."""
        smallest, largest = _LETTERS
        bold = QFontMetricsF(font(1.0, bold=True))
        text = max(bold.horizontalAdvance(each) for each in self._labels)
        text += bold.horizontalAdvance(f" >99 % {TRUTH}")
        room = self.width() / len(self._labels) - 20
        return min(largest, max(smallest, room / text))

    def _words_height(self) -> float:
        return QFontMetricsF(font(self._letters())).height() + 8

    def _bar(self, painter: QPainter, box: QRectF) -> None:
        """Draw the shares side by side."""
        assert self._answer is not None
        painter.fillRect(box, QColor(theme().raised))
        left = box.left()
        for label, share in zip(
            self._labels, self._answer.probabilities.tolist(), strict=True
        ):
            if np.isfinite(share):
                part = QRectF(left, box.top(), share * box.width(), box.height())
                colour = colour_of(label, self._labels)
                if label != self._answer.label:
                    colour.setAlpha(_DIM)
                painter.fillRect(part, colour)
                left = part.right()

    def _words(self, painter: QPainter, box: QRectF) -> None:
        """Write the labels and their shares, each in a place that stays."""
        assert self._answer is not None
        wide, size = box.width() / len(self._labels), self._letters()
        for k, label in enumerate(self._labels):
            decided, share = label == self._answer.label, self._answer.probabilities[k]
            room = QRectF(box.left() + k * wide, box.top(), wide, box.height())
            dot = QRectF(room.left(), room.center().y() - 5, 10, 10)
            painter.fillRect(dot, colour_of(label, self._labels))
            painter.setFont(font(size, bold=decided))
            painter.setPen(QColor(theme().text if decided else theme().quiet))
            number = percent(share).strip()
            true = f" {TRUTH}" if label == self._answer.truth else ""
            said = f" {number}{true}"
            metrics = QFontMetricsF(painter.font())
            left = wide - 20 - metrics.horizontalAdvance(said)
            text = metrics.elidedText(label, Qt.TextElideMode.ElideRight, left) + said
            middle = Qt.AlignmentFlag.AlignVCenter
            painter.drawText(room.adjusted(16, 0, 0, 0), middle, text)

    def _trend(self, painter: QPainter, box: QRectF) -> None:
        """Draw the shares of the last minute on each other."""
        assert self._answers is not None
        painter.fillRect(box, QColor(theme().raised))
        answers = self._answers
        if not len(answers) or not np.isfinite(self._now):
            return
        between = edges(self._now, MINUTE, max(1, int(box.width())))
        at = newest(answers.end, between, self._hop)
        shares = np.where(at[:, None] < 0, np.nan, answers.probabilities[at])
        above = np.cumsum(shares, axis=1)
        for k, label in enumerate(self._labels):
            colour = colour_of(label, self._labels)
            low = above[:, k - 1] if k else np.zeros(len(above))
            colour.setAlpha(_DIM)
            draw_area(painter, box, low, above[:, k], colour)
