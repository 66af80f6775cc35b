"""How a stream's connection stands, for those who show or store it."""

from dataclasses import dataclass
from typing import Literal

State = Literal["connecting", "streaming", "degraded", "lost", "recovering"]


@dataclass(slots=True)
class Link:
    """The state of one stream's connection; one writer, the thread that reads it.

    Parameters
    ----------
    state : str
        ``"connecting"`` until the first sample; ``"streaming"``; ``"degraded"`` while
        samples are late or many are lost; ``"lost"`` when they have stopped;
        ``"recovering"`` while the device is being opened again.
    reason : str
        Why it is not streaming, and what to try where that is known.
    since : float
        When the state began, on the run's clock; 0 before the run has one.
    """

    state: State = "connecting"
    reason: str = ""
    since: float = 0.0

    def become(self, state: State, now: float, reason: str = "") -> None:
        """Change the state, or only the reason where the state stays."""
        if state != self.state:
            self.state, self.since = state, now
        self.reason = reason
