"""The panel of a state of mind: a bar in parts, and its trend."""

from rtpipe.dashboard.answer import Answer
from rtpipe.dashboard.model import RunModel
from rtpipe.dashboard.modelpanel import ModelPanel, View
from rtpipe.dashboard.stack import Stack


class EmotionView(View):
    """A label, and the shares of all of them."""

    def arrange(self) -> None:
        """Put the label above the shares."""
        self.stack = Stack(self.model.labels, self.model.hop)
        self.box.addWidget(self.tile, 1)
        self.box.addWidget(self.stack, 3)
        self.box.addStretch()

    def draw(self, answer: Answer, run: RunModel, now: float) -> None:
        """Draw the shares."""
        self.stack.show_answers(answer, self.model.streams[self.stream], now)


class EmotionPanel(ModelPanel):
    """A model of a person's state of mind."""

    tasks = ("emotion", "mental-state")
    view = EmotionView
