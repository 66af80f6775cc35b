"""Words that are shown as they are written: Qt takes what looks like HTML for HTML.

What a stream, a channel, a model, a marker or an error is called is not ours.
"""

from html import escape

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtGui import QPainter, QPaintEvent
from PyQt6.QtWidgets import QLabel

from rtpipe.printable import clean


class Plain(QLabel):
    """A label without HTML; where it has no room, it is cut and makes no room.

    What would turn the direction of the words beside it is a blank.

    Parameters
    ----------
    text : str
    """

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setText(text)

    def setText(self, text: str | None) -> None:  # noqa: N802
        """Show another text."""
        lines = (text or "").split("\n")
        super().setText("\n".join(map(clean, lines)))

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return the height alone: a long word makes no window wider."""
        return QSize(1, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw the text; of a line that is too long, its two ends."""
        room, text, letters = self.contentsRect(), self.text(), self.fontMetrics()
        if self.wordWrap() or letters.horizontalAdvance(text) <= room.width():
            super().paintEvent(event)
            return
        middle = Qt.TextElideMode.ElideMiddle
        ink = self.palette().color(self.foregroundRole())
        with QPainter(self) as painter:
            painter.setPen(ink)
            cut = letters.elidedText(text, middle, room.width())
            painter.drawText(room, self.alignment(), cut)


def as_entry(text: str) -> str:
    """Return what as a title, or in a menu, shows a text as it is written.

    Of a single & Qt would make a key.
    """
    return text.replace("&", "&&")


def tip(text: str) -> str:
    """Return what as a tool tip shows a text as it is written, in lines of its own."""
    return f'<p style="white-space: pre-wrap">{escape(text)}</p>' if text else ""
