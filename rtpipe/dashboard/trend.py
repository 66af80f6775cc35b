"""How probable one label was, and from where on it is decided."""

from typing import Any

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QSizePolicy, QWidget

from rtpipe.dashboard.columns import edges, greatest
from rtpipe.dashboard.model import Answers
from rtpipe.dashboard.theme import colour_of, font, theme
from rtpipe.dashboard.timeline import FOOT, draw_area, draw_foot, side

_END = 28.0  # pixels on the right, as beside the spectrogram below it
_DIM = 170  # of 255: how strong the colour is
_OF = {
    "none": "",
    "mean": " for the mean of {} windows",
    "exponential": " for the average over {} windows",
    "majority": " for most of {} windows",
}


class Trend(QWidget):
    """Draws the share of one label over time, its threshold, and what was decided.

    Parameters
    ----------
    labels : tuple of str
    label : str
        Which of them.
    hop : float
        Seconds from one answer to the next.
    decision : dict
        How decisions are drawn: see `rtpipe.decide.Decision`.

    Attributes
    ----------
    threshold : float or None
        None where no single number decides.
    """

    def __init__(
        self, labels: tuple[str, ...], label: str, hop: float, decision: dict[str, Any]
    ) -> None:
        super().__init__()
        self._labels, self._label, self._hop = labels, label, hop
        self._decision = decision
        self.threshold = threshold(labels, decision)
        self._answers: Answers | None = None
        self._now, self._span = np.nan, 60.0
        self._drawn: object = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def show_answers(self, answers: Answers, now: float, span: float) -> None:
        """Draw the answers of so many seconds, as far as anything has changed.

        Parameters
        ----------
        answers : Answers
        now : float
            The present on the stream's clock; nan where it is not known.
        span : float
        """
        moment = round(now * 300 / span) if np.isfinite(now) else None
        drawn = (len(answers), answers.came, moment, span)
        if drawn != self._drawn:
            self._drawn = drawn
            self._answers, self._now, self._span = answers, now, span
            self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the size at which nothing is crowded."""
        return QSize(420, 170)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return the size at which a peak can be seen."""
        return QSize(200, round(FOOT) + 20)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        high = self.height() - FOOT
        left = side()
        box = QRectF(left, 8, self.width() - left - _END, high - 8)
        painter.fillRect(box, QColor(theme().raised))
        self._scale(painter, box)
        self._shares(painter, box)
        self._limit(painter, box)
        foot = QRectF(left, high, self.width() - left - _END, FOOT)
        labels, span = self._labels, self._span
        draw_foot(painter, foot, self._answers, labels, self._now, self._hop, span)
        painter.end()

    def _shares(self, painter: QPainter, box: QRectF) -> None:
        answers = self._answers
        if answers is None or not len(answers) or not np.isfinite(self._now):
            return
        between = edges(self._now, self._span, max(1, int(box.width())))
        of = answers.probabilities[:, self._labels.index(self._label)]
        shares = greatest(answers.end, of, between, self._hop)
        colour = colour_of(self._label, self._labels)
        colour.setAlpha(_DIM)
        draw_area(painter, box, np.zeros_like(shares), shares, colour)

    def _scale(self, painter: QPainter, box: QRectF) -> None:
        painter.setFont(font(0.85))
        painter.setPen(QColor(theme().quiet))
        if box.height() < 2 * QFontMetricsF(painter.font()).height():
            return
        beside = QRectF(0, box.top() - 4, box.left() - 8, box.height() + 4)
        sides = Qt.AlignmentFlag
        painter.drawText(beside, sides.AlignRight | sides.AlignTop, "100%")
        painter.drawText(beside, sides.AlignRight | sides.AlignBottom, "0%")

    def _limit(self, painter: QPainter, box: QRectF) -> None:
        if self.threshold is None:
            return
        y = box.bottom() - self.threshold * box.height()
        painter.setPen(QPen(QColor(theme().text), 1.4, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(box.left(), y), QPointF(box.right(), y))
        of = _OF[self._decision.get("smoothing", "none")]
        text = f"threshold {self.threshold:.0%}{of}"
        text = text.format(self._decision.get("windows", 1))
        painter.setFont(font(0.85))
        metrics = QFontMetricsF(painter.font())
        if metrics.horizontalAdvance(text) > box.width() - 12:
            text = f"threshold {self.threshold:.0%}"
        for low in (y - 5, y + metrics.ascent() + 3):  # above the line, or else below
            if box.top() < low - metrics.ascent() and low < box.bottom():
                painter.drawText(QPointF(box.left() + 6, low), text)
                break


def threshold(labels: tuple[str, ...], decision: dict[str, Any]) -> float | None:
    """Return from which share on a label is decided, where one number says it.

    Of two labels the greater is decided; below `confidence`, none is.
    """
    confidence = float(decision.get("confidence", 0.0))
    if len(labels) == 2:
        return max(0.5, confidence)
    return confidence or None
