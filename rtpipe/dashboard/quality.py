"""The panel of quality: does each stream come, is it whole, does it look like one."""

from collections.abc import Callable
from typing import Any

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QPainter, QPaintEvent, QPalette, QResizeEvent
from PyQt6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from rtpipe.dashboard.head import PLACES, Head, is_muse
from rtpipe.dashboard.model import RunModel, StreamModel
from rtpipe.dashboard.panel import Panel
from rtpipe.dashboard.sign import ENDED, draw_sign, reason_of
from rtpipe.dashboard.theme import font, state_colour, theme
from rtpipe.duration import clock, milliseconds

_EVERY = 0.25  # seconds between two figures: the run tells them no more often
_FACTS = (
    "rate",
    "delay",
    "lost",
    "last minute",
    "in the device",
    "on the way",
    "battery",
)
_FEW = 8  # channels, up to which each has a line of its own
_SIGN = 1.2  # lines, as wide as a channel's sign
_SCALES = (1.6, 1.4, 1.2, 1.0)  # of letters, the first for which there is room
_APART = 20  # pixels between two streams


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
        self._across = 0
        self._room = (0, 0, False)  # for which letters were chosen
        inside = QWidget()
        self._grid = QGridLayout(inside)
        self._grid.setContentsMargins(12, 8, 12, 8)
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
            shown.refresh(run.streams[name], run.started, now)
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
        if not self.streams:
            return
        port = self._area.viewport()
        assert port is not None
        room = port.width() - 24 + _APART
        known = bool(next(iter(self.streams.values())).facts.shown)
        if (port.width(), port.height(), known) != self._room:
            self._room = port.width(), port.height(), known
            self._scale(room, port.height() - 16)
        wanted = max(each.wanted for each in self.streams.values()) + _APART
        across = max(1, min(len(self.streams), room // wanted))
        for each in self.streams.values():
            each.fit(room // across - _APART)
        if across == self._across:
            return
        self._across = across
        top = Qt.AlignmentFlag.AlignTop
        for k, each in enumerate(self.streams.values()):
            self._grid.removeWidget(each)
            self._grid.addWidget(each, k // across, k % across, top)
        for column in range(self._grid.columnCount()):
            self._grid.setColumnStretch(column, int(column < across))
        self._grid.setRowStretch(len(self.streams), 1)

    def _scale(self, wide: int, high: int) -> None:
        """Choose letters as large as there is room for, all streams in one row."""
        streams = self.streams.values()
        for scale in _SCALES:
            for each in streams:
                each.setFont(font(scale))
                each.retheme()
            wanted = max(each.wanted for each in streams) + _APART
            if (
                len(streams) * wanted <= wide
                and max(each.height_beside for each in streams) <= high
            ):
                return


class StreamQuality(QWidget):
    """One stream: its connection, its channels, and what is counted of it.

    Parameters
    ----------
    stream : StreamModel

    Attributes
    ----------
    head : Head or None
        Where it is a Muse's.
    state, sentence : str
        How its connection stands, and what there is to say of it.
    channels : Channels
        Those that are not on the head.
    facts : Facts
    """

    def __init__(self, stream: StreamModel) -> None:
        super().__init__()
        self._name, self._state = QLabel(stream.info.name), QLabel()
        # Where it is narrow the name is cut, not the state.
        ignored = QSizePolicy.Policy.Ignored
        self._name.setSizePolicy(ignored, QSizePolicy.Policy.Preferred)
        self._why = QLabel()
        self._why.setWordWrap(True)
        self._sign = Sign()
        self.head = Head() if is_muse(stream.info.ch_names) else None
        on_head = PLACES if self.head else {}
        names = [each for each in stream.info.ch_names if each not in on_head]
        self.channels = Channels(names)
        self.facts = Facts()
        above = QHBoxLayout()
        above.setSpacing(8)
        above.addWidget(self._name, 1)
        above.addWidget(self._sign)
        above.addWidget(self._state)
        self._beside = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._beside.setSpacing(8)
        shown = self.head or self.channels
        self._beside.addWidget(
            shown, 1, Qt.AlignmentFlag(0) if self.head else Qt.AlignmentFlag.AlignTop
        )
        self._beside.addWidget(self.facts, 0, Qt.AlignmentFlag.AlignTop)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addLayout(above)
        box.addWidget(self._why)
        box.addLayout(self._beside)
        if self.head:
            box.addWidget(self.channels)
        self.retheme()

    def refresh(self, stream: StreamModel, started: float, now: float) -> None:
        """Show how it stands.

        Parameters
        ----------
        stream : StreamModel
        started, now : float
            When the run began, and the present, on its clock.
        """
        self._sign.show_word(stream.state)
        self._state.setText(stream.state)
        sentence = sentence_of(stream, started, now)
        self._why.setText(sentence)
        self._why.setVisible(bool(sentence))
        _ink(self._why, state_colour(stream.state))
        quality = dict(zip(stream.info.ch_names, stream.quality, strict=True))
        if stream.state in ENDED:  # what was judged is no longer so
            quality = dict.fromkeys(quality, "?")
        if self.head:
            self.head.show_quality({name: quality[name] for name in PLACES})
        advised = self.head is not None
        self.channels.show_quality(quality, advised)
        self.facts.refresh(stream)

    @property
    def state(self) -> str:
        """How its connection stands, as it is shown."""
        return self._state.text()

    @property
    def sentence(self) -> str:
        """What is said of its connection; empty where nothing is."""
        return self._why.text()

    @property
    def wanted(self) -> int:
        """Width in which the figures have room beside the channels, in pixels."""
        left = self.head or self.channels
        return left.sizeHint().width() + self.facts.sizeHint().width() + 24

    @property
    def height_beside(self) -> int:
        """Height that it has then, with a line to spare, in pixels."""
        left = self.head or self.channels
        tall = max(left.sizeHint().height(), self.facts.sizeHint().height())
        return tall + 4 * self.fontMetrics().height()

    def fit(self, width: int) -> None:
        """Put the figures beside the channels, or below them where it is narrow."""
        ways = QBoxLayout.Direction
        wide = width >= self.wanted
        self._beside.setDirection(ways.LeftToRight if wide else ways.TopToBottom)

    def retheme(self) -> None:
        """Take letters and colours anew."""
        scale = self.font().pointSizeF() / font().pointSizeF()
        self._name.setFont(font(1.4 * scale, bold=True))
        self.facts.retheme()


class Sign(QWidget):
    """The sign of a connection's state alone; its word stands beside it."""

    def __init__(self) -> None:
        super().__init__()
        self._word = ""
        self.setFixedSize(18, 18)

    def show_word(self, word: str) -> None:
        """Show the sign of this state."""
        if word != self._word:
            self._word = word
            self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        draw_sign(painter, QPointF(9, 9), 6.5, self._word)


class Channels(QWidget):
    """A sign, the name and the quality of each channel, in as many columns as fit.

    Parameters
    ----------
    names : sequence of str
        Of those that have a place here; of others only what is wrong is told.
    """

    def __init__(self, names: list[str]) -> None:
        super().__init__()
        self._names = names
        self._told: list[tuple[str, str, str]] = []  # name, quality, reason
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def show_quality(self, quality: dict[str, str], beside: bool) -> None:
        """Show a word for each channel, and of those that are not good the reason.

        Parameters
        ----------
        quality : dict of str to str
        beside : bool
            Whether channels that have no place here are shown elsewhere; what is wrong
            with them, and what to try, is told here all the same.
        """
        told = [
            (name, word, reason_of(word))
            for name, word in quality.items()
            if name in self._names or (beside and word not in ("good", "?"))
        ]
        if told != self._told:
            self._told = told
            said = "\n".join(f"{name} {_said(word, why)}" for name, word, why in told)
            self.setAccessibleDescription(said)
            self.setToolTip(said)
            self.updateGeometry()
            self.update()

    def hasHeightForWidth(self) -> bool:  # noqa: N802
        """Tell that it is lower where it is wider."""
        return True

    def heightForWidth(self, width: int) -> int:  # noqa: N802
        """Return the height of all rows."""
        across = self._columns(width)
        rows = -(-len(self._told) // across) + len(self._reasons(width))
        return rows * self._line() + 2

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the least width, and its height."""
        width = max(self.width(), 8 * self._line())
        return QSize(8 * self._line(), self.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return the same."""
        return self.sizeHint()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Ask for the height that goes with the new width."""
        super().resizeEvent(event)
        self.updateGeometry()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw the cells, the first column from top to bottom first."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        across, line = self._columns(self.width()), self._line()
        down = -(-len(self._told) // across)
        wide = self.width() // across
        below, sign = self._reasons(self.width()), _SIGN * line
        for k, (name, word, reason) in enumerate(self._told):
            x, y = (k // down) * wide, (k % down) * line
            draw_sign(painter, QPointF(x + 0.4 * line, y + line / 2), 0.27 * line, word)
            room = QRectF(x + sign, y, wide - sign, line)
            self._write(painter, room, name, word, _said(word, "" if below else reason))
        for k, (word, reason) in enumerate(below.items()):
            room = QRectF(0, (down + k) * line, self.width(), line)
            painter.setPen(state_colour(word))
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, _said(word, reason))

    def _write(
        self, painter: QPainter, room: QRectF, name: str, word: str, said: str
    ) -> None:
        letters, middle = painter.fontMetrics(), Qt.AlignmentFlag.AlignVCenter
        elide = Qt.TextElideMode.ElideRight
        column = min(self._names_width(), int(room.width() / 2))
        painter.setPen(QColor(theme().text))
        painter.drawText(room, middle, letters.elidedText(name, elide, column))
        room.setLeft(room.left() + column + 8)
        good = word in ("good", "?")
        painter.setPen(QColor(theme().quiet) if good else state_colour(word))
        said = letters.elidedText(said, elide, int(room.width()))
        painter.drawText(room, middle, said)

    def _names_width(self) -> int:
        advance = self.fontMetrics().horizontalAdvance
        return max((advance(name) for name, _, _ in self._told), default=0) + 2

    def _reasons(self, width: int) -> dict[str, str]:
        """Return what is told below, each once, where it has no room beside a name."""
        reasons = {word: reason for _, word, reason in self._told if reason}
        advance = self.fontMetrics().horizontalAdvance
        longest = max((advance(_said(*each)) for each in reasons.items()), default=0)
        beside = _SIGN * self._line() + self._names_width() + 10 + longest <= width
        return {} if beside and self._columns(width) == 1 else reasons

    def _columns(self, width: int) -> int:
        """Return how many stand beside each other: one, while they are few."""
        if len(self._told) <= _FEW:
            return 1
        return max(1, min(len(self._told), width // (6 * self._line())))

    def _line(self) -> int:
        return int(1.45 * self.fontMetrics().height())


def _said(word: str, reason: str) -> str:
    return f"{word}: {reason}" if reason else word


class Facts(QWidget):
    """What is counted and measured of a stream, a line each.

    Attributes
    ----------
    shown : dict of str to str
        The figures, by what they are of.
    """

    def __init__(self) -> None:
        super().__init__()
        self.shown: dict[str, str] = {}
        self._rows = {name: (QLabel(name), QLabel()) for name in _FACTS}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 4, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(3)
        for at, row in enumerate(self._rows.values()):
            row[1].setMinimumWidth(
                self.fontMetrics().horizontalAdvance("256.0 of 256 Hz")
            )
            for column, label in enumerate(row):
                grid.addWidget(label, at, column)

    def refresh(self, stream: StreamModel) -> None:
        """Show the newest figures; what is not known has no line."""
        self.shown = facts_of(stream)
        for name, (label, value) in self._rows.items():
            value.setText(self.shown.get(name, ""))
            label.setVisible(name in self.shown)
            value.setVisible(name in self.shown)

    def retheme(self) -> None:
        """Take the colours anew."""
        for label, _ in self._rows.values():
            _ink(label, QColor(theme().quiet))


def _ink(label: QLabel, colour: QColor) -> None:
    palette = label.palette()
    palette.setColor(QPalette.ColorRole.WindowText, colour)
    label.setPalette(palette)


def facts_of(stream: StreamModel) -> dict[str, str]:
    """Return what is counted and measured of a stream, in words."""
    counters = stream.counters
    if not counters:
        return {}
    rate = "—" if stream.rate is None else f"{stream.rate:.1f}"
    facts = {
        "rate": f"{rate} of {stream.info.sfreq:g} Hz",
        "lost": _share(counters["lost"], counters["received"]),
        "last minute": f"{stream.lost_minute:,}",
        "in the device": f"{counters['lost_device']:,}",
        "on the way": f"{counters['lost_transport']:,}",
    }
    delay, battery = stream.status["delay"], stream.battery
    if delay is not None and stream.state not in ENDED:
        facts["delay"] = milliseconds(delay)
    if battery is not None:
        facts["battery"] = f"{battery:.0f} %"
    return facts


def sentence_of(stream: StreamModel, started: float, now: float) -> str:
    """Return since when a stream does not come, why, and what to try.

    Empty where it comes as it should.
    """
    since, reason = stream.status["link"]["since"], stream.reason
    if stream.state == "connecting":
        first = f"waiting for the first sample ({clock(now - started)})"
    elif stream.state in ENDED:
        first = f"no data for {clock(now - since)}; still trying"
    elif stream.state == "degraded":
        return reason
    else:
        return ""
    return f"{first}: {reason}" if reason else first


def _share(lost: int, received: int) -> str:
    if not lost:
        return "0"
    share = lost / (lost + received)
    return f"{lost:,} ({share:.2%})" if share < 0.1 else f"{lost:,} ({share:.1%})"
