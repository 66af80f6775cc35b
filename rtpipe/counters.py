"""What is counted of everything that can be lost. Integers, one writer each."""

from dataclasses import dataclass


@dataclass(slots=True)
class StreamCounters:
    """Samples of one stream, counted by the thread that reads its device.

    Parameters
    ----------
    received : int
        Samples the device sent; those its adapter dropped because they came late count.
    lost : int
        Samples missing from the running index: lost in the device or on the way.
    filled : int
        Of the lost ones, those that were filled in because the gap was short.
    missing : int
        Received samples with a value that is not finite or at a rail.
    late : int
        Received samples that had come before, and were dropped.
    gaps : int
        Gaps too long to fill: filters and windows started anew.
    outages : int
        How often the device was lost.
    """

    received: int = 0
    lost: int = 0
    filled: int = 0
    missing: int = 0
    late: int = 0
    gaps: int = 0
    outages: int = 0


@dataclass(slots=True)
class WindowCounters:
    """Windows of one stream for one bundle.

    due = answered + skipped + overrun + not_finite + those still waiting.

    Parameters
    ----------
    due : int
        Windows of the grid whose last sample came.
    answered : int
        Windows the bundle gave probabilities for.
    skipped : int
        Windows given up because newer ones came while the bundle was busy.
    overrun : int
        Windows overwritten in the ring before they were read.
    not_finite : int
        Windows without an answer, because a value in them or in the answer was
        infinite or not a number.
    rejected : int
        Answered windows without a decision.
    correct, judged : int
        Answered windows whose truth is known, and those of them where the label
        agrees; a rejected window is judged, and not correct.
    """

    due: int = 0
    answered: int = 0
    skipped: int = 0
    overrun: int = 0
    not_finite: int = 0
    rejected: int = 0
    correct: int = 0
    judged: int = 0
