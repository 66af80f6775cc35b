"""The channels of one stream: how good each is, why, and what to try."""

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PyQt6.QtWidgets import QSizePolicy, QWidget

from rtpipe.dashboard.plain import tip
from rtpipe.dashboard.qualitywords import names_of, said_of
from rtpipe.dashboard.sign import draw_sign, reason_of
from rtpipe.dashboard.theme import state_colour, theme

_FEW = 4  # channels, up to which they stand under each other
_MANY = 16  # channels, above which they have no words of their own
_QUIET = ("good", "?", "no data")  # words of channels with which nothing is wrong
_SIGN = 1.2  # lines, as wide as a channel's sign
_WRAP = Qt.TextFlag.TextWordWrap


class Channels(QWidget):
    """A sign, the name and the quality of each channel, in columns where they are many.

    What a quality means and what to try stands behind it where there is room, else
    below all of them. Where they are very many their words stand only there.

    Parameters
    ----------
    names : list of str
        Of those that have a place here; of others only what is wrong is told.
    """

    def __init__(self, names: list[str]) -> None:
        super().__init__()
        self._names = names
        self._told: list[tuple[str, str]] = []  # name, quality
        self._elsewhere: list[tuple[str, str]] = []  # of those without a place here
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def show_quality(self, quality: dict[str, str]) -> None:
        """Show a word for each channel, and of those that are not good the reason.

        Parameters
        ----------
        quality : dict of str to str
            Of those that have no place here, too.
        """
        told = [each for each in quality.items() if each[0] in self._names]
        elsewhere = [
            (name, word)
            for name, word in quality.items()
            if name not in self._names and word not in _QUIET
        ]
        if (told, elsewhere) != (self._told, self._elsewhere):
            self._told, self._elsewhere = told, elsewhere
            said = "\n".join(
                f"{name} {said_of(word)}" for name, word in told + elsewhere
            )
            self.setAccessibleDescription(said)
            self.setToolTip(tip(said))
            self.updateGeometry()
            self.update()

    def hasHeightForWidth(self) -> bool:  # noqa: N802
        """Tell that it is lower where it is wider."""
        return True

    def heightForWidth(self, width: int) -> int:  # noqa: N802
        """Return the height of all rows, and of what is told below them."""
        down = -(-len(self._told) // self._across(width))
        return down * self._line() + self._text_height(width)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the room of one column."""
        wide = self._cell()
        return QSize(wide, self.heightForWidth(max(wide, self.width())))

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return the width of one column, and no height: that goes with the width."""
        return QSize(self._cell(), 0)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Ask for the height that goes with the new width."""
        super().resizeEvent(event)
        self.updateGeometry()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw the cells, the first column from top to bottom first."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        across, line = self._across(self.width()), self._line()
        down = -(-len(self._told) // across)
        wide, sign = self.width() // across, _SIGN * line
        if across > 1:  # what belongs together stands together
            wide = min(wide, self._cell() + 2 * line)
        long = self._is_long(self.width())
        for k, (name, word) in enumerate(self._told):
            x, y = (k // down) * wide, (k % down) * line
            at = QPointF(x + 0.45 * line, y + line / 2)
            draw_sign(painter, at, 0.31 * line, word)
            room = QRectF(x + sign, y, wide - sign, line)
            self._write(painter, room, name, word, said_of(word) if long else word)
        top = down * line
        for word, said in self._below(self.width()):
            room = QRectF(0, top, self.width(), self.height() - top)
            painter.setPen(_ink_of(word))
            top += int(painter.boundingRect(room, _WRAP, said).height())
            painter.drawText(room, _WRAP, said)

    def _write(
        self, painter: QPainter, room: QRectF, name: str, word: str, said: str
    ) -> None:
        letters, middle = painter.fontMetrics(), Qt.AlignmentFlag.AlignVCenter
        elide = Qt.TextElideMode.ElideRight
        column = min(self._names_width(), int(room.width() * 0.7))
        painter.setPen(QColor(theme().text))
        painter.drawText(room, middle, letters.elidedText(name, elide, column))
        if self._many:
            return
        room.setLeft(room.left() + column + 8)
        painter.setPen(_ink_of(word))
        said = letters.elidedText(said, elide, int(room.width()))
        painter.drawText(room, middle, said)

    @property
    def _many(self) -> bool:
        return len(self._told) > _MANY

    def _cell(self) -> int:
        """Return the width of a channel, without reasons."""
        advance = self.fontMetrics().horizontalAdvance
        words = {word for _, word in self._told} if not self._many else ()
        longest = max((advance(word) + 8 for word in words), default=0)
        return int(_SIGN * self._line()) + self._names_width() + longest + 8

    def _names_width(self) -> int:
        advance = self.fontMetrics().horizontalAdvance
        return max((advance(name) for name, _ in self._told), default=0) + 2

    def _is_long(self, width: int) -> bool:
        """Tell whether reasons have room behind the words."""
        if self._many or self._across(width) > 1:
            return False
        advance = self.fontMetrics().horizontalAdvance
        longest = max((advance(said_of(word)) for _, word in self._told), default=0)
        return _SIGN * self._line() + self._names_width() + 10 + longest <= width

    def _below(self, width: int) -> list[tuple[str, str]]:
        """Return each quality with a reason, and what is told of it below."""
        listed = [] if self._is_long(width) else self._told
        by_word: dict[str, list[str]] = {}
        for name, word in listed + self._elsewhere:
            if reason_of(word):
                by_word.setdefault(word, []).append(name)
        named = self._many or bool(self._elsewhere)
        return [
            (word, f"{names_of(names)} {said_of(word)}" if named else said_of(word))
            for word, names in by_word.items()
        ]

    def _text_height(self, width: int) -> int:
        room, letters = QRectF(0, 0, width, 10_000).toRect(), self.fontMetrics()
        said = self._below(width)
        return sum(letters.boundingRect(room, _WRAP, text).height() for _, text in said)

    def _across(self, width: int) -> int:
        """Return how many stand beside each other: one, while they are few."""
        most = -(-len(self._told) // _FEW)
        return max(1, min(most, width // self._cell()))

    def _line(self) -> int:
        return int(1.2 * self.fontMetrics().height())


def _ink_of(word: str) -> QColor:
    return QColor(theme().quiet) if word in _QUIET else state_colour(word)
