"""A label, as large as there is room: what is read across the room."""

from collections.abc import Iterator

from PyQt6.QtCore import QRectF, QSize, Qt
from PyQt6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
)
from PyQt6.QtWidgets import QSizePolicy, QWidget

from rtpipe.dashboard.answer import NONE
from rtpipe.dashboard.theme import font, theme

_LARGEST = 6.0  # times the system's letters; more is not calm
_SMALLEST = 0.6  # what does not fit is cut off
_HIGHEST = 8.0  # of the tile, times the height of the system's letters
_UPPER = 0.56  # share of the tile that is left to NONE where it tells why
_WIDE, _HIGH = 0.94, 0.8  # share of the room that the letters may take
_BAND = 12.0  # pixels on the left in the label's colour
_TINT = 52  # of 255: how much of that colour lies behind the letters


class Tile(QWidget):
    """A field in a label's colour with its name; an empty one where there is none.

    Attributes
    ----------
    text : str
        What it says.
    why : str
        Why there is no decision; empty where there is one.
    colour : QColor or None
        None where it says that there is no decision.
    """

    def __init__(self) -> None:
        super().__init__()
        self.text, self.why = NONE, ""
        self.colour: QColor | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMaximumHeight(round(_HIGHEST * QFontMetricsF(font()).height()))

    def show_label(self, label: str | None, colour: QColor, why: str = "") -> None:
        """Say a label, or that there is none and why."""
        text, shade = (NONE, None) if label is None else (label, colour)
        if (text, why, shade) != (self.text, self.why, self.colour):
            self.text, self.why, self.colour = text, why, shade
            self.setAccessibleName(f"{text}: {why}" if why else text)
            self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the size at which it is read from a chair."""
        return QSize(220, 72)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return the least size."""
        return QSize(90, 34)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        shape = QPainterPath()
        radius = min(8.0, box.height() / 5)
        shape.addRoundedRect(box, radius, radius)
        if self.colour is None:
            painter.strokePath(shape, QPen(QColor(theme().faint), 2))
            painter.setPen(QColor(theme().quiet))
        else:
            tint = QColor(self.colour)
            tint.setAlpha(_TINT)
            painter.fillPath(shape, tint)
            painter.setClipRect(QRectF(0, 0, _BAND, self.height()))
            painter.fillPath(shape, self.colour)
            painter.setClipping(False)
            painter.setPen(QColor(theme().text))
            box.setLeft(_BAND)
        lower = box.adjusted(8, _UPPER * box.height(), -8, -2)
        if self.why:
            box.setHeight(_UPPER * box.height())
        _write(painter, box, self.text)
        if self.why:
            painter.setPen(QColor(theme().warn))
            _explain(painter, lower, self.why)
        painter.end()


def _write(painter: QPainter, box: QRectF, text: str) -> None:
    """Write a label as large as it fits, in one line or in two."""
    size, lines = max((_size(lines, box), lines) for lines in _broken(text))
    painter.setFont(font(max(size, _SMALLEST), bold=True))
    if size < _SMALLEST:
        cut, metrics = Qt.TextElideMode.ElideRight, QFontMetricsF(painter.font())
        lines = tuple(metrics.elidedText(x, cut, _WIDE * box.width()) for x in lines)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, "\n".join(lines))


def _broken(text: str) -> Iterator[tuple[str, ...]]:
    """Return a text in one line, and broken in two at each of its spaces."""
    yield (text,)
    words = text.split(" ")
    for k in range(1, len(words)):
        yield " ".join(words[:k]), " ".join(words[k:])


def _size(lines: tuple[str, ...], box: QRectF) -> float:
    """Return how many times the system's letters these lines may have."""
    one = QFontMetricsF(font(1.0, bold=True))
    widest = max(1.0, *(one.horizontalAdvance(each) for each in lines))
    wide = _WIDE * box.width() / widest
    return min(wide, _HIGH * box.height() / (len(lines) * one.height()), _LARGEST)


def _explain(painter: QPainter, box: QRectF, why: str) -> None:
    """Write why there is no decision, in letters with which all of it is seen."""
    flags = Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap
    for size in (1.0, 0.9, 0.8, 0.7):
        chosen: QFont = font(size)
        needed = QFontMetricsF(chosen).boundingRect(box, int(flags), why)
        if needed.height() <= box.height() and needed.width() <= box.width():
            break
    painter.setFont(chosen)
    painter.drawText(box, flags, why)
