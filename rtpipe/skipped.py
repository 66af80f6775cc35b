"""Windows that were due and get no answer: counted, and told."""

from collections.abc import Sequence
from typing import Literal

from rtpipe.pipeline import Due
from rtpipe.sink import ModelStatus
from rtpipe.types import Event

Why = Literal["skipped", "stale", "overrun", "unanswered"]
REASONS: dict[Why, str] = {
    "skipped": "newer ones came while the bundle was busy",
    "stale": "too old when they came",
    "overrun": "overwritten before they were read",
    "unanswered": "the run ended",
}


def give_up(status: ModelStatus, windows: Sequence[Due], why: Why) -> list[Event]:
    """Count windows of a bundle as given up, and return an event for each stream.

    Parameters
    ----------
    status : ModelStatus
        Whose counters they are added to.
    windows : sequence of Due
        In the order in which they came.
    why : str
        The name of the counter; the event tells `REASONS` of it.
    """
    events = []
    for stream in dict.fromkeys(each.stream for each in windows):
        mine = [each for each in windows if each.stream == stream]
        counters = status.windows[stream]
        setattr(counters, why, getattr(counters, why) + len(mine))
        indices = [each.stop - 1 for each in mine]
        told = {"model": status.name, "indices": indices, "reason": REASONS[why]}
        events.append(Event(stream, mine[-1].end, "skipped", None, told))
    return events
