"""What lies over a panel that stands still, so that nobody takes it for live."""

from PyQt6.QtCore import QEvent, QObject, Qt
from PyQt6.QtGui import QColor, QPainter, QPaintEvent
from PyQt6.QtWidgets import QWidget

from rtpipe.dashboard.theme import theme

_SHARE = 0.55  # of the ground, over what is below


class Veil(QWidget):
    """Pales a widget as long as it is visible; the mouse acts on what is below.

    Parameters
    ----------
    below : QWidget
    """

    def __init__(self, below: QWidget) -> None:
        super().__init__(below)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._below = below
        below.installEventFilter(self)
        self.hide()

    def setVisible(self, visible: bool) -> None:  # noqa: N802
        """Lie over all that is there by now, or no longer."""
        self.setGeometry(self._below.rect())
        self.raise_()
        super().setVisible(visible)

    def eventFilter(  # noqa: N802
        self, watched: QObject | None, event: QEvent | None
    ) -> bool:
        """Stay as large as what is below."""
        if event is not None and event.type() == QEvent.Type.Resize:
            self.setGeometry(self._below.rect())
        return False

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw it."""
        colour = QColor(theme().ground)
        colour.setAlphaF(_SHARE)
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), colour)
