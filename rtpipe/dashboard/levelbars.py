"""Bars that lie, with a name before and a figure behind: how strong each of some is."""

from dataclasses import dataclass

from PyQt6.QtCore import QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from PyQt6.QtWidgets import QWidget

from rtpipe.dashboard.theme import font, theme

_TALLEST = 2.2  # lines of a bar's room, at most
_SHORTEST = 5  # lines that a bar is long, before notes are left out
_READ = 0.85  # lines, below which a name cannot be read


@dataclass(frozen=True, slots=True)
class Level:
    """One bar.

    Parameters
    ----------
    name, note, figure : str
        Before it, the note quietly; and behind it.
    share : float
        Its length, 1 at most.
    chosen : bool
        Whether it has the one colour that says: this.
    """

    name: str
    note: str
    figure: str
    share: float
    chosen: bool


class LevelBars(QWidget):
    """Draws bars under each other.

    Attributes
    ----------
    levels : list of Level
    clicked : pyqtSignal
        With the place of a bar that was clicked.
    """

    clicked = pyqtSignal(int)

    def __init__(self) -> None:
        super().__init__()
        self.levels: list[Level] = []

    def show_levels(self, levels: list[Level]) -> None:
        """Show these bars."""
        if levels != self.levels:
            if len(levels) != len(self.levels):
                self.updateGeometry()
            self.levels = levels
            said = "\n".join(f"{e.name} {e.figure}" for e in levels)
            self.setAccessibleDescription(said)
            self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the room in which it is easily read."""
        line = self.fontMetrics().height()
        return QSize(18 * line, int(1.5 * line * max(5, min(16, len(self.levels)))))

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return the room in which it can still be read."""
        line = self.fontMetrics().height()
        return QSize(14 * line, line * max(4, min(8, len(self.levels))))

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Tell which bar was clicked."""
        assert event is not None
        at = int(event.position().y() // self._tall()) if self.levels else -1
        if 0 <= at < len(self.levels):
            self.clicked.emit(at)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw the bars."""
        if not self.levels:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tall, line = self._tall(), self.fontMetrics().height()
        read = tall >= _READ * line
        before, behind = self._margins() if read else (0, 0)
        reach = max(10, self.width() - before - behind)
        thick = min(0.62 * tall, 1.1 * line)
        for k, level in enumerate(self.levels):
            middle = (k + 0.5) * tall
            box = QRectF(before, middle - thick / 2, reach, thick)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme().raised))
            painter.drawRoundedRect(box, 3, 3)
            if level.share > 0:
                box.setWidth(max(3.0, reach * min(1.0, level.share)))
                colour = theme().accent if level.chosen else theme().signal
                painter.setBrush(QColor(colour))
                painter.drawRoundedRect(box, 3, 3)
            if read:
                self._write(painter, level, middle, before)

    def _write(
        self, painter: QPainter, level: Level, middle: float, before: float
    ) -> None:
        line = self.fontMetrics().height()
        room = QRectF(0, middle - line / 2, self.width(), line)
        centre = Qt.AlignmentFlag.AlignVCenter
        painter.setPen(QColor(theme().text))
        painter.setFont(font(1, bold=level.chosen and not level.note))
        painter.drawText(room, centre | Qt.AlignmentFlag.AlignLeft, level.name)
        painter.drawText(room, centre | Qt.AlignmentFlag.AlignRight, level.figure)
        painter.setFont(font(0.9))
        painter.setPen(QColor(theme().quiet))
        room.setLeft(self._widest([each.name for each in self.levels]) + 8)
        room.setRight(before)
        if room.width() > 2 * line:
            painter.drawText(room, centre | Qt.AlignmentFlag.AlignLeft, level.note)

    def _margins(self) -> tuple[int, int]:
        """Return the room before the bars and behind; notes only where bars have it."""
        names = self._widest([each.name for each in self.levels]) + 10
        notes = self._widest([each.note for each in self.levels])
        figures = self._widest([each.figure for each in self.levels]) + 10
        left = self.width() - names - notes - figures
        noted = notes and left >= _SHORTEST * self.fontMetrics().height()
        return names + (notes + 8 if noted else 0), figures

    def _widest(self, texts: list[str]) -> int:
        advance = self.fontMetrics().horizontalAdvance
        return max((advance(each + " ") for each in texts if each), default=0)

    def _tall(self) -> float:
        most = _TALLEST * self.fontMetrics().height()
        return min(most, self.height() / max(1, len(self.levels)))
