"""An alarm that stays until a person has seen it. No Qt."""

import numpy as np

from rtpipe.dashboard.model import Answers


class Alarm:
    """Is raised when a label is decided, and stays raised until it is acknowledged.

    Acknowledged while the label goes on, it is silent until the label has ended and
    comes again.

    Parameters
    ----------
    label : str
        One of the answers'.

    Attributes
    ----------
    raised : bool
    going_on : bool
        Whether the newest answer decided the label.
    since : float
        When it was decided, on the stream's clock: where it was so several times, the
        last time. nan where it never was.
    times : int
        How often that was since the last acknowledgement.
    """

    def __init__(self, label: str) -> None:
        self.label = label
        self.raised = self.going_on = False
        self.since, self.times = np.nan, 0
        self._after = -1  # index of the last answer that was taken in

    def follow(self, answers: Answers) -> bool:
        """Take in the answers since the last call; return whether it raised it."""
        new = answers.index > self._after
        if not new.any():
            return False
        self._after = int(answers.index[-1])
        on = answers.label[new] == answers.labels.index(self.label)
        begins = on & ~np.concatenate([[self.going_on], on[:-1]])
        self.going_on = bool(on[-1])
        if not begins.any():
            return False
        self.times += int(begins.sum())
        self.since = float(answers.end[new][begins][-1])
        self.raised, before = True, self.raised
        return not before

    def acknowledge(self) -> None:
        """Note that a person has seen it."""
        self.raised, self.times = False, 0


def label_of(labels: tuple[str, ...]) -> str:
    """Return the label to be warned of: ``"seizure"``, or, without it, the last one."""
    return "seizure" if "seizure" in labels else labels[-1]
