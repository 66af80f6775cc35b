"""An alarm that stays until a person has seen it. No Qt."""

import numpy as np

from rtpipe.dashboard.model import Answers

_NAMES = ("seizure", "ictal")
APART = 5.0  # seconds after which the same label, decided again, is another one


class Alarm:
    """Is raised when a label is decided, and stays raised until it is acknowledged.

    Acknowledged while the label goes on, it is silent until the label comes anew: after
    another label, or after `APART` seconds without it, such as a loss of data. An
    answer without a decision says neither that it goes on nor that it is over.

    Parameters
    ----------
    label : str
        One of the answers'.

    Attributes
    ----------
    raised : bool
    going_on : bool
        Whether the newest decision is the label.
    since : float
        When it was decided, on the stream's clock: where it came several times, the
        last time. nan where it never did.
    last : float
        The newest time at which it was decided.
    times : int
        How often it came since the last acknowledgement.
    """

    def __init__(self, label: str) -> None:
        self.label = label
        self.raised = self.going_on = False
        self.since = self.last = np.nan
        self.times = 0
        self._after = -1  # index of the last answer that was taken in

    def follow(self, answers: Answers) -> bool:
        """Take in the answers since the last call; return whether it raised it."""
        before, times = self.raised, self.times
        wanted = answers.labels.index(self.label)
        for row in np.flatnonzero(answers.index > self._after):
            self._after = int(answers.index[row])
            self._take(int(answers.label[row]), wanted, float(answers.end[row]))
        self.raised = before or self.times > times
        return self.raised and not before

    def acknowledge(self) -> None:
        """Note that a person has seen it."""
        self.raised, self.times = False, 0

    def _take(self, place: int, wanted: int, end: float) -> None:
        if place == wanted:
            if not self.going_on or end - self.last > APART:
                self.times, self.since = self.times + 1, end
            self.going_on, self.last = True, end
        elif place >= 0:
            self.going_on = False


def label_of(labels: tuple[str, ...]) -> str:
    """Return the label to be warned of: a seizure, or, where none says so, the last."""
    return next((each for each in labels if each.lower() in _NAMES), labels[-1])
