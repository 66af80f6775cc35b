"""The windows that wait for a bundle, and which of them are given up."""

from math import inf

from rtpipe.pipeline import Due

PATIENCE = 0.1  # seconds


class Pending:
    """Windows in the order they came, for one bundle. Holds no lock.

    A model slower than the data must not fall ever further behind: a window that has
    waited longer than `patience` is given up for a newer one of its stream. The
    newest is never given up, so a slow model answers what is true now. A hiccup
    shorter than `patience` skips nothing.

    Parameters
    ----------
    patience : float
        In seconds; infinite where the source waits for the answers.
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self.patience = patience
        self._waiting: list[Due] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, due: list[Due]) -> None:
        """Add windows, each newer than those of its stream that wait already."""
        self._waiting += due

    def take(self, now: float, most: float = inf) -> tuple[list[Due], list[Due]]:
        """Return the windows to answer now, at most `most`, and those given up."""
        newest = {each.stream: each.stop for each in self._waiting}
        keep: list[Due] = []
        skip: list[Due] = []
        for each in self._waiting:
            patient = now - each.arrived <= self.patience
            old = not patient and each.stop < newest[each.stream]
            (skip if old else keep).append(each)
        n = len(keep) if most == inf else int(most)
        self._waiting = keep[n:]
        return keep[:n], skip
