"""A label, as large as there is room: what is read across the room."""

from PyQt6.QtCore import QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QSizePolicy, QWidget

from rtpipe.dashboard.answer import NONE
from rtpipe.dashboard.theme import font, theme

_LARGEST = 6.0  # times the system's letters
_UPPER = 0.56  # share of the tile that is left to NONE where it tells why
_WIDE, _HIGH = 0.88, 0.72  # share of the tile that the letters may take


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
        return QSize(90, 44)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        round_ = min(10.0, box.height() / 5)
        if self.colour is None:
            painter.setPen(QPen(QColor(theme().faint), 2))
            painter.drawRoundedRect(box, round_, round_)
            self._excuse(painter, box)
            painter.setPen(QColor(theme().quiet))
        else:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self.colour)
            painter.drawRoundedRect(box, round_, round_)
            painter.setPen(QColor(theme().ground))
        if self.why:
            box.setHeight(box.height() * _UPPER)
        painter.setFont(_fitting(self.text, box))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self.text)
        painter.end()

    def _excuse(self, painter: QPainter, box: QRectF) -> None:
        """Write why there is no decision into the lower part."""
        lower = box.adjusted(8, _UPPER * box.height() * 0.95, -8, -2)
        painter.setFont(font(1.0))
        painter.setPen(QColor(theme().warn))
        flags = Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(lower, flags, self.why)


def _fitting(text: str, box: QRectF) -> QFont:
    """Return the largest letters with which a text fits."""
    one = QFontMetricsF(font(1.0, bold=True))
    wide = _WIDE * box.width() / max(1.0, one.horizontalAdvance(text))
    return font(
        max(0.5, min(wide, _HIGH * box.height() / one.height(), _LARGEST)), True
    )
