"""A hand, drawn: what each gesture looks like, to be recognised across a room.

It is a right hand: its palm where the fingers are what matters, its thumb's side where
the wrist bends. Everything is made of strokes that grow thinner from joint to joint, in
a square of 100 units whose y points down.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from math import cos, radians, sin

import numpy as np
from PyQt6.QtCore import QPointF, QSize, Qt
from PyQt6.QtGui import (
    QColor,
    QLinearGradient,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPolygonF,
    QTransform,
)
from PyQt6.QtWidgets import QSizePolicy, QWidget

from rtpipe.dashboard.theme import theme
from rtpipe.types import Float64

_SIZE = 100.0
_CUT = 1.7  # width of the line that sets a finger off from the next
_TURN = 26.0  # degrees of a deviation
_BEND = 52.0  # degrees of a flexion
_PALE = 0.3  # share of the colour of a hand that means no known gesture
_PIECES = 24  # straight ones from joint to joint, and round an end

Joint = tuple[float, float, float]  # x, y and half the width there


@dataclass(frozen=True)
class _Drawing:
    """What is drawn, from the back to the front.

    Parameters
    ----------
    parts : tuple of QPainterPath
        Each set off from those behind it.
    over : QPainterPath
        In front, and not set off: what the parts grow out of.
    arm : (float, float, float, float)
        From where to where the arm fades out: x and y of both.
    ghost : QPainterPath or None
        Where the hand would be if its wrist were straight.
    table : float or None
        Height of what it rests on.
    """

    parts: tuple[QPainterPath, ...]
    arm: tuple[float, float, float, float]
    over: QPainterPath = field(default_factory=QPainterPath)
    ghost: QPainterPath | None = None
    table: float | None = None


class Hand(QWidget):
    """Draws the hand of a label.

    Attributes
    ----------
    label : str or None
        None is no gesture: the outline of a hand.
    """

    def __init__(self) -> None:
        super().__init__()
        self.label: str | None = None
        self._colour = QColor(theme().quiet)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def show_label(self, label: str | None, colour: QColor) -> None:
        """Draw this gesture in this colour; without a drawing, a pale neutral hand."""
        if (label, colour) != (self.label, self._colour):
            self.label, self._colour = label, colour
            self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the size at which it is at its best."""
        return QSize(220, 220)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return the size below which nobody recognises it."""
        return QSize(80, 80)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw it as large as there is room."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        side = min(self.width(), self.height())
        painter.translate((self.width() - side) / 2, (self.height() - side) / 2)
        painter.scale(side / _SIZE, side / _SIZE)
        colour = QColor(theme().faint if self.label is None else self._colour)
        if self.label is not None and _named(self.label) not in _POSES:
            colour = _mixed(colour, QColor(theme().ground), _PALE)
        _paint(painter, _drawing(self.label), colour)
        painter.end()


@cache
def _drawing(label: str | None) -> _Drawing:
    return _POSES.get(_named(label or ""), _neutral)()


def _named(label: str) -> str:
    """Return the name under which a label is drawn."""
    name = " ".join(label.lower().replace("_", " ").replace("-", " ").split())
    return _ALSO.get(name, name)


def _paint(painter: QPainter, drawn: _Drawing, colour: QColor) -> None:
    colours = theme()
    round_ = Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin
    if drawn.table is not None:
        painter.setPen(QPen(QColor(colours.quiet), 1.2, *round_))
        painter.drawLine(QPointF(4, drawn.table), QPointF(96, drawn.table))
    if drawn.ghost is not None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.fillPath(drawn.ghost, QColor(colours.faint))
    x0, y0, x1, y1 = drawn.arm
    fill, clear = QLinearGradient(x0, y0, x1, y1), QColor(colour)
    clear.setAlpha(0)
    fill.setColorAt(0, colour)
    fill.setColorAt(1, clear)
    for part in drawn.parts:
        painter.strokePath(part, QPen(QColor(colours.ground), 2 * _CUT, *round_))
        painter.fillPath(part, fill)
    painter.fillPath(drawn.over, fill)


def _mixed(colour: QColor, other: QColor, share: float) -> QColor:
    """Return a colour that has so much of the first, and hides what is behind it."""
    pairs = zip(colour.getRgb()[:3], other.getRgb()[:3], strict=True)
    red, green, blue = (round(share * a + (1 - share) * b) for a, b in pairs)
    return QColor(red, green, blue)


def _limb(*joints: Joint) -> QPainterPath:
    """Return a soft stroke through joints, round at its ends."""
    x, y, r = _smooth(joints).T
    along = np.arctan2(np.gradient(y), np.gradient(x))
    half = np.linspace(-np.pi / 2, np.pi / 2, _PIECES)
    there, back = along - np.pi / 2, along[::-1] + np.pi / 2
    towards = np.concatenate([there, along[-1] + half, back, along[0] + np.pi + half])
    points = np.arange(len(x))
    last, first = np.full(_PIECES, len(x) - 1), np.zeros(_PIECES, int)
    at = np.concatenate([points, last, points[::-1], first])
    outline = zip(
        (x[at] + r[at] * np.cos(towards)).tolist(),
        (y[at] + r[at] * np.sin(towards)).tolist(),
        strict=True,
    )
    path = QPainterPath()
    path.setFillRule(Qt.FillRule.WindingFill)
    path.addPolygon(QPolygonF([QPointF(*each) for each in outline]))
    path.closeSubpath()
    return path


def _smooth(joints: tuple[Joint, ...]) -> Float64:
    """Return points of the curve through joints that Catmull and Rom found."""
    spread = np.array([joints[0], *joints, joints[-1]])
    t = np.linspace(0, 1, _PIECES, endpoint=False)[:, None]
    curve = [
        b
        + t * (c - a) / 2
        + t**2 * (a - 2.5 * b + 2 * c - d / 2)
        + t**3 * (1.5 * (b - c) + (d - a) / 2)
        for a, b, c, d in zip(spread, spread[1:], spread[2:], spread[3:], strict=False)
    ]
    points: Float64 = np.concatenate([*curve, spread[-1:]])
    return points


def _joined(*paths: QPainterPath) -> QPainterPath:
    whole = QPainterPath()
    whole.setFillRule(Qt.FillRule.WindingFill)
    for path in paths:
        whole.addPath(path)
    return whole


def _turned(path: QPainterPath, angle: float, x: float, y: float) -> QPainterPath:
    """Return the path turned clockwise around a point."""
    turn = QTransform().translate(x, y).rotate(angle).translate(-x, -y)
    return turn.map(path)


# The palm, towards who looks: the thumb is on the right.

_WRIST = (50.0, 80.0)
_UPRIGHT = (50.0, 91.0, 50.0, 100.0)
_KNUCKLES = ((62.0, 53.0), (53.6, 50.0), (45.2, 51.5), (37.6, 56.5))
_LENGTHS = (30.0, 34.0, 31.0, 23.5)
_WIDTHS = (4.5, 4.6, 4.4, 3.9)
_SPREAD = (13.0, 2.0, -9.0, -23.0)  # degrees, from the index to the little finger
_CLOSED = (3.0, 0.6, -1.8, -4.6)


def _forearm() -> QPainterPath:
    return _limb((50, 79, 11), (50, 92, 11.5), (50, 112, 13.5))


def _palm() -> QPainterPath:
    return _joined(
        *(_limb((50, 78, 11), (x, y, 5)) for x, y in _KNUCKLES),
        _limb((50, 62, 14), (50, 78, 11.5)),
    )


def _fingers(spread: tuple[float, ...]) -> list[QPainterPath]:
    found = []
    for (x, y), far, r, turn in zip(_KNUCKLES, _LENGTHS, _WIDTHS, spread, strict=True):
        dx, dy = sin(radians(turn)), -cos(radians(turn))
        found.append(
            _limb(
                (x, y + 3, r + 0.4),
                (x + 0.5 * far * dx, y + 0.5 * far * dy, r),
                (x + far * dx, y + far * dy, r - 0.9),
            )
        )
    return found


def _open() -> _Drawing:
    thumb = _limb((57, 77, 9), (69, 65, 6), (79, 55, 4.9), (86.5, 46, 4.1))
    whole = _joined(_forearm(), _palm(), thumb, *_fingers(_SPREAD))
    return _Drawing((whole,), _UPRIGHT)


def _flat() -> list[QPainterPath]:
    """Return a hand with its fingers together, its wrist at `_WRIST`."""
    thumb = _limb((57, 77, 9), (67.5, 66, 5.6), (72.5, 55, 4.6), (74.5, 47, 3.9))
    body = _joined(_palm(), thumb)
    return [body, *_fingers(_CLOSED)]


def _neutral() -> _Drawing:
    body, *fingers = _flat()
    return _Drawing((_joined(body, _forearm()), *fingers), _UPRIGHT, _palm())


def _deviation(angle: float) -> _Drawing:
    straight = _flat()
    body, *fingers = (_turned(each, angle, *_WRIST) for each in straight)
    return _Drawing(
        (_joined(body, _forearm()), *fingers),
        _UPRIGHT,
        over=_turned(_palm(), angle, *_WRIST),
        ghost=_joined(*straight),
    )


def _clenched() -> list[QPainterPath]:
    """Return a palm and four curled fingers, the index finger first."""
    palm = _joined(
        _limb((50, 57, 20), (50, 76, 13)),
        _limb((36, 52, 8), (58, 50, 9)),
        _limb((50, 76, 13), (50, 92, 13), (50, 112, 14.5)),
    )
    rows = ((65, 31, 55), (53, 28, 57), (41, 30, 56.5), (30, 35, 54))
    curled = [
        _limb((x, top, 6.6 - 0.3 * k), (x + 0.5, low, 6 - 0.3 * k))
        for k, (x, top, low) in enumerate(rows)
    ]
    return [palm, *curled]


def _fist() -> _Drawing:
    thumb = _limb((67, 68, 8.4), (60, 61, 7.2), (43, 62.5, 6))
    return _Drawing((*_clenched(), thumb), _UPRIGHT)


def _point() -> _Drawing:
    palm, _, *others = _clenched()
    finger = _limb((64, 54, 7), (66, 32, 6), (67, 8, 5))
    thumb = _limb((67, 68, 8.4), (60, 61, 7.2), (43, 62.5, 6))
    return _Drawing((palm, finger, *others, thumb), _UPRIGHT)


def _thumb_up() -> _Drawing:
    thumb = _limb((62, 72, 9), (76, 64, 7), (93, 60, 5.6))
    parts = [_turned(each, -90, 50, 50) for each in (*_clenched(), thumb)]
    return _Drawing(tuple(parts), (91, 50, 100, 50))


def _pinch() -> _Drawing:
    _, *others = _fingers(_SPREAD)
    thumb = _limb((57, 77, 9), (70, 69, 6), (79, 61, 4.9), (83, 53, 4.2))
    finger = _limb((62, 56, 5), (70, 40, 4.8), (80, 40, 4.5), (84, 50, 4))
    whole = _joined(_forearm(), _palm(), thumb, *others)
    return _Drawing((whole, finger), _UPRIGHT, over=_palm())


# From the thumb's side, the palm down: the arm comes from the right.

_JOINT = (60.0, 50.0)
_LEVEL = (70.0, 50.0, 100.0, 50.0)


def _sideways() -> tuple[QPainterPath, QPainterPath]:
    """Return a stretched hand and its thumb, the wrist at `_JOINT`."""
    hand = _limb((60, 50, 10), (38, 48, 8.8), (22, 49, 6.2), (7.5, 52.5, 4))
    thumb = _limb((55, 54, 6), (42, 60, 5), (31, 61.5, 3.9))
    return hand, thumb


def _bend(angle: float) -> _Drawing:
    hand, thumb = _sideways()
    ghost = _joined(hand, thumb)
    hand, thumb = (_turned(each, angle, *_JOINT) for each in (hand, thumb))
    arm = _limb((60, 50, 10), (72, 50, 10.5), (114, 50, 13.5))
    return _Drawing((_joined(arm, hand), thumb), _LEVEL, ghost=ghost)


def _rest() -> _Drawing:
    arm = _limb((62, 58, 10), (76, 58.5, 11), (114, 58, 13.5))
    hand = _limb((62, 58, 10), (41, 51, 9.2), (25, 53, 6.4), (15, 60, 5), (11, 68, 4.2))
    thumb = _limb((57, 61, 6), (43, 66, 5), (32, 68, 4))
    return _Drawing((_joined(arm, hand), thumb), (74, 58, 100, 58), table=73.5)


_POSES: dict[str, Callable[[], _Drawing]] = {
    "rest": _rest,
    "fist": _fist,
    "open": _open,
    "point": _point,
    "pinch": _pinch,
    "thumb up": _thumb_up,
    "wrist flexion": lambda: _bend(-_BEND),
    "wrist extension": lambda: _bend(_BEND),
    "radial deviation": lambda: _deviation(_TURN),
    "ulnar deviation": lambda: _deviation(-_TURN),
}
_ALSO = {  # names that others use, and the one above
    "relax": "rest",
    "no movement": "rest",
    "close": "fist",
    "closed": "fist",
    "hand close": "fist",
    "hand closed": "fist",
    "extended palm": "open",  # in the recordings of UCI
    "hand open": "open",
    "open hand": "open",
    "flexion": "wrist flexion",
    "extension": "wrist extension",
    "pointing": "point",
    "thumbs up": "thumb up",
}
