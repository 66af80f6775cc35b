"""The panel of one stream: does it come, is it whole, does it look like a signal."""

from collections.abc import Iterable

from rtpipe.printable import clean
from rtpipe.sink import StreamStatus
from rtpipe.terminal.canvas import (
    BOLD,
    PLAIN,
    QUIET,
    Line,
    box,
    cell,
    fit,
    fitting,
    joined,
    spread,
    width_of,
)
from rtpipe.terminal.channels import Channels
from rtpipe.terminal.facts import Facts
from rtpipe.terminal.standing import Standing
from rtpipe.types import Event

_EDGE = 8  # cells of an edge with two texts that are not theirs
_LEAST = 3  # lines of a frame: its edges and what is counted
_NAME = 8  # cells, at least, of a name in one line
_MANY = 99  # more lines than anything takes


class StreamPanel:
    """Draws one stream in as many lines as there are; in fewer than three, in one.

    Parameters
    ----------
    status : StreamStatus
    started : float
        When the run began, on its clock.

    Attributes
    ----------
    prominent : bool
        Whether it wants a frame before others have what they need: a model runs on it,
        or it has something to say.
    repeated : bool
        Whether another panel says why the connection has ended.
    name_width : int
        Cells of the longest name, where streams have a line each.
    """

    def __init__(self, status: StreamStatus, started: float) -> None:
        self.status = status
        self.prominent, self.repeated = True, False
        self.name_width = len(status.info.name)
        self._channels = Channels(status)
        self._facts = Facts(status)
        self._standing = Standing(status.link, started)
        self._time = started
        self._degraded = False  # once; what took a line keeps it
        self._longest_truth = 0  # cells; and what took two lines keeps them

    @property
    def trouble(self) -> str:
        """Why its connection has ended; empty while there is one."""
        return self.status.link.reason if self._standing.ended else ""

    def mark(self, event: Event) -> None:
        """Note a marker."""
        self._channels.marks.add(event)

    def look(self, time: float) -> None:
        """Note how things stand at `time`, on the run's clock, before it is drawn."""
        self._time = time
        self._standing.look()
        self._facts.look(time)
        self._degraded |= self.status.link.state == "degraded"

    def heights(self, width: int) -> tuple[int, int, int, int, int, int]:
        """Return the lines it needs, and asks for when others have what they need."""
        n = self.status.info.n_channels
        said = len(self._said(width - 4, _MANY))
        truths = len(self._truths(width - 4))
        # Where there are no data, what to do may take the place of what was counted.
        framed = max(_LEAST, 2 + said)
        told = max(framed, _LEAST + truths - 1)
        full = _LEAST + truths + max(said, self._degraded) + self._channels.wanted
        if not self.prominent:
            return 1, full, full, full, full, full
        return 1, framed, told, full, full, full + n

    def filled(self, width: int, height: int) -> int:
        """Return how many of `height` lines it would fill."""
        if height < _LEAST or not (self.prominent or height >= self.heights(width)[-1]):
            return 1
        facts, said, (*told, _), rows = self._parts(width - 4, height)
        body = facts + max(len(said), self._degraded) + len(told)
        return min(height, 2 + body + self._channels.filled(width - 4, rows))

    def lines(self, width: int, height: int) -> list[Line]:
        """Return `height` lines of `width` cells."""
        if height < _LEAST:
            return [self._line(width), *([[]] * (height - 1))]
        inner = width - 4
        facts, said, (*told, foot), rows = self._parts(inner, height)
        stale = self._standing.ended
        body = [
            *self._facts_in(inner, facts),
            *self._channels.lines(inner, rows, stale),
        ]
        under = [*said, *told]
        body += [[]] * (height - 2 - len(body) - len(under)) + under
        title, state = [cell(clean(self.status.info.name), BOLD)], self._standing.word
        if width_of(title) + width_of(state) + _EDGE > width:
            # The name is cut rather than the sign.
            state = self._standing.sign
            title = fit(title, min(width_of(title), max(0, width - _EDGE - 1)))
        return box(width, height, body, title, state, foot)

    def _line(self, width: int) -> Line:
        """Return the stream in one line, its parts below those of its neighbours."""
        info = self.status.info
        longest = min(self.name_width, max(_NAME, width // 3))
        name = fit([cell(clean(info.name), BOLD)], longest)
        start: Line = [cell("  "), *self._standing.sign, cell(" "), *name, cell("  ")]
        if self._standing.ended or not self.status.counters.received:
            since, reason = self._standing.sentence(self._time)
            text = f"{self.status.link.state}: {reason or since}"
            return fit([*start, cell(text, self._standing.style)], width)
        size = [cell(f"{info.n_channels:>3}"), cell(" ch", QUIET)]
        rate = [cell(f"{self._facts.measured:>7}"), cell(" Hz", QUIET)]
        room = max(0, width - width_of(start))
        parts = [size, rate, self._facts.lost]
        parts.append(self._channels.qualities(room - width_of(joined(parts)) - 3))
        parts += self._facts.timed(width)[1:]
        return fit([*start, *fitting(parts, room)], width)

    def _parts(
        self, width: int, height: int
    ) -> tuple[int, list[Line], list[Line], int]:
        """Return the lines of facts, what is said, the truth, the rows of channels.

        The last line of the truth stands in the lower edge.
        """
        room = height - 2
        told = self._truths(width)
        if room < len(told):
            told = [self._truth(self.status.truth)]  # cut, but there
        room -= len(told) - 1
        ended = self._standing.ended or not self.status.counters.received
        said = self._said(width, room if ended else room - 1)
        room -= len(said)
        # The second line of facts costs no channel that there would be room for.
        lacking = room - self._channels.wanted
        short = height == _LEAST or self._standing.ended or lacking == 1
        facts = min(room, 1 if short else 2)
        rows = room - facts - (self._degraded and not said)
        return max(0, facts), said, told, max(0, rows)

    def _said(self, width: int, most: int) -> list[Line]:
        brief = self._standing.ended and self.repeated
        return self._standing.told(width, most, self._time, brief)

    def _facts_in(self, width: int, lines: int) -> list[Line]:
        """Return what is counted and measured; of what has ended, what is counted."""
        if lines < 1:
            return []
        received = self._facts.received
        if self._standing.ended:
            return [fitting([*self._facts.missed(width), received], width)]
        lost = width_of(self._facts.lost)
        quality = self._channels.qualities(width - lost - 2)
        room = width - width_of(quality) - 2
        missed = self._facts.missed(room)
        if lines == 1:
            parts = [missed[0], *self._facts.timed(room - lost), *missed[1:], received]
            return [spread(fitting(parts, room), quality, width)]
        first, second = [*missed, received], self._facts.timed(width)
        if width_of(joined(first)) > room:  # then there may be room below
            first, second = missed, [*second, received]
        return [spread(fitting(first, room), quality, width), fitting(second, width)]

    def _truths(self, width: int) -> list[Line]:
        """Return the truth as one line, or where that is too long, one for each task.

        The last one stands in the lower edge.
        """
        whole = self._truth(self.status.truth)
        if not whole:
            return [whole]
        self._longest_truth = max(self._longest_truth, width_of(whole))
        if self._longest_truth <= width - 2:
            return [whole]
        return [self._truth([task]) for task in self.status.truth]

    def _truth(self, tasks: Iterable[str]) -> Line:
        known = []
        if self._standing.ended:  # it is not known what is true now
            return []
        for task in tasks:
            label = self.status.truth[task] or "—"
            known.append([cell(f"{clean(task)} ", QUIET), cell(clean(label), PLAIN)])
        return [cell("truth: ", QUIET), *joined(known)] if known else []
