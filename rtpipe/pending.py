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

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, items: list[Due] | list[Event]) -> None:
        """Add windows, each newer than those of its stream that wait already."""
        self._waiting += items

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
        skip: list[Due] = []
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

    def rest(self) -> tuple[list[Due], list[Event]]:
        """Return all that waits, windows and ends; then nothing does."""
        waiting, self._waiting = self._waiting, []
        windows = [each for each in waiting if isinstance(each, Due)]
        return windows, [each for each in waiting if isinstance(each, Event)]
