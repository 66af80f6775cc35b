"""The panel of seizures: an alarm, the trend, and the spectrogram beside it."""

from collections.abc import Callable
from itertools import product
from typing import Any

import pyqtgraph as pg
from PyQt6.QtCore import QPoint, QRect, Qt
from PyQt6.QtGui import QAction, QKeySequence, QResizeEvent
from PyQt6.QtWidgets import (
    QApplication,
    QBoxLayout,
    QComboBox,
    QDockWidget,
    QFrame,
    QGridLayout,
    QPushButton,
    QSizePolicy,
)

from rtpipe.dashboard.alarm import Alarm, label_of
from rtpipe.dashboard.answer import Answer
from rtpipe.dashboard.keys import Keys
from rtpipe.dashboard.model import ModelModel, RunModel, StreamModel
from rtpipe.dashboard.modelpanel import ModelPanel, View, words
from rtpipe.dashboard.spectra import Spectra, has_spectra, spectra_of
from rtpipe.dashboard.spectrogram import Spectrogram
from rtpipe.dashboard.theme import font, theme
from rtpipe.dashboard.timeline import side
from rtpipe.dashboard.trend import Trend
from rtpipe.sinks.decided import apart

NOT_MEDICAL = "Not a medical device"
_KEY = "K"
_HIGH = 270  # pixels below the alarm; in less there is no room for a spectrogram, ...
_LOW = 170  # ... and in less than this none for the label that the alarm tells, too
_LETTERS = (1.5, 1.25, 1.0, 0.85)  # times the system's, of the alarm: what fits


class Banner(QFrame):
    """What an alarm says, and the button that acknowledges it.

    Attributes
    ----------
    said : QLabel
    button : QPushButton
    """

    def __init__(self, acknowledge: Callable[[], None]) -> None:
        super().__init__()
        self.setObjectName("banner")
        self.said = words()
        self.said.setFont(font(1.5, bold=True))
        self.button = QPushButton(f"Acknowledge ({_KEY})")
        self.button.setFont(font(1.1))
        self.button.setToolTip(
            "In this window: any other one, also one that is opened later, tells of it"
            " until somebody acknowledges it there"
        )
        self.button.clicked.connect(lambda *_: acknowledge())
        self._box = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._box.setContentsMargins(14, 8, 10, 8)
        self._box.setSpacing(8)
        self._box.addWidget(self.said, 1)
        self._box.addWidget(self.button)
        self.hide()

    def show_alarm(self, alarm: Alarm, now: float, hop: float) -> None:
        """Tell of an alarm as long as it is raised.

        Parameters
        ----------
        alarm : Alarm
        now : float
            On the stream's clock.
        hop : float
            Of the model, in seconds.
        """
        self.setVisible(alarm.raised)
        if alarm.raised:
            more = f" \N{MIDDLE DOT} {alarm.times} times" if alarm.times > 1 else ""
            name, told = alarm.label.upper(), _told(alarm, now, hop)
            late = " \N{MIDDLE DOT} before this window opened" * alarm.before
            text = f"\N{WARNING SIGN} {name}  {told}{more}{late}"
            if text != self.said.text():
                self.said.setText(text)
                self._fit()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Use the width as it is."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Find a place and letters with which no word and no button is cut."""
        edges, button = self._box.contentsMargins(), self.button.sizeHint()
        whole = self.width() - edges.left() - edges.right()
        beside = whole - button.width() - self._box.spacing()
        narrow = 2 * beside < whole
        wide = whole if narrow else beside
        for lines, size in product((1, 2) if narrow else (2,), _LETTERS):
            self.said.setFont(font(size, bold=True))
            metrics, high = self.said.fontMetrics(), self.said.heightForWidth(wide)
            words = self.said.text().split()
            widest = max(map(metrics.horizontalAdvance, words), default=0)
            if widest <= wide and high <= lines * metrics.lineSpacing():
                break
        ways = QBoxLayout.Direction
        self._box.setDirection(ways.TopToBottom if narrow else ways.LeftToRight)
        if narrow:
            high += self._box.spacing() + button.height()
        else:
            high = max(high, button.height())
        self.setFixedHeight(high + edges.top() + edges.bottom())

    def retheme(self) -> None:
        """Take the colours anew."""
        colours = theme()
        self.setStyleSheet(
            f"#banner {{ background: {colours.bad}; border-radius: 8px }}"
            f"#banner QLabel {{ color: {colours.ground} }}"
            f"#banner QPushButton {{ background: {colours.ground}; border: none;"
            f" color: {colours.text}; border-radius: 5px; padding: 7px 14px }}"
        )


