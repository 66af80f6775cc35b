"""The panel of seizures: an alarm, the trend, and the spectrogram beside it."""

from collections.abc import Callable
from typing import Any

import pyqtgraph as pg
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QAction, QKeySequence, QResizeEvent
from PyQt6.QtWidgets import (
    QApplication,
    QComboBox,
    QDockWidget,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
)

from rtpipe.dashboard.alarm import APART, Alarm, label_of
from rtpipe.dashboard.answer import Answer
from rtpipe.dashboard.model import ModelModel, RunModel, StreamModel
from rtpipe.dashboard.modelpanel import ModelPanel, View, words
from rtpipe.dashboard.spectra import Spectra, has_spectra
from rtpipe.dashboard.spectrogram import Spectrogram
from rtpipe.dashboard.theme import font, theme
from rtpipe.dashboard.timeline import side
from rtpipe.dashboard.trend import Trend

NOT_MEDICAL = "Not a medical device"
_KEY = "K"
_HIGH = 270  # pixels below the alarm; in less there is no room for a spectrogram, ...
_LOW = 170  # ... and in less than this none for the label that the alarm tells, too


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
        self.button.clicked.connect(lambda *_: acknowledge())
        box = QHBoxLayout(self)
        box.setContentsMargins(14, 8, 10, 8)
        box.addWidget(self.said, 1)
        box.addWidget(self.button)
        self.hide()

    def show_alarm(self, alarm: Alarm, now: float) -> None:
        """Tell of an alarm as long as it is raised; `now` is on the stream's clock."""
        self.setVisible(alarm.raised)
        if alarm.raised:
            more = f" \N{MIDDLE DOT} {alarm.times} times" if alarm.times > 1 else ""
            name, told = alarm.label.upper(), _told(alarm, now)
            self.said.setText(f"\N{WARNING SIGN} {name}  {told}{more}")

    def retheme(self) -> None:
        """Take the colours anew."""
        colours = theme()
        self.setStyleSheet(
            f"#banner {{ background: {colours.bad}; border-radius: 8px }}"
            f"#banner QLabel {{ color: {colours.ground} }}"
            f"#banner QPushButton {{ background: {colours.ground}; border: none;"
            f" color: {colours.text}; border-radius: 5px; padding: 7px 14px }}"
        )


def _told(alarm: Alarm, now: float) -> str:
    """Return since when the label is decided, and whether it still is."""
    ago = max(0.0, now - alarm.since)
    when = f"{ago:.0f} s" if ago < 60 else f"{ago / 60:.0f} min"
    if not alarm.going_on:
        return f"{when} ago, over"
    return f"{when} ago, no answer since" if now - alarm.last > APART else f"for {when}"


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
        # It must not keep the window high: where it is low it is left out.
        policies = QSizePolicy.Policy
        self.spectrogram.setSizePolicy(policies.Preferred, policies.Ignored)
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
        if self._spectra is None and has_spectra(stream.info):
            self._spectra = Spectra(stream.info, stream.raw)
            self.choice.addItems(list(stream.info.ch_names))
        if self._spectra is not None:
            self._spectra.follow()
        raised = self.alarm.follow(self.model.streams[self.stream])
        self.banner.show_alarm(self.alarm, stream.now(now))
        self._make_room()
        return raised

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
        room = self.height()
        if self.alarm.raised:
            room -= self.banner.height()
        for each in (self.spectrogram, self.choice):
            each.setVisible(self._spectra is not None and room >= _HIGH)
        told = self.alarm.raised and self.alarm.going_on
        self.tile.setVisible(room >= _LOW or not told)

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
        if self.alarmed and not self.seen:
            self._come()

    def _come(self) -> None:
        """Come to the top, unless another alarm can be seen."""
        dock = self.parentWidget()
        shown = any(each.alarmed and each.seen for each in self._panels)
        if isinstance(dock, QDockWidget) and not shown:
            dock.show()
            dock.raise_()

    def _acknowledge_seen(self) -> None:
        """Take away the alarms that can be seen, of all models."""
        for each in [each for each in self._panels if each.seen]:
            each.acknowledge()

    @property
    def _panels(self) -> list["SeizurePanel"]:
        """Those of all models, this one too."""
        dock = self.parentWidget()
        window = dock.parentWidget() if dock is not None else None
        return [self] if window is None else window.findChildren(SeizurePanel)

    @property
    def _views(self) -> list[SeizureView]:
        return [each for each in self.views.values() if isinstance(each, SeizureView)]
