"""When a model decided what: for whoever looks at a run later, such as an alarm."""

from math import isfinite
from typing import TypedDict

APART = 5.0  # seconds after which the same label, decided again, is another time ...
_HOPS = 3  # ... and so many hops of the model must be over, too


def apart(hop: float) -> float:
    """Return the seconds after which the same label, decided again, is another time.

    Parameters
    ----------
    hop : float
        From one window of the model to the next, in seconds.
    """
    return max(APART, _HOPS * hop)


class Spell(TypedDict):
    """The newest time that a label was decided without a break.

    Parameters
    ----------
    begin, end : float
        Of its first and of its newest decision, on the stream's clock.
    times : int
        How often the label began, this time too.
    """

    begin: float
    end: float
    times: int


class Decided:
    """The decisions of one model on one stream, as far back as they go.

    A label begins anew after another label, or after some time without it (see
    `apart`), such as a loss of data. An answer without a decision says neither that a
    label goes on nor that it is over.

    Parameters
    ----------
    hop : float
        From one window to the next, in seconds.

    Attributes
    ----------
    labels : dict of str to Spell
        Of each label that was ever decided.
    """

    def __init__(self, hop: float) -> None:
        self._apart = apart(hop)
        self.labels: dict[str, Spell] = {}
        self._newest: str | None = None
        self._last = 0.0

    def add(self, label: str | None, end: float) -> None:
        """Take in a decision, in their order; None is that there was none."""
        if label is None:
            return
        self._last = end = end if isfinite(end) else self._last
        spell = self.labels.setdefault(label, Spell(begin=end, end=end, times=0))
        if label != self._newest or end - spell["end"] > self._apart:
            spell["begin"], spell["times"] = end, spell["times"] + 1
        spell["end"], self._newest = end, label
