"""The quality of one stream: its connection, its channels and its figures."""

from PyQt6.QtCore import QPointF, QSize
from PyQt6.QtGui import QColor, QPainter, QPaintEvent, QPalette
from PyQt6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from rtpipe.dashboard.channels import Channels
from rtpipe.dashboard.head import PLACES, Head, is_muse
from rtpipe.dashboard.model import RunModel, StreamModel
from rtpipe.dashboard.plain import Plain, tip
from rtpipe.dashboard.qualitywords import (
    OVER,
    STATES,
    UNKNOWN,
    facts_of,
    is_low,
    meaning_of,
    sentence_of,
)
from rtpipe.dashboard.sign import ENDED, draw_sign
from rtpipe.dashboard.theme import font, state_colour, theme

_FACTS = ("rate", "delay", "lost", "last minute", "battery")


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
            each.setToolTip(STATES.get(state, ""))
        sentence = OVER if over else sentence_of(stream, run.started, now)
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
            value.setText(self.shown.get(name, UNKNOWN))
            for each in (label, value):
                each.setVisible(name in self.shown or name != "battery")
                each.setToolTip(f"<p>{told[name]}</p>")  # a paragraph is wrapped
        wrong = {"last minute": stream.lost_minute > 0}
        wrong["battery"] = is_low(stream.battery)
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
