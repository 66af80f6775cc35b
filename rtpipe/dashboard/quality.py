"""The panel of quality: does each stream come, is it whole, does it look like one."""

from collections.abc import Callable
from math import inf
from typing import Any

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QFrame, QGridLayout, QScrollArea, QVBoxLayout, QWidget

from rtpipe.dashboard.model import RunModel
from rtpipe.dashboard.panel import Panel
from rtpipe.dashboard.streamquality import StreamQuality

_EVERY = 0.25  # seconds between two figures: the run tells them no more often
_SCALES = (1.6, 1.4, 1.2, 1.0)  # of letters, the first for which there is room
_COLUMNS = (5, 2, 1)  # of figures, the first for which there is room
_SPARE = 2  # lines that are left free where letters are large
_APART = 20  # pixels between two streams
_AROUND = (12, 6)  # pixels


class QualityPanel(Panel):
    """Every stream with its channels, its connection and what is counted of it.

    Attributes
    ----------
    streams : dict of str to StreamQuality
        Made by the first `refresh`.
    """

    title = "Quality"

    def __init__(self, about: str, send: Callable[[dict[str, Any]], None]) -> None:
        super().__init__(about, send)
        self.streams: dict[str, StreamQuality] = {}
        self._shown = -_EVERY
        self._room: tuple[int, ...] = ()  # for which letters were chosen, and how much
        inside = QWidget()
        self._grid = QGridLayout(inside)
        self._grid.setContentsMargins(*_AROUND, *_AROUND)
        self._grid.setSpacing(_APART)
        self._area = area = QScrollArea()
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inside)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(area)

    def refresh(self, run: RunModel, now: float) -> None:
        """Show how every stream stands."""
        if now - self._shown < _EVERY:
            return
        self._shown = now
        if not self.streams:
            self.streams = {n: StreamQuality(each) for n, each in run.streams.items()}
        for name, shown in self.streams.items():
            shown.refresh(run.streams[name], run, now)
        self._arrange()

    def retheme(self) -> None:
        """Draw in the new colours at the next `refresh`."""
        self._shown = -_EVERY
        for each in self.streams.values():
            each.retheme()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Put as many streams beside each other as there is room for."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        """Choose letters as large as there is room for, and who stands beside whom."""
        # Of the whole panel, not of what a scroll bar leaves: it would come and go.
        known = (len(each.facts.shown) for each in self.streams.values())
        room = self.width(), self.height(), *known
        if not self.streams or room == self._room:
            return
        self._room = room
        wide, high = self.width() - 2 * _AROUND[0], self.height() - 2 * _AROUND[1]
        most = len(self.streams)
        for scale in _SCALES:
            for each in self.streams.values():
                each.resize_letters(scale)
            for across in range(most, 0, -1):
                if self._height(wide, across, scale) <= high:
                    self._place(across)
                    return
        # There is no room for all: it scrolls.
        bar = self._area.verticalScrollBar()
        assert bar is not None
        wide -= bar.sizeHint().width()
        heights = {across: self._height(wide, across) for across in range(1, most + 1)}
        across = min(heights, key=heights.__getitem__)
        self._height(wide, across)
        self._place(across)

    def _height(self, wide: int, across: int, scale: float = 1.0) -> float:
        """Put the figures in columns, and return the height of all streams.

        It is infinite where they are not wide enough.
        """
        each_wide = (wide + _APART) // across - _APART
        streams = [*self.streams.values()]
        for columns in _COLUMNS:
            for each in streams:
                each.arrange(columns)
            if max(each.least for each in streams) <= each_wide:
                break
        else:
            return inf
        tall = [each.height_in(each_wide) for each in streams]
        rows = [max(tall[k : k + across]) for k in range(0, len(tall), across)]
        spare = _SPARE * streams[0].fontMetrics().height() if scale > 1 else 0
        return sum(rows) + (len(rows) - 1) * _APART + spare

    def _place(self, across: int) -> None:
        for each in self.streams.values():
            self._grid.removeWidget(each)
        for line in range(self._grid.rowCount()):
            self._grid.setRowStretch(line, 0)
        for k, each in enumerate(self.streams.values()):
            self._grid.addWidget(each, k // across, k % across)
            if each.head:
                self._grid.setRowStretch(k // across, 1)
        for column in range(self._grid.columnCount()):
            self._grid.setColumnStretch(column, int(column < across))
