"""The stretches of a recording in which a person did what a cue asked for."""

from collections.abc import Iterable
from dataclasses import dataclass

from rtpipe.cues import BROKEN, OFF, ON
from rtpipe.truth import Truth
from rtpipe.types import Event


@dataclass(frozen=True, slots=True)
class Span:
    """A cue, from the sample it was shown at to the sample it was gone.

    Parameters
    ----------
    label : str
    start, stop : int
        Index of the first sample, and of the first one after.
    whole : bool
        Whether it ended as it should: it was not disturbed, and the recording did not
        end before it.
    """

    label: str
    start: int
    stop: int
    whole: bool


def spans(events: Iterable[Event]) -> list[Span]:
    """Return the cues that markers tell of, in their order.

    Parameters
    ----------
    events : iterable of Event
        Of one stream, in the order of their index.
    """
    found: list[Span] = []
    on: tuple[str, int] | None = None
    for event in events:
        text = str(event.data.get("text", ""))
        if event.kind != "marker" or event.index is None:
            continue
        if not text.startswith((ON, OFF, BROKEN)):
            continue
        if on is not None:
            whole = text.startswith(OFF) and _label(text, OFF) == on[0]
            found.append(Span(*on, event.index, whole))
            on = None
        if text.startswith(ON):
            on = _label(text, ON), event.index
    if on is not None:
        found.append(Span(*on, on[1], False))
    return found


def _label(text: str, word: str) -> str:
    return text.removeprefix(word).strip()


def truth(found: Iterable[Span], reaction: int) -> Truth:
    """Return the labels that hold along a stream, by its whole cues.

    Parameters
    ----------
    found : iterable of Span
        In their order.
    reaction : int
        Samples from the onset of a cue until the person does what it asks for.
    """
    labels = Truth()
    for span in found:
        if span.whole and span.start + reaction < span.stop:
            labels.tell(span.start + reaction, span.label)
            labels.tell(span.stop, None)
    return labels
