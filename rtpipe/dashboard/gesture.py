"""The panel of gestures: a hand and a label that are seen across the room."""

from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QBoxLayout, QVBoxLayout

from rtpipe.dashboard.answer import Answer
from rtpipe.dashboard.bars import Bars
from rtpipe.dashboard.hand import Hand
from rtpipe.dashboard.model import RunModel
from rtpipe.dashboard.modelpanel import ModelPanel, View
from rtpipe.dashboard.theme import colour_of

_WIDE = 1.25  # times as wide as high, from which on the words stand beside the hand


class GestureView(View):
    """A hand, a label and the bars."""

    def arrange(self) -> None:
        """Put the hand beside the words, or above them."""
        self.hand = Hand()
        self.bars = Bars(self.model.labels, self.model.hop)
        told = QVBoxLayout()
        told.setSpacing(8)
        told.addWidget(self.tile, 2)
        told.addWidget(self.bars, 5)
        self._both = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._both.setSpacing(12)
        self._both.addWidget(self.hand, 1)
        self._both.addLayout(told, 2)
        self.box.addLayout(self._both, 1)

    def draw(self, answer: Answer, run: RunModel, now: float) -> None:
        """Draw the hand and the bars."""
        colour = colour_of(answer.label or "", self.model.labels)
        self.hand.show_label(answer.label, colour)
        self.bars.show_answers(answer, self.model.streams[self.stream], now)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Use the room as it is."""
        super().resizeEvent(event)
        wide = self.width() > _WIDE * self.height()
        ways = QBoxLayout.Direction
        self._both.setDirection(ways.LeftToRight if wide else ways.TopToBottom)


class GesturePanel(ModelPanel):
    """A model of gestures."""

    tasks = ("gesture",)
    view = GestureView
