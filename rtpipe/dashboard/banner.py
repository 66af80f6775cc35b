"""The sentences above the panels: as many lines as they need, or none at all."""

from collections.abc import Sequence

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QLabel, QToolBar, QWidget

from rtpipe.dashboard.plain import tip
from rtpipe.dashboard.theme import font, theme

_LONGEST = 300  # letters of a sentence that are shown; its tool tip has all
_EDGE = 24  # pixels of the window's width that it does not take


class Banner(QToolBar):
    """A bar of a window that is there while there is something to say.

    Parameters
    ----------
    window : QWidget
        As wide as which it is.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__("what is said", window)
        self.setObjectName("said")
        self.setMovable(False)
        self._said: tuple[str, tuple[str, ...], str] = ("", (), "")
        self._ink = ""
        self._text = _Text(window)
        self.addWidget(self._text)
        self.hide()
        if (entry := self.toggleViewAction()) is not None:
            entry.setVisible(False)

    def say(self, sentence: str, wrong: Sequence[str], paused: str = "") -> None:
        """Show a sentence, and below it what is wrong; nothing takes the bar away.

        Parameters
        ----------
        sentence : str
        wrong : sequence of str
        paused : str
            That what is seen below is not the present.
        """
        if (sentence, tuple(wrong), paused) != self._said:
            self._said = sentence, tuple(wrong), paused
            lines = [each for each in (sentence, paused) if each]
            lines += [f"✕ {each}" for each in wrong]
            self._text.setText("\n".join(map(_short, lines)))
            self._text.setToolTip(tip("\n".join(lines)))
            self.retheme()
        # The window's remembered layout may have hidden it, or shown it.
        self.setVisible(any(self._said))

    def retheme(self) -> None:
        """Take the colours in force."""
        colours, (_, wrong, paused) = theme(), self._said
        ink = colours.bad if wrong else colours.warn if paused else colours.text
        if ink != self._ink:
            self._ink = ink
            self._text.setStyleSheet(f"color: {ink}")

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Break the lines anew."""
        super().resizeEvent(event)
        self._text.updateGeometry()


class _Text(QLabel):
    """Sentences as wide as a window: a bar alone gives a label no second line."""

    def __init__(self, window: QWidget) -> None:
        super().__init__()
        self._window = window
        self.setMargin(8)
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setFont(font(1.4, bold=True))

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the window's width, and the height that takes."""
        wide = max(1, self._window.width() - _EDGE)
        return QSize(wide, self.heightForWidth(wide))

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return that height."""
        return QSize(1, self.sizeHint().height())


def _short(sentence: str) -> str:
    line = " ".join(sentence.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
