"""One model's answers on one stream: the stored ones against those of the replay."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from rtpipe.pipeline import Due
from rtpipe.replaycheck.stored import Stored
from rtpipe.settling import Settling
from rtpipe.types import Prediction

TOLERANCE = 1e-5  # of probabilities, where the last digits may differ
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """Where the recording and its replay part.

    Parameters
    ----------
    index : int
        Of the window's last sample.
    time : float
        The recording's clock, in seconds.
    what : str
    stored, replayed : dict or None
        Both answers: probabilities, label, reason, missing.
    """

    index: int
    time: float
    what: str
    stored: Answer | None
    replayed: Answer | None


class Comparison:
    """Compares as the replay goes on, and tells which windows it is to answer.

    Parameters
    ----------
    stored : Stored
    cut : bool
        Whether the recording ends anywhere, so that its streams end apart.
    exact : bool
        Whether every bit is to be the same, for the same engine computes.
    settling : Settling or None
        How long it takes until the replay knows what the run knew, for a recording that
        began later than its run; None for one that began with it.
    needs : int
        Samples that such a recording needs before a decision can be compared.

    Attributes
    ----------
    replayed : int
        Windows the replay answered.
    compared, equal_bits : int
        Answers that were compared, and those that are the same in every bit.
    labels_compared, labels_differ : int
    largest : float
        Largest difference of a probability.
    obeyed : int
        Windows not answered, for the run had skipped them.
    unsettled : int
        Answers not compared: the replay could not know yet what the run knew.
    beyond : int
        Windows after the last stored answer, and answers after the last sample of a
        recording that was cut off: left out.
    n_different : int
    first : Difference or None
        The first that differs, by its index.
    """

    def __init__(
        self,
        stored: Stored,
        cut: bool,
        exact: bool,
        settling: Settling | None,
        needs: int,
    ) -> None:
        self.stored, self.exact, self.settling = stored, exact, settling
        self.needs = needs
        self._cut = cut
        self._rows = {index: k for k, index in enumerate(stored.index.tolist())}
        last = [max(self._rows, default=-1)]
        if cut:  # a decision is written behind its answer
            last.append(max(stored.decisions, default=-1))
        self._last = min(last)
        self._seen = np.zeros(len(stored.index), bool)
        self._settled = 0  # settled answers so far
        self._held = False
        self.replayed = self.compared = self.equal_bits = 0
        self.labels_compared = self.labels_differ = self.n_different = 0
        self.obeyed = self.unsettled = self.beyond = 0
        self.largest = 0.0
        self.first: Difference | None = None

    @property
    def verdict(self) -> bool | None:
        """Whether they are equal; None where that cannot be told."""
        if self.n_different:
            return False
        return None if self.never or not self.compared else True

    @property
    def never(self) -> str:
        """What of the model never forgets what came before the recording."""
        return self.settling.never if self.settling else ""

    def wanted(self, index: int) -> tuple[int, int] | None:
        """Return in which batch and where a window is to be answered, if it is."""
        if index in self._rows:
            row = self._rows[index]
            return int(self.stored.batch[row]), int(self.stored.place[row])
        if index in self.stored.skipped:
            self.obeyed += 1
            return None
        if index > self._last:
            self.beyond += 1
            return None
        return 1, 0

    def take(self, due: Due, first: int | None, answer: Prediction | None) -> None:
        """Compare a window that was wanted.

        Parameters
        ----------
        due : Due
        first : int or None
            First sample from which all channels of the stream are known.
        answer : Prediction or None
            None where the replay has none, for a value is not finite.
        """
        index = due.stop - 1
        row = self._rows.get(index)
        self.replayed += answer is not None
        if row is None:
            if answer is not None:
                self._part(index, "the recording has no answer", None, answer)
            return
        self._seen[row] = True
        if index > self._last:
            self.beyond += 1
        elif answer is None:
            self._part(index, "the replay has no answer", row, None)
        elif self.settling is None:
            self._compare(row, answer, True)
        else:
            self._compare_settled(self.settling, row, due, first, answer)

    def finish(self, earliest: int, stop: int) -> None:
        """Look at what was stored and never came, when the replay is over.

        Parameters
        ----------
        earliest : int
            Last sample of the first window that lies wholly in the recording.
        stop : int
            Index of the sample that would come next.
        """
        for row in np.flatnonzero(~self._seen).tolist():
            index = int(self.stored.index[row])
            if self._cut and index >= stop:
                self.beyond += 1
            elif self.settling is not None and index < earliest:
                self.unsettled += 1
            else:
                self._part(index, "the window does not come in the replay", row, None)

    def _compare_settled(
        self,
        settling: Settling,
        row: int,
        due: Due,
        first: int | None,
        answer: Prediction,
    ) -> None:
        if settling.never:
            label, _ = self._decision(row)
            self.labels_compared += 1
            self.labels_differ += label != answer.label
            self.unsettled += 1
        elif first is None or due.start < first + settling.samples:
            self.unsettled += 1
        else:
            self._settled += 1
            smoothed = self._settled > settling.windows
            # A label that dwells is known from the first one on that has come to hold.
            self._held |= smoothed and answer.label is not None
            self._compare(row, answer, smoothed and self._held)

    def _compare(self, row: int, answer: Prediction, decided: bool) -> None:
        stored = self.stored
        found = np.array([answer.probabilities.get(e, -1.0) for e in stored.labels])
        off = float(np.abs(found - stored.probabilities[row]).max())
        self.compared += 1
        self.equal_bits += bool(off == 0)
        self.largest = max(self.largest, off)
        if not off <= (0.0 if self.exact else TOLERANCE):
            self._part(answer.index, "the probabilities differ", row, answer)
        elif not abs(answer.missing - stored.missing[row]) <= 1e-9:
            self._part(answer.index, "what is missing differs", row, answer)
        if not decided:
            return
        self.labels_compared += 1
        if answer.index not in stored.decisions:
            self._part(answer.index, "the recording has no decision", row, answer)
        elif self._decision(row) != (answer.label, answer.reason):
            self.labels_differ += stored.decisions[answer.index][0] != answer.label
            self._part(answer.index, "the decisions differ", row, answer)

    def _decision(self, row: int) -> tuple[str | None, str | None]:
        return self.stored.decisions.get(int(self.stored.index[row]), (None, None))

    def _part(
        self, index: int, what: str, row: int | None, answer: Prediction | None
    ) -> None:
        self.n_different += 1
        if self.first is not None and self.first.index <= index:
            return
        stored = self.stored
        near = min(int(np.searchsorted(stored.index, index)), len(stored.ends) - 1)
        kept = None
        if row is not None:
            label, reason = self._decision(row)
            shares = stored.probabilities[row].tolist()
            kept = {
                "label": label,
                "reason": reason,
                "missing": float(stored.missing[row]),
                "probabilities": dict(zip(stored.labels, shares, strict=True)),
            }
        found = None
        if answer is not None:
            found = {
                "label": answer.label,
                "reason": answer.reason,
                "missing": answer.missing,
                "probabilities": answer.probabilities,
            }
        self.first = Difference(index, float(stored.ends[near]), what, kept, found)
