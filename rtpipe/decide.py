"""From probabilities over time to what a user acts on."""

from collections import Counter, deque
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat

from rtpipe.types import Float64

Windows = Annotated[int, Field(ge=1, le=10_000)]  # that is minutes to hours


class Decision(BaseModel):
    """How decisions are drawn.

    Parameters
    ----------
    smoothing : str
        Over the answered windows: ``"none"``; ``"mean"`` of the last `windows`;
        ``"exponential"``, each new window weighing 2 / (windows + 1), whose centre of
        mass is that of the mean; ``"majority"`` of the last `windows` labels, the
        newest winning a tie.
    windows : int
    confidence : float
        A smoothed probability (for the majority: a share of votes) below it is
        rejected.
    missing : float
        A window of which a greater share was lost, filled or railed is rejected.
    bad : float
        A window is rejected when a greater share of the channels is flat or railed.
    dwell : int
        A label is taken over once it has come this many windows in a row, none of
        them rejected. Before the first one, at the start and after a long gap, there
        is no decision.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    smoothing: Literal["none", "mean", "exponential", "majority"] = "mean"
    windows: Windows = 5
    confidence: float = Field(default=0.0, ge=0, le=1)
    missing: NonNegativeFloat = 0.2
    bad: NonNegativeFloat = 0.5
    dwell: Windows = 1


class Decider:
    """Draws the decisions of one bundle on one stream, in the order of the windows.

    Parameters
    ----------
    decision : Decision
    labels : tuple of str
    """

    def __init__(self, decision: Decision, labels: tuple[str, ...]) -> None:
        self.decision, self.labels = decision, labels
        self.forget()

    def forget(self) -> None:
        """Start anew, as after a gap that was too long to fill."""
        self._past: deque[Float64] = deque(maxlen=self.decision.windows)
        self._average: Float64 | None = None
        self._held: str | None = None  # the label in force
        self._new: tuple[str | None, int] = (None, 0)  # one that asks to be, and since

    def decide(
        self, probabilities: Float64, missing: float = 0.0, bad: float = 0.0
    ) -> tuple[str | None, str | None]:
        """Return the label, or None and the reason why there is none.

        Parameters
        ----------
        probabilities : ndarray of float64, shape (n_labels,)
        missing : float
            Share of the window's values that were lost, filled or railed.
        bad : float
            Share of the channels that are flat or railed.
        """
        # Rejected windows are averaged too: what to believe of them is the next
        # windows' matter, and smoothing stays one rule over all answered windows.
        smooth = self._smoothed(probabilities)
        best = int(smooth.argmax())
        if missing > self.decision.missing:
            return self._rejected(f"{missing:.0%} of the window is missing")
        if bad > self.decision.bad:
            return self._rejected(f"{bad:.0%} of the channels carry no signal")
        if smooth[best] < self.decision.confidence:
            return self._rejected(f"confidence {smooth[best]:.2f} is below the limit")
        return self._dwelt(self.labels[best])

    def _smoothed(self, probabilities: Float64) -> Float64:
        kind, past = self.decision.smoothing, self._past
        past.append(probabilities)
        if kind == "mean":
            mean: Float64 = np.mean(past, axis=0)
            return mean
        if kind == "exponential":
            weight = 2 / (self.decision.windows + 1)
            if self._average is None:
                self._average = probabilities
            self._average = self._average + weight * (probabilities - self._average)
            return self._average
        if kind == "majority":
            votes = Counter(int(each.argmax()) for each in reversed(past))
            shares = np.zeros_like(probabilities)
            for label, count in votes.items():
                shares[label] = count / len(past)
            newest = int(probabilities.argmax())
            if shares[newest] == shares.max():  # the newest wins a tie
                shares[newest] += 1e-9
            return shares
        return probabilities

    def _rejected(self, reason: str) -> tuple[None, str]:
        self._new = (None, 0)  # what comes before and after it is not in a row
        return None, reason

    def _dwelt(self, label: str) -> tuple[str | None, str | None]:
        since = self._new[1] + 1 if self._new[0] == label else 1
        self._new = (label, since)
        dwell = self.decision.dwell
        if since >= dwell:
            self._held = label
        if self._held is None:
            return None, f"{label} has come {since} of {dwell} times in a row"
        return self._held, None
