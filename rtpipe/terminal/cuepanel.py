"""What a person is asked to do, large, with the time that is left."""

from math import ceil

from rich.cells import cell_len

from rtpipe.cues import Cue
from rtpipe.printable import clean
from rtpipe.terminal.canvas import (
    ACCENT,
    BOLD,
    FRAME,
    QUIET,
    STRONG,
    WARN,
    WAVE,
    Line,
    box,
    cell,
)
from rtpipe.terminal.largetext import large

_LEAST = 14  # lines that are left to all others before a cue is drawn large
_AROUND = 4  # lines of it around the letters: the frame, what is said, and the bar
_LARGEST = 7


def cue_lines(cue: Cue, width: int, height: int) -> list[Line]:
    """Return the lines of a cue, where there are `height` lines for everything."""
    rows = min(_LARGEST, height - _LEAST - _AROUND)
    word = "wait" if cue.waits else clean(cue.label or cue.next or "")
    said = sentence(cue)
    style = WARN if cue.waits else STRONG if cue.label else QUIET
    if rows < 1:
        return [
            [cell(f" {said}", WARN if cue.waits else BOLD), cell(f"  {place(cue)}")]
        ]
    letters = large(word, width - 4, rows)
    pad = max(0, (width - 4 - cell_len(letters[0])) // 2)
    body: list[Line] = [[cell(said, style)]]
    body += [[cell(" " * pad + row, style)] for row in letters]
    body.append(_bar(cue, width - 4))
    title = [cell(place(cue), BOLD)]
    return box(width, len(body) + 2, body, title)


def place(cue: Cue) -> str:
    """Return which cue of how many it is."""
    if not cue.total:
        return f"cues done: {cue.done}" if cue.done else "cues"
    if cue.done == cue.total:
        return f"cues: {cue.total} of {cue.total}"
    return f"cue {cue.done + 1} of {cue.total}"


def summary(cue: Cue) -> str:
    """Return how many cues are done, were broken, and are left."""
    of = f" of {cue.total}" if cue.total else ""
    said = f"cues: {cue.done}{of} done"
    said += f", {cue.broken} broken" if cue.broken else ""
    left = cue.total - cue.done
    return said + (f", {left} left" if cue.total and left else "")


def sentence(cue: Cue) -> str:
    """Return what is asked for, in words."""
    left = ceil(cue.left)
    if cue.waits:
        said = clean(cue.waits)
    elif cue.label is not None:
        said = clean(cue.label).upper() + f" for {left}" * (left > 0)
        said += f", then {clean(cue.next)}" if cue.next else ""
    elif cue.next is not None:
        said = f"get ready: {clean(cue.next).upper()}" + f" in {left}" * (left > 0)
        said += ", once more: it was disturbed" * cue.again
    else:
        said = "done" if cue.total and cue.done == cue.total else "..."
    return said


def _bar(cue: Cue, width: int) -> Line:
    """Return how much is left of what goes on."""
    share = min(1.0, max(0.0, cue.left / cue.length)) if cue.length else 0.0
    full = round(share * width)
    style = ACCENT if cue.label else WAVE
    return [cell("━" * full, style), cell("─" * (width - full), FRAME)]
