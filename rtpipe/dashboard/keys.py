"""All keys, over the panels: the menu's list, where a person can see it at once."""

from collections.abc import Iterator
from math import ceil

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QAction, QKeyEvent, QKeySequence, QMouseEvent, QPalette
from PyQt6.QtWidgets import QFrame, QGridLayout, QLabel, QMenu, QWidget

from rtpipe.dashboard.theme import font

_LINES = 16  # of one column, at most
_SIZES = (1.1, 0.95, 0.8, 0.7)  # of its letters: the largest that has room


class Keys(QFrame):
    """A sheet over a window; a click, or Esc, takes it away.

    Parameters
    ----------
    window : QWidget
        What it lies on.
    menu : QMenu
        Whose entries it lists, those that have a key.
    """

    def __init__(self, window: QWidget, menu: QMenu) -> None:
        super().__init__(window)
        self._menu = menu
        self._sheet: QWidget | None = None
        self.setObjectName("keys")
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setAutoFillBackground(True)
        self.setBackgroundRole(QPalette.ColorRole.AlternateBase)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(28, 22, 28, 22)
        self._grid.setHorizontalSpacing(18)
        self.hide()

    @property
    def lines(self) -> list[tuple[str, str]]:
        """Keys and what they do, in the menu's order."""
        return list(_with_keys(self._menu))

    def toggle(self) -> None:
        """Show the list in the middle of the window, or take it away."""
        if self.isVisible():
            self.hide()
            return
        around = self.parentWidget()
        assert around is not None
        room = around.rect()
        for size in _SIZES:
            self._write(size)
            self.adjustSize()
            if room.contains(self.rect()):
                break
        self.move(room.center() - self.rect().center())
        self.show()
        self.raise_()
        self.setFocus()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802
        """Esc takes it away."""
        assert event is not None
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Go away."""
        self.hide()

    def _write(self, size: float) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        lines = self.lines
        high = ceil(len(lines) / ceil(len(lines) / _LINES))
        for n, (keys, text) in enumerate(lines):
            column, row = divmod(n, high)
            key = QLabel(keys)
            key.setFont(font(size, bold=True))
            key.setAlignment(Qt.AlignmentFlag.AlignRight)
            does = QLabel(text)
            does.setFont(font(size))
            self._grid.addWidget(key, row, 2 * column)
            self._grid.addWidget(does, row, 2 * column + 1)
        closes = QLabel("Esc or a click closes this")
        closes.setFont(font(size))
        closes.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        closes.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._grid.addWidget(closes, high, 0, 1, self._grid.columnCount())


def _with_keys(menu: QMenu) -> Iterator[tuple[str, str]]:
    for action in menu.actions():
        if (below := action.menu()) is not None:
            yield from _with_keys(below)
        elif action.shortcuts():
            yield _keys(action), action.text().replace("&", "")


def _keys(action: QAction) -> str:
    form = QKeySequence.SequenceFormat.NativeText
    return " or ".join(each.toString(form) for each in action.shortcuts())
