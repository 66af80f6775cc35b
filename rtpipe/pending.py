"""The windows that wait for a bundle, and which of them are given up."""

from math import inf

from rtpipe.pipeline import Due
from rtpipe.types import Event

PATIENCE = 0.1  # seconds


class Pending:
    """Windows in the order they came, for one bundle. Holds no lock.

    A model slower than the data must not fall ever further behind: a window that has
    waited longer than `patience` is given up for a newer one of its stream. The
    newest is never given up, so a slow model answers what is true now. A hiccup
    shorter than `patience` skips nothing.

    Between the windows may stand events that end a decision. Each is handed out after
    all windows that came before it.

    Parameters
    ----------
    patience : float
        In seconds; infinite where the source waits for the answers.
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self.patience = patience
        self._waiting: list[Due | Event] = []
        self._given_up: list[Due] = []

    def __len__(self) -> int:
        return len(self._waiting) + len(self._given_up)

    def put(self, items: list[Due] | list[Event]) -> None:
        """Add windows, each newer than those of its stream that wait already."""
        self._waiting += items

    def give_up(self, due: list[Due]) -> None:
        """Add windows that came too late to be answered."""
        self._given_up += due

    def take(
        self, now: float, most: float = inf
    ) -> tuple[list[Due], list[Due], list[Event]]:
        """Return the windows to answer now, at most `most`; those given up; the ends.

        The ends, if there are any, are to be told after the answers.
        """
        newest = {
            each.stream: each.stop for each in self._waiting if isinstance(each, Due)
        }
        keep: list[Due] = []
        skip, self._given_up = self._given_up, []
        ends: list[Event] = []
        n = 0
        for each in self._waiting:
            if isinstance(each, Event):
                ends.append(each)
            elif ends or len(keep) == most:
                break
            else:
                patient = now - each.arrived <= self.patience
                old = not patient and each.stop < newest[each.stream]
                (skip if old else keep).append(each)
            n += 1
        self._waiting = self._waiting[n:]
        return keep, skip, ends
