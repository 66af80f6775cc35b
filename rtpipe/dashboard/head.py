"""The head under a Muse, seen from above: where its four electrodes are, and how."""

from collections.abc import Sequence
from math import cos, radians, sin

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QFont, QPainter, QPainterPath, QPaintEvent, QPen
from PyQt6.QtWidgets import QSizePolicy, QWidget

from rtpipe.dashboard.plain import tip
from rtpipe.dashboard.sign import draw_sign, reason_of
from rtpipe.dashboard.theme import state_colour, theme

#: Electrodes by the 10-10 system: degrees from the nose to the right, and how far from
#: the middle, the edge of the head being 1.
PLACES = {
    "AF7": (-36.0, 0.82),
    "AF8": (36.0, 0.82),
    "TP9": (-108.0, 0.9),
    "TP10": (108.0, 0.9),
}


def is_muse(ch_names: Sequence[str]) -> bool:
    """Tell whether a stream has the electrodes of a Muse."""
    return set(PLACES) <= set(ch_names)


class Head(QWidget):
    """A head from above, its nose at the top, with a sign and a word an electrode."""

    def __init__(self) -> None:
        super().__init__()
        self._quality = dict.fromkeys(PLACES, "?")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def show_quality(self, quality: dict[str, str]) -> None:
        """Show a word for each electrode in `PLACES`."""
        if quality != self._quality:
            self._quality = quality
            told = ", ".join(f"{name} {word}" for name, word in quality.items())
            self.setAccessibleDescription(told)
            reasons = {word: reason_of(word) for word in quality.values()}
            more = "\n".join(f"{w}: {why}" for w, why in reasons.items() if why)
            self.setToolTip(tip("\n".join(filter(None, (told, more)))))
            self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the least room in which the words of one side do not meet."""
        line = self.fontMetrics().height()
        return QSize(5 * line + 2 * self._words(), int(5.5 * line))

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return the same."""
        return self.sizeHint()

    def _words(self) -> int:
        """Return the room for the words on one side."""
        return self.fontMetrics().horizontalAdvance("no data") + 8

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw it as large as there is room."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        across, down = self.width() - 2 * self._words(), self.height()
        radius = max(20.0, min(across / 2.3, down / 2.35))
        middle = QPointF(self.width() / 2, down / 2 + 0.06 * radius)
        _draw_outline(painter, middle, radius)
        for name, word in self._quality.items():
            self._draw_electrode(painter, middle, radius, name, word)

    def _draw_electrode(
        self, painter: QPainter, middle: QPointF, radius: float, name: str, word: str
    ) -> None:
        turn, out = PLACES[name]
        across, up = sin(radians(turn)), cos(radians(turn))
        at = middle + radius * out * QPointF(0.86 * across, -up)
        size = 0.13 * radius
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme().ground))
        painter.drawEllipse(at, 1.6 * size, 1.6 * size)
        draw_sign(painter, at, size, word)
        # The words stand outside the head, on the electrode's side.
        line = self.fontMetrics().height()
        edge = at.x() + (1 if turn > 0 else -1) * (0.36 * radius)
        box = QRectF(edge, at.y() - line, self.width(), 2 * line)
        side = Qt.AlignmentFlag.AlignLeft
        if turn < 0:
            box.moveRight(edge)
            side = Qt.AlignmentFlag.AlignRight
        bold = QFont(self.font())
        bold.setBold(True)
        painter.setFont(bold)
        painter.setPen(QColor(theme().text))
        painter.drawText(box, side | Qt.AlignmentFlag.AlignTop, name)
        painter.setFont(self.font())
        painter.setPen(state_colour(word))
        painter.drawText(box, side | Qt.AlignmentFlag.AlignBottom, word)


def _draw_outline(painter: QPainter, middle: QPointF, radius: float) -> None:
    x, y = middle.x(), middle.y()
    wide = 0.86 * radius  # a head is longer than wide
    skull = QPainterPath()
    skull.addEllipse(middle, wide, radius)
    nose = QPainterPath(QPointF(x - 0.17 * radius, y - 0.9 * radius))
    tip = QPointF(x, y - 1.26 * radius)
    nose.quadTo(QPointF(x - 0.07 * radius, y - 1.13 * radius), tip)
    nose.quadTo(
        QPointF(x + 0.07 * radius, y - 1.13 * radius),
        QPointF(x + 0.17 * radius, y - 0.9 * radius),
    )
    nose.closeSubpath()
    shape = skull.united(nose)
    for side in (-1, 1):
        ear = QPainterPath()
        ear.addEllipse(
            QPointF(x + side * wide, y + 0.02 * radius), 0.12 * radius, 0.24 * radius
        )
        shape = shape.united(ear)
    painter.setBrush(QColor(theme().raised))
    painter.setPen(QPen(QColor(theme().quiet), max(1.5, 0.02 * radius)))
    painter.drawPath(shape)
    band = QPainterPath()  # the headband, from temple to temple over the forehead
    ring = QRectF(x - 0.74 * radius, y - 0.86 * radius, 1.48 * radius, 1.72 * radius)
    band.arcMoveTo(ring, -18)
    band.arcTo(ring, -18, 216)
    pen = QPen(QColor(theme().faint), 0.1 * radius)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(pen)
    painter.drawPath(band)