def _told(alarm: Alarm, now: float, hop: float) -> str:
    """Return since when the label is decided, and whether it still is."""
    ago = max(0.0, now - alarm.since)
    when = f"{ago:.0f} s" if ago < 60 else f"{ago / 60:.0f} min"
    if not alarm.going_on:
        return f"{when} ago, over"
    silent = now - alarm.last > apart(hop)
    return f"{when} ago, no decision since" if silent else f"for {when}"


class SeizureView(View):
    """The alarm, the label, the trend, and the spectrogram.

    Attributes
    ----------
    alarm : Alarm
    banner : Banner
    trend : Trend
    spectrogram : Spectrogram
        Hidden where the stream has no spectra.
    choice : QComboBox
        The channel of the spectrogram.
    """

    def __init__(self, model: ModelModel, stream: str) -> None:
        self.alarm = Alarm(label_of(model.labels))
        self._spectra: Spectra | None = None
        super().__init__(model, stream)

    def arrange(self) -> None:
        """Put the alarm on top, and what is of time below each other."""
        model = self.model
        self.banner = Banner(self.acknowledge)
        self.trend = Trend(model.labels, self.alarm.label, model.hop, model.decision)
        self.spectrogram, self.choice = Spectrogram(), QComboBox()
        plot = self.spectrogram.findChild(pg.PlotWidget)
        plot.getAxis("left").setWidth(side())  # so that one is above the other
        # They must not keep the window high: where it is low they are left out.
        policies = QSizePolicy.Policy
        for each in (self.spectrogram, self.trend):
            each.setSizePolicy(policies.Preferred, policies.Ignored)
        corner = Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft
        below = QGridLayout()
        below.addWidget(self.spectrogram, 0, 0)
        below.addWidget(self.choice, 0, 0, corner)
        self.box.addWidget(self.banner)
        self.box.addWidget(self.tile, 2)
        self.box.addWidget(self.trend, 4)
        self.box.addLayout(below, 4)
        self._make_room()

    def acknowledge(self) -> None:
        """Take the alarm away: somebody has seen it."""
        self.alarm.acknowledge()
        self.banner.hide()

    def follow(self, stream: StreamModel, now: float) -> bool:
        """Take in what came, seen or not; return whether it raised the alarm."""
        decided = self.model.decided.get(self.stream)
        raised = decided is not None and self.alarm.follow(decided)
        self.banner.show_alarm(self.alarm, stream.now(now), self.model.hop)
        self._make_room()
        return raised

    def keep_up(self, stream: StreamModel) -> None:
        """Take in what the spectrogram is to show, seen or not."""
        if self._spectra is None and has_spectra(stream.info):
            self._spectra = spectra_of(stream)
            self.choice.addItems(list(stream.info.ch_names))
        if self._spectra is not None:
            self._spectra.follow()

    def draw(self, answer: Answer, run: RunModel, now: float) -> None:
        """Draw the trend and the spectrogram."""
        answers = self.model.streams[self.stream]
        if self._spectra is not None:
            self.spectrogram.show_channel(
                self._spectra, self.choice.currentIndex(), now
            )
        self.trend.show_answers(answers, now, self.spectrogram.span)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Use the room as it is."""
        super().resizeEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        """Leave out what could not be seen, or is told twice, where it is low."""
        room, gap = self.height(), self.box.spacing()
        if self.alarm.raised:
            room -= self.banner.height() + gap
        for each in (self.spectrogram, self.choice):
            each.setVisible(self._spectra is not None and room >= _HIGH)
        told = self.alarm.raised and self.alarm.going_on
        least = self.tile.minimumSizeHint().height()
        seen = room >= (_LOW if told else least)
        self.tile.setVisible(seen)
        if seen:
            room -= least + gap
        self.trend.setVisible(room >= self.trend.minimumSizeHint().height())

    def retheme(self) -> None:
        """Take the colours anew."""
        super().retheme()
        self.banner.retheme()
        self.spectrogram.retheme()


class SeizurePanel(ModelPanel):
    """A model of seizures.

    While its alarm stands it can be neither covered nor closed: it comes back. Where
    several alarms lie on each other, the next one comes when the first is acknowledged.
    """

    tasks = ("seizure",)
    view = SeizureView
    always = (NOT_MEDICAL,)

    def __init__(self, about: str, send: Callable[[dict[str, Any]], None]) -> None:
        super().__init__(about, send)
        self._key = QAction("Acknowledge the alarm", self)
        self._key.triggered.connect(lambda *_: self._acknowledge_seen())
        self.addAction(self._key)

    @property
    def alarmed(self) -> bool:
        """Whether an alarm stands."""
        return any(each.alarm.raised for each in self._views)

    @property
    def seen(self) -> bool:
        """Whether it is on top, and so can be seen."""
        return not self.visibleRegion().isEmpty()

    def acknowledge(self) -> None:
        """Take all alarms of this model away."""
        for view in self._views:
            view.acknowledge()

    def follow(self, run: RunModel, now: float) -> None:
        """Look for alarms, and keep the past, also where nobody sees the panel."""
        super().follow(run, now)
        if not self._key.shortcut() and self._key.isVisible():
            first = self.subjects(run)[0] == self.about  # one key for all panels
            self._key.setShortcut(QKeySequence(_KEY if first else ""))
            self._key.setVisible(first)
        raised = [view.follow(run.streams[view.stream], now) for view in self._views]
        if any(raised):
            QApplication.alert(self.window())
        self.pauses = not self.alarmed
        if self.alarmed:
            self._uncover()
        if self.alarmed and not self.seen:
            self._come()
        for view in self._views:  # last: should it fail, the alarm does not
            view.keep_up(run.streams[view.stream])

    def _come(self) -> None:
        """Come to the top, unless another alarm can be seen."""
        dock = self.parentWidget()
        shown = any(each.alarmed and each.seen for each in self._panels)
        if isinstance(dock, QDockWidget) and not shown:
            dock.show()
            dock.raise_()

    def _uncover(self) -> None:
        """Move from an alarm what lies on it: the list of keys, torn-off panels.

        Where the list has no room it goes away; a panel goes back into the window.
        """
        for dock in [each for each in self._docks if each.isFloating()]:
            if dock.isVisible() and any(map(dock.frameGeometry().intersects, self._on)):
                dock.setFloating(False)
        window = self.window()
        for sheet in [] if window is None else window.findChildren(Keys):
            for banner in (each.banner for each in self._views):
                if sheet.isVisible() and banner.isVisible():
                    _beside(sheet, banner)

    def _acknowledge_seen(self) -> None:
        """Take away the alarms that can be seen, of all models."""
        for each in [each for each in self._panels if each.seen]:
            each.acknowledge()

    @property
    def _on(self) -> list[QRect]:
        """Where on the screen the alarms that stand are."""
        banners = [each.banner for each in self._views if each.banner.isVisible()]
        return [QRect(each.mapToGlobal(QPoint()), each.size()) for each in banners]

    @property
    def _docks(self) -> list[QDockWidget]:
        """Those of all other panels."""
        own = self.parentWidget()
        window = own.parentWidget() if own is not None else None
        docks = [] if window is None else window.findChildren(QDockWidget)
        return [each for each in docks if each is not own]

    @property
    def _panels(self) -> list["SeizurePanel"]:
        """Those of all models, this one too."""
        dock = self.parentWidget()
        window = dock.parentWidget() if dock is not None else None
        return [self] if window is None else window.findChildren(SeizurePanel)

    @property
    def _views(self) -> list[SeizureView]:
        return [each for each in self.views.values() if isinstance(each, SeizureView)]


def _beside(sheet: Keys, banner: Banner) -> None:
    """Move a sheet, if it lies on a banner, to where it does not, or hide it."""
    window = sheet.parentWidget()
    assert window is not None
    corner = window.mapFromGlobal(banner.mapToGlobal(QPoint()))
    lies, taken = sheet.geometry(), QRect(corner, banner.size())
    if not lies.intersects(taken):
        return
    left = QPoint(taken.left() - lies.width(), lies.top())
    above = QPoint(lies.left(), taken.top() - lies.height())
    below = QPoint(lies.left(), taken.bottom() + 1)
    for place in (left, above, below):
        if window.rect().contains(QRect(place, lies.size())):
            sheet.move(place)
            return
    sheet.hide()
