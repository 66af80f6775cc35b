"""How often the answers agreed with the truth, class by class."""

from rtpipe.types import Prediction


class Tally:
    """Counts the predictions whose truth is known, per true label.

    A rejected prediction counts as not correct, as it does in `WindowCounters`.

    Attributes
    ----------
    judged, correct : dict of str to int
        Per true label, in the order in which they were first seen.
    """

    def __init__(self) -> None:
        self.judged: dict[str, int] = {}
        self.correct: dict[str, int] = {}

    def add(self, prediction: Prediction) -> None:
        """Count one prediction, if its truth is known."""
        truth = prediction.truth
        if truth is not None:
            hit = prediction.label == truth
            self.judged[truth] = self.judged.get(truth, 0) + 1
            self.correct[truth] = self.correct.get(truth, 0) + hit

    @property
    def recalls(self) -> dict[str, float]:
        """Per true label, the share that was recognised."""
        return {each: self.correct[each] / n for each, n in self.judged.items()}

    @property
    def balanced_accuracy(self) -> float | None:
        """The mean of the recalls: 1 / number of classes is what guessing gets."""
        recalls = self.recalls
        return sum(recalls.values()) / len(recalls) if recalls else None
