"""Keep what a run gives in memory, for evaluation and for tests."""

from collections.abc import Sequence

from rtpipe.sink import Item, Run
from rtpipe.types import Event, Prediction


class Collect:
    """A sink that keeps everything.

    Attributes
    ----------
    predictions : list of Prediction
    events : list of Event
    """

    name = "collect"
    period = 1.0
    samples = False

    def __init__(self) -> None:
        self.predictions: list[Prediction] = []
        self.events: list[Event] = []

    def open(self, run: Run) -> None:
        """Nothing to get ready."""

    def take(self, items: Sequence[Item]) -> None:
        """Keep the items, by kind."""
        for item in items:
            if isinstance(item, Prediction):
                self.predictions.append(item)
            else:
                self.events.append(item)

    def close(self) -> None:
        """Nothing to finish."""
