"""A picture of the answers of one model on one stream, drawn when they change."""

from collections.abc import Sequence

import numpy as np
from PyQt6.QtWidgets import QSizePolicy, QWidget

from rtpipe.dashboard.answer import Answer
from rtpipe.dashboard.model import Answers

_MOVES = 10  # times a second that it is drawn, while no other label is decided


class AnswersPicture(QWidget):
    """Keeps what its `paintEvent` draws.

    Parameters
    ----------
    labels : sequence of str
    hop : float
        Seconds from one answer to the next.
    """

    def __init__(self, labels: Sequence[str], hop: float) -> None:
        super().__init__()
        self._labels, self._hop = tuple(labels), hop
        self._answer: Answer | None = None
        self._answers: Answers | None = None
        self._now = np.nan
        self._drawn: object = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def show_answers(self, answer: Answer, answers: Answers, now: float) -> None:
        """Draw an answer, and those before it, as far as anything has changed.

        Parameters
        ----------
        answer : Answer
        answers : Answers
        now : float
            The present on the stream's clock; nan where it is not known.
        """
        moment = round(now * _MOVES) if np.isfinite(now) else None
        said = (answer.label, answer.stands, answer.truth)
        drawn = (*said, moment)
        if drawn != self._drawn:
            self._drawn = drawn
            self._answer, self._answers, self._now = answer, answers, now
            self.update()
