"""A row a label: how probable it is now, and how probable it was in the last minute."""

from collections.abc import Sequence
from math import ceil

import numpy as np
from PyQt6.QtCore import QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen

from rtpipe.dashboard.answerspicture import AnswersPicture
from rtpipe.dashboard.columns import edges, newest
from rtpipe.dashboard.theme import colour_of, font, theme
from rtpipe.dashboard.timeline import FOOT, MINUTE, draw_area, draw_foot, side
from rtpipe.percent import percent
from rtpipe.types import Float64

_ROW = 46.0  # pixels: a higher row would say no more
_LEAST = 1.0  # times the height of its smallest letters: lower rows would touch
_NARROW = 130.0  # pixels: of rows that stand side by side, at least
_LETTERS = (0.6, 1.15, 1.5)  # times the system's: the smallest; if there is a past; ...
_CUT = 0.85  # smaller than this no name makes them: it is cut off
_NAMES = 0.48  # share of a row that its name may take
_PAST = 80.0  # pixels from which on the last minute is worth its place
_GAP = 16.0  # in it stands the label's colour
_DIM = 110  # of 255: how strong a colour is that is not decided
TRUTH = "\N{BLACK DIAMOND}"  # stands beside what is true


class Bars(AnswersPicture):
    """Draws the answers of a model on a stream, a row a label.

    Many labels stand in several columns, without their past. Where it is low, first the
    ribbons below them are left out, then those that are least probable.
    """

    def __init__(self, labels: Sequence[str], hop: float) -> None:
        super().__init__(labels, hop)
        self.setMaximumHeight(round(_ROW * len(labels) + FOOT))

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the size at which nothing is crowded."""
        return QSize(420, round(32 * min(len(self._labels), 12) + FOOT))

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return the size at which the rows of few labels can be read."""
        return QSize(200, ceil(_lowest() * min(len(self._labels), 6)))

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw it."""
        if self._answer is None or self._answers is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        n_rows, n_columns, high = self.rows_and_columns()
        wide = (self.width() - _GAP * (n_columns - 1)) / n_columns
        row = min(_ROW, (self.height() - high) / n_rows)
        shown = self._shown(n_rows * n_columns)
        for most in reversed(_LETTERS[1:]):
            size, name = self._names(row, wide, most)
            bold = QFontMetricsF(font(size, bold=True))
            number = bold.horizontalAdvance(">99 %") + 8
            room = max(0.0, wide - name - number - _GAP)
            past = 0.5 * (room - _GAP) if n_columns == 1 and high else 0.0
            if past >= _PAST:
                break
        else:
            past = 0.0
        long = room - past - (_GAP if past else 0.0)
        for at, k in enumerate(shown):
            column, line = divmod(at, n_rows)
            left, top = column * (wide + _GAP), line * row
            self._row(painter, k, QRectF(left, top, name, row), size)
            bar = QRectF(left + name + _GAP, top, long, row)
            self._bar(painter, k, bar, number, size)
        if high:
            below = n_rows * row
            if past:
                left = self.width() - past
                self._past(painter, QRectF(left, 0, past, below), row)
            else:
                left = max(side(), name + _GAP) if n_columns == 1 else side()
            foot = QRectF(left, below, self.width() - left, high)
            draw_foot(painter, foot, self._answers, self._labels, self._now, self._hop)
        painter.end()

    def rows_and_columns(self) -> tuple[int, int, float]:
        """Return in how many rows and columns labels stand, and what is left below."""
        n, lowest = len(self._labels), _lowest()
        most = min(n, max(1, int(self.width() / _NARROW)))
        for below in (FOOT, 0.0):
            for n_columns in range(1, most + 1):
                n_rows = ceil(n / n_columns)
                if self.height() - below >= n_rows * lowest:
                    return n_rows, n_columns, below
        return max(1, int(self.height() / lowest)), most, 0.0

    def _shown(self, room: int) -> list[int]:
        """Return the places of the labels that have room, in order: what matters."""
        assert self._answer is not None
        answer, labels = self._answer, self._labels
        shares = np.nan_to_num(answer.probabilities)
        matters = sorted(
            range(len(labels)),
            key=lambda k: (
                labels[k] == answer.label,
                labels[k] == answer.truth,
                shares[k],
            ),
            reverse=True,
        )
        return sorted(matters[:room])

    def _names(self, row: float, wide: float, most: float) -> tuple[float, float]:
        """Return how large the letters are, and how wide the widest name is."""
        one = QFontMetricsF(font(1.0, bold=True))
        names = [f"{TRUTH} {each}" for each in self._labels]
        widest = max(names, key=one.horizontalAdvance)
        fits = max(_CUT, _NAMES * wide / one.horizontalAdvance(widest))
        size = max(_LETTERS[0], min(most, 0.9 * row / one.height(), fits))
        needed = QFontMetricsF(font(size, bold=True)).horizontalAdvance(widest)
        return size, min(needed + 4, _NAMES * wide)

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
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(box, right, fits)

    def _bar(
        self, painter: QPainter, k: int, box: QRectF, number: float, size: float
    ) -> None:
        """Draw a label's colour and how probable it is, and write it behind."""
        assert self._answer is not None
        share = float(self._answer.probabilities[k])
        high = min(18.0, 0.5 * box.height())
        bar = QRectF(box.left(), box.center().y() - high / 2, box.width(), high)
        colour = colour_of(self._labels[k], self._labels)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawRect(QRectF(bar.left() - 10, bar.top(), 6, high))
        painter.setBrush(QColor(theme().raised))
        painter.drawRect(bar)
        text = "\N{EM DASH}"
        decided = self._labels[k] == self._answer.label
        if np.isfinite(share):
            colour.setAlpha(255 if decided else _DIM)
            painter.setBrush(colour)
            bar.setWidth(share * bar.width())
            painter.drawRect(bar)
            text = percent(share).strip()
        painter.setFont(font(size, bold=decided))
        painter.setPen(QColor(theme().text if decided else theme().quiet))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(
            QRectF(box.right(), box.top(), number, box.height()), right, text
        )

    def _past(self, painter: QPainter, box: QRectF, row: float) -> None:
        """Draw the last minute: a curve a label."""
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
        painter.setPen(QPen(QColor(theme().faint), 1))
        for k in range(len(self._labels)):
            low = round(box.top() + (k + 0.86) * row)
            painter.drawLine(round(box.left()), low, round(box.right()), low)


def _curve(painter: QPainter, box: QRectF, shares: Float64, colour: QColor) -> None:
    """Draw a curve with what is below it shaded."""
    soft = QColor(colour)
    soft.setAlpha(_DIM)
    draw_area(painter, box, np.zeros_like(shares), shares, soft)


def _lowest() -> float:
    """Return how high a row is at least, in pixels."""
    return _LEAST * QFontMetricsF(font(_LETTERS[0])).height()
