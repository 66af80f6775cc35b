"""What the panels of all models have in common: the label, the reason, the truth."""

from collections.abc import Callable, Sequence
from typing import Any

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from rtpipe.dashboard.answer import Answer, answer_of
from rtpipe.dashboard.bars import TRUTH
from rtpipe.dashboard.model import ModelModel, RunModel
from rtpipe.dashboard.panel import Panel
from rtpipe.dashboard.theme import colour_of, font, theme
from rtpipe.dashboard.tile import Tile


class View(QWidget):
    """One model's answers about one stream.

    Parameters
    ----------
    model : ModelModel
    stream : str

    Attributes
    ----------
    tile : Tile
        The decision, or NONE and why.
    truth : QLabel
        The truth, and how often the decisions agreed with it, where it is known.
    answer : Answer or None
        What is shown; None before the first `refresh`.
    """

    def __init__(self, model: ModelModel, stream: str) -> None:
        super().__init__()
        self.model, self.stream = model, stream
        self.tile, self.truth = Tile(), words()
        self.answer: Answer | None = None
        self.box = QVBoxLayout(self)
        self.box.setContentsMargins(0, 0, 0, 0)
        self.box.setSpacing(8)
        self.arrange()
        self.box.addWidget(self.truth)

    def arrange(self) -> None:
        """Put `tile` and what is the model's own into `box`."""
        raise NotImplementedError

    def draw(self, answer: Answer, run: RunModel, now: float) -> None:
        """Show what is the model's own; `now` is on the stream's clock."""
        raise NotImplementedError

    def refresh(self, run: RunModel, now: float) -> None:
        """Show how things stand at `now`, on the run's clock."""
        answer = self.answer = answer_of(run, self.model, self.stream, now)
        colour = colour_of(answer.label or "", self.model.labels)
        self.tile.show_label(answer.label, colour, answer.why)
        self.truth.setText(_truth(answer, self.model.windows.get(self.stream, {})))
        self.truth.setVisible(bool(self.truth.text()))
        self.draw(answer, run, run.streams[self.stream].now(now))

    def retheme(self) -> None:
        """Take the colours anew."""
        self.truth.setStyleSheet(f"color: {theme().quiet}")


class ModelPanel(Panel):
    """One model: a view of each stream that it runs on, and what must be told with it.

    Attributes
    ----------
    tasks : tuple of str
        Of the models that it is for.
    view : type
        A `View`.
    views : dict of str to View
        By stream, once it has been refreshed.
    notes : QLabel
        What a person must be told beside every answer.
    """

    tasks: tuple[str, ...] = ()
    view: type[View]
    always: tuple[str, ...] = ()  # notes that do not depend on the model's card

    def __init__(self, about: str, send: Callable[[dict[str, Any]], None]) -> None:
        super().__init__(about, send)
        self.title = about
        self.views: dict[str, View] = {}
        self.notes = words()
        self._names: list[QLabel] = []
        self._side = QHBoxLayout()
        self._side.setSpacing(24)
        box = QVBoxLayout(self)
        box.setContentsMargins(12, 8, 12, 8)
        box.setSpacing(6)
        box.addLayout(self._side, 1)
        box.addWidget(self.notes)

    @classmethod
    def subjects(cls, run: RunModel) -> Sequence[str]:
        """Return the models with such a task."""
        return [name for name, each in run.models.items() if each.task in cls.tasks]

    def follow(self, run: RunModel, now: float) -> None:
        """Make the views, once it is known what they are of."""
        if not self.views:
            self._begin(run.models[self.about])

    def refresh(self, run: RunModel, now: float) -> None:
        """Show how things stand."""
        for each in self.views.values():
            each.refresh(run, now)

    def retheme(self) -> None:
        """Take the colours anew."""
        self.notes.setStyleSheet(f"color: {theme().warn}")
        for each in self._names:
            each.setStyleSheet(f"color: {theme().quiet}")
        for view in self.views.values():
            view.retheme()

    def _begin(self, model: ModelModel) -> None:
        """Make a view of each stream."""
        told = {each.lower() for each in model.notes}
        more = (each for each in self.always if each.lower() not in told)
        self.notes.setText("   ".join([*model.notes, *more]))
        self.notes.setVisible(bool(self.notes.text()))
        for name in model.streams:
            view = self.views[name] = self.view(model, name)
            box = QVBoxLayout()
            if len(model.streams) > 1:
                self._names.append(words(name))
                box.addWidget(self._names[-1])
            box.addWidget(view, 1)
            self._side.addLayout(box, 1)
        self.retheme()


def words(text: str = "", size: float = 1.0) -> QLabel:
    """Return a label for plain text, which may be long, or not be ours."""
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setFont(font(size))
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    return label


def _truth(answer: Answer, counters: dict[str, int]) -> str:
    """Return what is true and how many decisions agreed, in words."""
    judged = counters.get("judged", 0)
    parts = []
    if answer.truth is not None:
        parts.append(f"{TRUTH} truth: {answer.truth}")
    if judged:
        correct = counters["correct"]
        parts.append(f"{correct / judged:.1%} of {judged:,} agree")
    return "   ".join(parts)
