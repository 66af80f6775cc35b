"""What the panels of all models have in common: label, reason, how often right."""

from collections.abc import Callable, Sequence
from typing import Any

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from rtpipe.dashboard.agreement import agreement
from rtpipe.dashboard.answer import Answer, answer_of
from rtpipe.dashboard.model import ModelModel, RunModel
from rtpipe.dashboard.panel import Panel
from rtpipe.dashboard.theme import colour_of, font, theme
from rtpipe.dashboard.tile import Tile

_EVERY = 1.0  # seconds after which it is counted anew how often a model was right
_DRAWN = {
    "none": "Decided from the newest window",
    "mean": "Decided from the mean of the last {} windows",
    "exponential": "Decided from the average over the last {} windows",
    "majority": "Decided by most of the last {} windows",
}


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
    placed : QLabel
        How the electrodes are found to be placed, where it is otherwise than in
        training.
    accuracy : QLabel
        How often the decisions were right, where the truth is known.
    answer : Answer or None
        What is shown; None before the first `refresh`.
    """

    def __init__(self, model: ModelModel, stream: str) -> None:
        super().__init__()
        self.model, self.stream = model, stream
        self.tile, self.accuracy = Tile(), words(size=0.85)
        self.placed = words(size=0.85)
        self.placed.hide()
        self.placed.setToolTip("Found from the signals since the run began.")
        self.accuracy.setAlignment(
            Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        )
        self.tile.setToolTip(_drawn(model))
        self.answer: Answer | None = None
        self._counted = -_EVERY  # when, on the run's clock
        self.box = QVBoxLayout(self)
        self.box.setContentsMargins(0, 0, 0, 0)
        self.box.setSpacing(8)
        self.arrange()

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
        self._tell_placement()
        if now - self._counted >= _EVERY:
            self._counted = now
            self._count()
        self.draw(answer, run, run.streams[self.stream].now(now))

    def retheme(self) -> None:
        """Take the colours anew."""
        for each in (self.placed, self.accuracy):
            each.setStyleSheet(f"color: {theme().quiet}")

    def _tell_placement(self) -> None:
        """Tell how the electrodes are placed, where it is not as in training."""
        placed = self.model.placement.get(self.stream, "")
        self.placed.setText(f"Electrodes: {placed}")
        self.placed.setVisible(bool(placed))

    def _count(self) -> None:
        """Tell how often the decisions were right."""
        counted = agreement(self.model.streams[self.stream])
        self.accuracy.setText(counted.short())
        self.accuracy.setToolTip(counted.long())
        self.accuracy.setVisible(bool(counted.judged))


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
        self.notes = words(size=0.9)
        self._names: list[QLabel] = []
        self._side, self._below = QHBoxLayout(), QHBoxLayout()
        self._side.setSpacing(24)
        self._below.setSpacing(12)
        self._below.addWidget(self.notes, 5)
        box = QVBoxLayout(self)
        box.setContentsMargins(12, 8, 12, 8)
        box.setSpacing(6)
        box.addLayout(self._side, 1)
        box.addLayout(self._below)

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
        self.notes.setText("\n".join([*model.notes, *more]))
        self.notes.setVisible(bool(self.notes.text()))
        for name in model.streams:
            view = self.views[name] = self.view(model, name)
            box = QVBoxLayout()
            box.setSpacing(6)
            if len(model.streams) > 1:
                self._names.append(words(name))
                box.addWidget(self._names[-1])
                view.box.addWidget(view.placed)
                view.box.addWidget(view.accuracy)
            else:
                self._below.addWidget(view.placed, 3)
                self._below.addWidget(view.accuracy, 4)
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


def _drawn(model: ModelModel) -> str:
    """Return how a model's decisions are drawn, in words."""
    decision = model.decision
    how = _DRAWN[decision.get("smoothing", "none")]
    how = how.format(decision.get("windows", 1))
    return f"{how}. The numbers are those of the newest window alone."
