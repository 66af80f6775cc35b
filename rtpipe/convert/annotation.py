"""What happened during a recording, as stretches of its samples with a text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from textwrap import shorten

from rtpipe.cues import OFF, ON
from rtpipe.cuespans import spans
from rtpipe.printable import clean
from rtpipe.types import Event

BAD_LOST = "BAD_lost"  # MNE leaves out what is annotated with BAD
BAD_VALUE = "BAD_not_finite"
LONGEST = 200  # characters of a text: EDF keeps room for the longest in every record


@dataclass(frozen=True, slots=True, order=True)
class Annotation:
    """A text at a sample, or over a stretch of samples.

    Parameters
    ----------
    row : int
        The sample it begins at, counted from the recording's first, lost ones too.
    duration : float
        In seconds; 0 for a moment.
    text : str
    """

    row: int
    duration: float
    text: str


def annotations(
    events: Sequence[Event], first: int, n_times: int, sfreq: float
) -> list[Annotation]:
    """Return the annotations that markers, cues and truth make.

    Parameters
    ----------
    events : sequence of Event
        In the order of their index; one without an index is left out.
    first : int
        Index of the first sample.
    n_times : int
        Samples, lost ones included.
    sfreq : float

    Notes
    -----
    ``cue on: X`` and the ``cue off: X`` that ends it are one annotation X, as long as
    the cue; one that was broken, or is not over, is not what the person did, and its
    markers stay what they are. The truth of a task is ``TASK: LABEL`` for as long as it
    stays the same. Any other marker is its text.
    """
    placed = [
        (min(max((each.index or 0) - first, 0), n_times - 1), each)
        for each in events
        if each.index is not None
    ]
    marks = [(row, each) for row, each in placed if each.kind == "marker"]
    truth = [(row, each) for row, each in placed if each.kind == "truth"]
    return [*_markers(marks, sfreq), *_truth(truth, n_times, sfreq)]


def _markers(marks: Sequence[tuple[int, Event]], sfreq: float) -> Iterator[Annotation]:
    events = [replace(event, index=row) for row, event in marks]
    whole = [each for each in spans(events) if each.whole]
    for each in whole:
        lasts = (each.stop - each.start) / sfreq
        yield Annotation(each.start, lasts, _clean(each.label))
    ends = {(each.start, _clean(ON + each.label)) for each in whole}
    ends |= {(each.stop, _clean(OFF + each.label)) for each in whole}
    for row, event in marks:
        text = _clean(str(event.data.get("text", "")))
        if (row, text) not in ends:
            yield Annotation(row, float(event.data.get("duration", 0.0)), text)


def _truth(
    truth: Sequence[tuple[int, Event]], n_times: int, sfreq: float
) -> Iterator[Annotation]:
    lasting: dict[str, tuple[int, str | None]] = {}  # since which row, by task
    ends: list[tuple[int, str, str | None]] = [
        (row, str(each.data.get("task", "")), each.data.get("label"))
        for row, each in truth
    ]
    for row, task, label in ends:
        since, before = lasting.get(task, (row, None))
        if label != before:
            yield from _lasted(task, before, since, row, sfreq)
            lasting[task] = row, label
    for task, (since, label) in lasting.items():
        yield from _lasted(task, label, since, n_times, sfreq)


def _lasted(
    task: str, label: str | None, since: int, until: int, sfreq: float
) -> Iterator[Annotation]:
    if label is not None and until > since:
        yield Annotation(since, (until - since) / sfreq, _clean(f"{task}: {label}"))


def _clean(text: str) -> str:
    """Return a text on one line, without what would end it in a file."""
    return shorten(clean(text), LONGEST, placeholder=" ...") or "(no text)"
