"""The panel of quality: does each stream come, is it whole, does it look like one."""

from collections.abc import Callable
from math import inf, isnan
from typing import Any

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QPainter, QPaintEvent, QPalette, QResizeEvent
from PyQt6.QtWidgets import (
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
from rtpipe.dashboard.model import MINUTE, RATED, RunModel, StreamModel
from rtpipe.dashboard.panel import Panel
from rtpipe.dashboard.plain import Plain, tip
from rtpipe.dashboard.sign import ENDED, draw_sign, reason_of
from rtpipe.dashboard.theme import font, state_colour, theme
from rtpipe.duration import clock, milliseconds

_EVERY = 0.25  # seconds between two figures: the run tells them no more often
_FACTS = ("rate", "delay", "lost", "last minute", "battery")
_LOW = 20.0  # percent of a battery, up to which it is told that it is low
_FEW = 4  # channels, up to which they stand under each other
_MANY = 16  # channels, above which they have no words of their own
_NAMED = 8  # channels that are named beside what is wrong with them; else their number
_QUIET = ("good", "?", "no data")  # words of channels with which nothing is wrong
_SIGN = 1.2  # lines, as wide as a channel's sign
_SCALES = (1.6, 1.4, 1.2, 1.0)  # of letters, the first for which there is room
_COLUMNS = (5, 2, 1)  # of figures, the first for which there is room
_SPARE = 2  # lines that are left free where letters are large
_APART = 20  # pixels between two streams
_AROUND = (12, 6)  # pixels
_WRAP = Qt.TextFlag.TextWordWrap
_OVER = "the run has ended; these are its last figures"
_UNKNOWN = "\N{EM DASH}"
_STATES = {
    "connecting": "It has not sent anything yet.",
    "streaming": "It comes as it should.",
    "degraded": "It comes, but late or with many samples missing.",
    "lost": "Nothing comes any more. It is tried again by itself.",
    "recovering": "It is being opened again.",
    "silent": "The run does not tell how it stands.",
}


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
        self._name, self._state = Plain(stream.info.name), QLabel()
        # Where it is narrow the name is cut, not the state.
        ignored = QSizePolicy.Policy.Ignored
        self._name.setSizePolicy(ignored, QSizePolicy.Policy.Preferred)
        self._name.setToolTip(tip(stream.info.name))
        self._why = Plain()
        self._why.setWordWrap(True)
        self._why.hide()
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
        self._all = QVBoxLayout(self)
        self._all.setContentsMargins(0, 0, 0, 0)
        self._all.setSpacing(4)
        self._all.addLayout(above)
        self._all.addWidget(self._why)
        self._all.addWidget(self.facts)
        if self.head:
            self._all.addWidget(self.head, 1)
        self._all.addWidget(self.channels)
        if not self.head:
            self._all.addStretch(1)
        self.resize_letters(1.0)

    def refresh(self, stream: StreamModel, run: RunModel, now: float) -> None:
        """Show how it stands.

        Parameters
        ----------
        stream : StreamModel
        run : RunModel
            Whose it is.
        now : float
            The present on the run's clock.
        """
        over = run.state != "running"
        state = run.state if over else stream.state
        self._sign.show_word(state)
        self._state.setText(state)
        for each in (self._sign, self._state):
            each.setToolTip(_STATES.get(state, ""))
        sentence = _OVER if over else sentence_of(stream, run.started, now)
        self._why.setText(sentence)
        self._why.setVisible(bool(sentence))
        _ink(self._why, state_colour(state))
        quality = dict(zip(stream.info.ch_names, stream.quality, strict=True))
        if over or stream.state in ENDED:  # what was judged is no longer so
            quality = dict.fromkeys(quality, "no data")
        if self.head:
            self.head.show_quality({name: quality[name] for name in PLACES})
        self.channels.show_quality(quality)
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
    def least(self) -> int:
        """The width in which it can be read, in pixels."""
        letters = self.fontMetrics()
        name = min(self._name.sizeHint().width(), 10 * letters.height())
        state = letters.horizontalAdvance("connecting") + letters.height()
        return max(self._all.totalMinimumSize().width(), name + state + 20)

    def height_in(self, width: int) -> int:
        """Return the height that it needs in a width, in pixels."""
        return self._all.minimumHeightForWidth(width)

    def arrange(self, columns: int) -> None:
        """Put the figures in so many columns."""
        self.facts.arrange(columns)
        self._all.invalidate()
        self._all.activate()

    def resize_letters(self, scale: float) -> None:
        """Take letters of so many times the system's size."""
        self.setFont(font(scale))
        self._name.setFont(font(1.2 * scale, bold=True))
        self.retheme()

    def retheme(self) -> None:
        """Take the colours anew."""
        _ink(self._why, state_colour(self.state))
        self.facts.retheme()


class Sign(QWidget):
    """The sign of a connection's state alone; its word stands beside it."""

    def __init__(self) -> None:
        super().__init__()
        self._word = ""
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def show_word(self, word: str) -> None:
        """Show the sign of this state."""
        if word != self._word:
            self._word = word
            self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the height of a line, both ways."""
        line = self.fontMetrics().height()
        return QSize(line, line)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = QPointF(self.width() / 2, self.height() / 2)
        draw_sign(painter, middle, 0.36 * self.height(), self._word)


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
            said = "\n".join(f"{name} {_said(word)}" for name, word in told + elsewhere)
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
            self._write(painter, room, name, word, _said(word) if long else word)
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
        longest = max((advance(_said(word)) for _, word in self._told), default=0)
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
            (word, f"{_who(names)} {_said(word)}" if named else _said(word))
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


def _said(word: str) -> str:
    reason = reason_of(word)
    return f"{word}: {reason}" if reason else word


def _who(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= _NAMED else f"{len(names)} channels"


def _ink_of(word: str) -> QColor:
    return QColor(theme().quiet) if word in _QUIET else state_colour(word)


class Facts(QWidget):
    """What is counted and measured of a stream.

    Attributes
    ----------
    shown : dict of str to str
        The figures, by what they are of.
    """

    def __init__(self) -> None:
        super().__init__()
        self.shown: dict[str, str] = {}
        self._wrong: set[str] = set()
        self._rows = {name: (QLabel(name), QLabel()) for name in _FACTS}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 2, 0, 0)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(1)
        self._columns = 0
        self.arrange(1)
        self.retheme()

    def refresh(self, stream: StreamModel) -> None:
        """Show the newest figures; a battery only where there is one."""
        self.shown, told = facts_of(stream), meaning_of(stream)
        for name, (label, value) in self._rows.items():
            value.setText(self.shown.get(name, _UNKNOWN))
            for each in (label, value):
                each.setVisible(name in self.shown or name != "battery")
                each.setToolTip(f"<p>{told[name]}</p>")  # a paragraph is wrapped
        wrong = {"last minute": stream.lost_minute > 0}
        wrong["battery"] = _is_low(stream.battery)
        self._wrong = {name for name, is_wrong in wrong.items() if is_wrong}
        self._paint()

    def arrange(self, columns: int) -> None:
        """Put the figures in so many columns."""
        if columns == self._columns:
            return
        self._columns = columns
        for k, row in enumerate(self._rows.values()):
            for side, label in enumerate(row):
                self._grid.removeWidget(label)
                at = k // columns, 3 * (k % columns) + side
                self._grid.addWidget(label, *at)
        for gap in range(len(self._rows)):  # the last one takes what is left
            self._grid.setColumnMinimumWidth(3 * gap + 2, 8 * (gap < columns - 1))
            self._grid.setColumnStretch(3 * gap + 2, int(gap == columns - 1))
        self._grid.activate()  # now: how wide it is decides what stands beside what

    def retheme(self) -> None:
        """Take colours and letters anew."""
        self._paint()
        # So that what stands beside does not move while the figures grow.
        for name, widest in (("rate", "256.0 of 256 Hz"), ("last minute", "8,888")):
            value = self._rows[name][1]
            value.setMinimumWidth(self.fontMetrics().horizontalAdvance(widest))

    def _paint(self) -> None:
        for name, (label, value) in self._rows.items():
            _ink(label, QColor(theme().quiet))
            wrong = name in self._wrong
            _ink(value, QColor(theme().warn if wrong else theme().text))


def _ink(label: QLabel, colour: QColor) -> None:
    palette = label.palette()
    if palette.color(QPalette.ColorRole.WindowText) != colour:
        palette.setColor(QPalette.ColorRole.WindowText, colour)
        label.setPalette(palette)


def facts_of(stream: StreamModel) -> dict[str, str]:
    """Return what is counted and measured of a stream, in words.

    There is nothing before the run has told anything, and no battery where it is not
    known.
    """
    counters = stream.counters
    if not counters:
        return {}
    rate, delay, battery = stream.rate, stream.status["delay"], stream.battery
    if stream.state in ENDED:
        rate = delay = None
    measured = _UNKNOWN if rate is None else f"{rate:.1f}"
    facts = {
        "rate": f"{measured} of {stream.info.sfreq:g} Hz",
        "delay": milliseconds(delay),
        "lost": _share(counters["lost"], counters["received"]),
        "last minute": f"{stream.lost_minute:,}",
    }
    if battery is not None and not isnan(battery):
        low = ", low" if _is_low(battery) else ""
        facts["battery"] = f"{battery:.0f} %{low}"
    return facts


def meaning_of(stream: StreamModel) -> dict[str, str]:
    """Return what each of the figures means, a sentence or two each."""
    c = {"lost_device": 0, "lost_transport": 0, "filled": 0, **stream.counters}
    rate = f"Samples a second that came in the last {RATED:g} seconds, and how many "
    rate += "the sensor says it sends."
    delay = "Between a sample's time and its coming here: the median."
    if stream.clock == "recording":
        rate += " A recording may be played faster than it was made."
        delay = "A recording has none: its samples are played when they are due."
    return {
        "rate": rate,
        "delay": delay,
        "lost": "Samples that are missing since the run began: "
        f"{c['lost_device']:,} by the sensor's own count, {c['lost_transport']:,} by "
        f"their times or while it was away. {c['filled']:,} of them, in short gaps, "
        "were filled in.",
        "last minute": "Samples that were lost in the last minute: "
        f"{min(MINUTE, stream.lost_minute / stream.info.sfreq):.1f} seconds of signal.",
        "battery": "What is left of it, says the sensor.",
    }


def _is_low(battery: float | None) -> bool:
    return battery is not None and battery <= _LOW


def sentence_of(stream: StreamModel, started: float, now: float) -> str:
    """Return since when a stream does not come, why, and what to try.

    Empty where it comes as it should.
    """
    since, reason = stream.status["link"]["since"], stream.reason
    if stream.clock == "run" and (newest := stream.newest) is not None:
        # It was silent for some seconds before it was called lost.
        since = min(since, newest)
    if stream.state == "silent":
        return "the run does not answer: nothing is known of it now"
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
