"""An alarm that stays until a person has seen it. No Qt."""

from collections.abc import Mapping

import numpy as np

from rtpipe.sinks.decided import Spell

_NAMES = ("seizure", "ictal")


class Alarm:
    """Is raised when a label is decided, and stays raised until it is acknowledged.

    The run remembers what was decided, so that one that nobody has looked for is raised
    when somebody does. Acknowledged while the label goes on, it is silent until the
    label comes anew: see `rtpipe.sinks.decided.Decided`.

    Parameters
    ----------
    label : str
        One of the model's.

    Attributes
    ----------
    raised : bool
    going_on : bool
        Whether the newest decision is the label.
    before : bool
        Whether it was over when it was looked for first, and has not come since.
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
        self.going_on = self.before = False
        self.since = self.last = np.nan
        self.times = 0
        self._looked = False
        self._acknowledged = 0  # of the times that it came

    @property
    def raised(self) -> bool:
        """Whether it came since the last acknowledgement."""
        return self.times > 0

    def follow(self, decided: Mapping[str, Spell]) -> bool:
        """Take in what the run told last of each label; return whether it raised it.

        Parameters
        ----------
        decided : mapping of str to Spell
            Those that were ever decided.
        """
        raised, came = self.raised, self.times
        if (told := decided.get(self.label)) is not None:
            self.since, self.last = told["begin"], told["end"]
            self.times = told["times"] - self._acknowledged
        newest = max(decided, key=lambda each: decided[each]["end"], default=None)
        self.going_on = newest == self.label
        if not self._looked:
            self._looked, self.before = True, self.raised and not self.going_on
        elif self.times > came:
            self.before = False
        return self.raised and not raised

    def acknowledge(self) -> None:
        """Note that a person has seen it."""
        self._acknowledged += self.times
        self.times = 0


def label_of(labels: tuple[str, ...]) -> str:
    """Return the label to be warned of: a seizure, or, where none says so, the last."""
    return next((each for each in labels if each.lower() in _NAMES), labels[-1])
