"""What is counted of everything that can be lost. Integers, one writer each."""

from dataclasses import asdict, dataclass


@dataclass(slots=True)
class StreamCounters:
    """Samples of one stream, counted by the thread that reads its device.

    expected = received - late + lost; see docs/ledger.md.

    Parameters
    ----------
    received : int
        Samples the device sent; those its adapter dropped because they came late count.
    expected : int
        Samples of the running index, from the first one received to the newest.
    lost_device : int
        Missing from the running index, says the device's own counter.
    lost_transport : int
        Missing from the running index, say the times: between sender and here, and
        while the device was lost.
    filled : int
        Of the lost ones, those that were filled in because the gap was short.
    missing : int
        Received samples with a value that is not finite or at a rail.
    late : int
        Received samples that had come before, or whose turn had passed; dropped.
    malformed : int
        Samples of a shape that is not the stream's. They were dropped, are not
        received, and once others follow they are among the lost.
    gaps : int
        Gaps too long to fill: filters and windows started anew.
    outages : int
        How often the device was lost.
    """

    received: int = 0
    expected: int = 0
    lost_device: int = 0
    lost_transport: int = 0
    filled: int = 0
    missing: int = 0
    late: int = 0
    malformed: int = 0
    gaps: int = 0
    outages: int = 0

    @property
    def lost(self) -> int:
        """Samples missing from the running index, wherever they were lost."""
        return self.lost_device + self.lost_transport

    def summary(self) -> dict[str, int]:
        """Return all of them, by their names."""
        return {**asdict(self), "lost": self.lost}


@dataclass(slots=True)
class WindowCounters:
    """Windows of one stream for one bundle.

    due = answered + skipped + stale + overrun + unanswered + not_finite + those still
    waiting, of which there are none when the run is over.

    Parameters
    ----------
    due : int
        Windows of the grid whose last sample came.
    answered : int
        Windows the bundle gave probabilities for.
    skipped : int
        Windows given up because newer ones came while the bundle was busy.
    stale : int
        Windows that were too old when they came for anybody to act on.
    overrun : int
        Windows overwritten in the ring before they were read.
    unanswered : int
        Windows that still waited, or were being answered, when the run ended.
    not_finite : int
        Windows without an answer, because a value in them or in the answer was
        infinite or not a number.
    overwritten : int
        Samples of the windows that were overrun, each counted once.
    rejected : int
        Answered windows without a decision.
    correct, judged : int
        Answered windows whose truth is known, and those of them where the label
        agrees; a rejected window is judged, and not correct.
    """

    due: int = 0
    answered: int = 0
    skipped: int = 0
    stale: int = 0
    overrun: int = 0
    unanswered: int = 0
    not_finite: int = 0
    overwritten: int = 0
    rejected: int = 0
    correct: int = 0
    judged: int = 0
