"""The signs of qualities and of connections: a shape, a colour and a sentence each."""

from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QPainter, QPen, QPolygonF

from rtpipe.dashboard.theme import state_colour

#: The states of a connection without data.
ENDED = frozenset({"lost", "recovering", "silent"})
_ROUND = frozenset({"good", "streaming"})
_CORNERED = frozenset({"flat", "railed", "lost", "silent", "gone"})
_POINTED = frozenset({"mains", "noisy", "degraded", "recovering"})
_REASONS = {
    "good": "",
    "flat": "no signal. Is it plugged in?",
    "railed": "at its limit. Press it on, or wet it",
    "mains": "hum. Press it on, go away from cables",
    "noisy": "muscle, or loose. Relax, or press it on",
    "?": "not judged yet",
    "no data": "",
}


def reason_of(quality: str) -> str:
    """Return what a quality means and what to try; empty for a good one."""
    return _REASONS.get(quality, quality)


def draw_sign(painter: QPainter, centre: QPointF, radius: float, word: str) -> None:
    """Draw the sign of a quality, or of a connection's state.

    A disc where all is well, a triangle where it could be better, a square with a cross
    where nothing comes, a ring where nothing is known: told apart without the colour.

    Parameters
    ----------
    painter : QPainter
    centre : QPointF
    radius : float
        Of the disc, in pixels.
    word : str
        One that `rtpipe.dashboard.theme.state_colour` knows.
    """
    colour = state_colour(word)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    if word in _ROUND:
        painter.drawEllipse(centre, radius, radius)
    elif word in _POINTED:
        painter.drawPolygon(_triangle(centre, 1.2 * radius))
    elif word in _CORNERED:
        half = 0.95 * radius
        box = QRectF(centre.x() - half, centre.y() - half, 2 * half, 2 * half)
        painter.drawRoundedRect(box, 0.3 * radius, 0.3 * radius)
        _cross(painter, centre, 0.45 * radius)
    else:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(colour, max(1.5, 0.25 * radius)))
        painter.drawEllipse(centre, 0.85 * radius, 0.85 * radius)


def _triangle(centre: QPointF, radius: float) -> QPolygonF:
    x, y = centre.x(), centre.y() + 0.15 * radius
    corners = ((0.0, -1.0), (0.9, 0.6), (-0.9, 0.6))
    return QPolygonF([QPointF(x + radius * a, y + radius * b) for a, b in corners])


def _cross(painter: QPainter, centre: QPointF, reach: float) -> None:
    pen = QPen(QColor("white"), max(1.5, 0.4 * reach))
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    painter.setPen(pen)
    for rise in (1, -1):
        way = QPointF(reach, rise * reach)
        painter.drawLine(centre - way, centre + way)
