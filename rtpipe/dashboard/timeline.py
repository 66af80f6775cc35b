"""What the pictures of answers over time share: ribbons of labels, and an axis."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QRectF, Qt
from PyQt6.QtGui import QColor, QFontMetricsF, QPainter

from rtpipe.dashboard.columns import edges, newest, stretches
from rtpipe.dashboard.model import Answers
from rtpipe.dashboard.theme import colour_of, font, theme
from rtpipe.types import Float64

MINUTE = 60.0  # seconds that most of them show
FOOT = 48.0  # pixels of what `draw_foot` draws
_SMALL = 0.85  # of the system's letters
_WIDE = 6  # words from which on there is room for one in the middle


def side() -> float:
    """Return the pixels that the ribbons' names take, on the left."""
    return QFontMetricsF(font(_SMALL)).horizontalAdvance("decision") + 14


def draw_foot(
    painter: QPainter,
    box: QRectF,
    answers: Answers | None,
    labels: Sequence[str],
    now: float,
    hop: float,
    span: float = MINUTE,
) -> None:
    """Draw which labels were decided and which were true, and the axis of time.

    Parameters
    ----------
    painter : QPainter
    box : QRectF
        `FOOT` high; the ribbons' names stand on the left of it.
    answers : Answers or None
    labels : sequence of str
    now : float
        On the stream's clock: the right edge; nan where it is not known.
    hop, span : float
        Seconds from one answer to the next, and from the left to the right.
    """
    decided = QRectF(box.left(), box.top() + 3, box.width(), 13)
    true = QRectF(box.left(), decided.bottom() + 4, box.width(), 8)
    if answers is not None and len(answers) and np.isfinite(now):
        between = edges(now, span, max(1, int(box.width())))
        at = newest(answers.end, between, hop)
        _ribbon(painter, decided, _at(answers.label, at), labels, "decision")
        if (answers.truth >= 0).any():
            _ribbon(painter, true, _at(answers.truth, at), labels, "truth")
    draw_axis(painter, QRectF(box.left(), true.bottom() + 1, box.width(), 19), span)


def _at(places: NDArray[np.int16], at: NDArray[np.intp]) -> NDArray[np.int16]:
    return np.where(at < 0, np.int16(-1), places[at])


def _ribbon(
    painter: QPainter,
    box: QRectF,
    places: NDArray[np.int16],
    labels: Sequence[str],
    name: str,
) -> None:
    """Draw which label was when; its name stands on the left of it.

    Parameters
    ----------
    painter : QPainter
    box : QRectF
    places : ndarray, shape (n_columns,)
        In `labels`; -1 is no label, and is left empty.
    labels : sequence of str
    name : str
    """
    wide = box.width() / max(1, len(places))
    painter.fillRect(box, QColor(theme().raised))
    for start, stop in stretches(places):
        if places[start] >= 0:
            colour = colour_of(labels[places[start]], labels)
            part = QRectF(
                box.left() + start * wide,
                box.top(),
                (stop - start) * wide,
                box.height(),
            )
            painter.fillRect(part, colour)
    painter.setPen(QColor(theme().quiet))
    painter.setFont(font(_SMALL))
    right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
    painter.drawText(box.adjusted(-208, -8, -box.width() - 8, 8), right, name)


def draw_axis(painter: QPainter, box: QRectF, span: float) -> None:
    """Write how long ago the left, the middle and the right of a picture are."""
    painter.setPen(QColor(theme().quiet))
    painter.setFont(font(_SMALL))
    sides = Qt.AlignmentFlag
    texts = [(sides.AlignLeft, _ago(span)), (sides.AlignRight, "now")]
    if box.width() > _WIDE * QFontMetricsF(painter.font()).horizontalAdvance("now"):
        texts.append((sides.AlignHCenter, _ago(span / 2)))
    for side, text in texts:
        painter.drawText(box, side | sides.AlignVCenter, text)


def draw_area(
    painter: QPainter, box: QRectF, low: Float64, high: Float64, colour: QColor
) -> None:
    """Fill what lies between two lines, column by column: nothing else is as quick.

    Parameters
    ----------
    painter : QPainter
    box : QRectF
        Its bottom is 0, its top 1.
    low, high : ndarray, shape (n_columns,)
        nan where there is a gap.
    colour : QColor
    """
    there = np.flatnonzero(np.isfinite(high))
    if not len(there):
        return
    wide = box.width() / max(1, len(high))
    left = box.left() + wide * there
    top = box.bottom() - box.height() * high[there]
    tall = box.height() * (high - low)[there]
    columns = zip(left.tolist(), top.tolist(), tall.tolist(), strict=True)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawRects(*(QRectF(x, y, wide, height) for x, y, height in columns))
    painter.restore()


def _ago(seconds: float) -> str:
    if seconds >= 120:
        return f"\N{MINUS SIGN}{seconds / 60:g} min"
    return f"\N{MINUS SIGN}{seconds:g} s"
