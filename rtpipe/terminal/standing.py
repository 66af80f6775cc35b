"""How a stream's connection stands: a sign and a word, and what there is to say."""

import re
from textwrap import wrap

from rich.style import Style

from rtpipe.duration import clock
from rtpipe.link import Link, State
from rtpipe.printable import clean
from rtpipe.terminal.canvas import BAD, GOOD, WARN, Line, cell

ENDED = frozenset({"lost", "recovering"})  # the states without data
_SIGNS: dict[State, tuple[str, Style]] = {
    "connecting": ("○", WARN),
    "streaming": ("●", GOOD),
    "degraded": ("▲", WARN),
    "lost": ("✕", BAD),
    "recovering": ("◌", WARN),
}


class Standing:
    """Follows one stream's link.

    Parameters
    ----------
    link : Link
    started : float
        When the run began, on its clock.
    """

    def __init__(self, link: Link, started: float) -> None:
        self._link, self._started = link, started
        self._ended: float | None = None

    def look(self) -> None:
        """Note since when there are no data: while it is tried again, states change."""
        if self._link.state not in ENDED:
            self._ended = None
        elif self._ended is None:
            self._ended = self._link.since

    @property
    def ended(self) -> bool:
        """Whether there was a connection, and is none."""
        return self._link.state in ENDED

    @property
    def style(self) -> Style:
        """The colour of the state; never its only sign."""
        return _SIGNS[self._link.state][1]

    @property
    def sign(self) -> Line:
        """The state's sign alone."""
        sign, style = _SIGNS[self._link.state]
        return [cell(sign, style)]

    @property
    def word(self) -> Line:
        """The state's sign and word."""
        sign, style = _SIGNS[self._link.state]
        return [cell(f"{sign} {self._link.state}", style)]

    def sentence(self, time: float) -> tuple[str, str]:
        """Return since when it is not streaming, and why with what to try."""
        state, reason = self._link.state, clean(self._link.reason)
        if state == "connecting":
            waited = clock(time - self._started)
            return f"waiting for the first sample ({waited})", reason
        if self.ended:
            since = self._link.since if self._ended is None else self._ended
            at, silent = clock(since - self._started), clock(time - since)
            return f"no data since {at} ({silent}); still trying", reason
        return "", reason if state == "degraded" else ""

    def told(self, width: int, most: int, time: float, brief: bool) -> list[Line]:
        """Return what there is to say, in at most so many lines; if brief, not why."""
        first, reason = self.sentence(time)
        reason = "" if brief else reason
        if width < 1 or most < 1 or not (first or reason):
            return []
        return [
            [cell(each, self.style)] for each in _wrapped(first, reason, width, most)
        ]


def _wrapped(first: str, reason: str, width: int, most: int) -> list[str]:
    """Wrap both; where lines are short, the reason's end is what to do, and stays."""
    if len(lines := [*wrap(first, width), *wrap(reason, width)]) <= most:
        return lines
    # Without a line of its own for the first, then without the reason's beginning.
    tries = [f"{first}: {reason}" if first else reason, reason]
    starts = [match.end() for match in re.finditer(r"[:;,.] ", reason)]
    tries += [f"… {reason[start:]}" for start in starts]
    for text in tries:
        if len(lines := wrap(text, width)) <= most:
            return lines
    return wrap(tries[-1], width, max_lines=most, placeholder=" …")
