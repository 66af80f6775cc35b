"""The buttons in a dock's title: Qt's own are dark, also on a dark ground."""

from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap
from PyQt6.QtWidgets import QAbstractButton, QDockWidget

from rtpipe.dashboard.theme import theme

_SIZE = 32  # pixels of a drawing: more than are seen, for screens that have many
_FLOAT, _CLOSE = "qt_dockwidget_floatbutton", "qt_dockwidget_closebutton"


def paint_buttons(dock: QDockWidget) -> None:
    """Draw them in the colours in force; again when these change, or it is torn off."""
    for name, what in ((_FLOAT, "float"), (_CLOSE, "close")):
        button = dock.findChild(QAbstractButton, name)
        if button is not None:
            button.setIcon(_icon(what))
            button.setToolTip("tear off, or put back" if what == "float" else "close")


def _icon(what: str) -> QIcon:
    pixmap = QPixmap(_SIZE, _SIZE)
    pixmap.fill(Qt.GlobalColor.transparent)
    near, far = 0.22 * _SIZE, 0.78 * _SIZE
    with QPainter(pixmap) as painter:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme().text), _SIZE / 11))
        if what == "close":
            painter.drawLine(QPointF(near, near), QPointF(far, far))
            painter.drawLine(QPointF(near, far), QPointF(far, near))
        else:
            side = 0.6 * (far - near)
            painter.drawRect(QRectF(far - side, near, side, side))
            painter.drawRect(QRectF(near, far - side, side, side))
    return QIcon(pixmap)
