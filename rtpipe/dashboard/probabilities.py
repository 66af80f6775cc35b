"""The panel of a model whose task has none of its own: label, bars, last minute."""

from collections.abc import Sequence

from rtpipe.dashboard.answer import Answer
from rtpipe.dashboard.bars import Bars
from rtpipe.dashboard.emotion import EmotionPanel
from rtpipe.dashboard.gesture import GesturePanel
from rtpipe.dashboard.model import RunModel
from rtpipe.dashboard.modelpanel import ModelPanel, View
from rtpipe.dashboard.seizure import SeizurePanel

_OTHERS = (GesturePanel, EmotionPanel, SeizurePanel)


class ProbabilitiesView(View):
    """A label, and a bar for each there is."""

    def arrange(self) -> None:
        """Put the label above the bars."""
        self.bars = Bars(self.model.labels, self.model.hop)
        self.box.addWidget(self.tile, 1)
        self.box.addWidget(self.bars, 3)

    def draw(self, answer: Answer, run: RunModel, now: float) -> None:
        """Draw the bars."""
        self.bars.show_answers(answer, self.model.streams[self.stream], now)


class ProbabilitiesPanel(ModelPanel):
    """Any model that no other panel is for."""

    view = ProbabilitiesView

    @classmethod
    def subjects(cls, run: RunModel) -> Sequence[str]:
        """Return the models whose task has no panel of its own."""
        taken = {task for other in _OTHERS for task in other.tasks}
        return [name for name, each in run.models.items() if each.task not in taken]
