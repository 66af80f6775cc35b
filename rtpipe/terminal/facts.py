"""What is counted and measured of one stream, in few words."""

from rtpipe.duration import milliseconds
from rtpipe.sink import StreamStatus
from rtpipe.terminal.canvas import ACCENT, QUIET, WARN, Line, cell, joined, width_of
from rtpipe.terminal.losses import Losses
from rtpipe.terminal.rate import Rate

_EVERY = 0.5  # seconds between two figures; more often nobody could read them


class Facts:
    """Follows one stream's counters, rate and delays.

    Parameters
    ----------
    status : StreamStatus

    Attributes
    ----------
    measured : str
        The measured rate, in hertz.
    """

    def __init__(self, status: StreamStatus) -> None:
        self._status = status
        self._rate = Rate(status.info.sfreq)
        self._losses = Losses(status.counters)
        self._looked = -_EVERY
        self.measured = "—"
        self._late: list[Line] = []

    def look(self, time: float) -> None:
        """Note how things are at `time`, on the run's clock."""
        if received := self._status.counters.received:
            self._rate.add(time, received)
        self._losses.look(time)
        if time - self._looked >= _EVERY:
            self._looked = time
            self._measure()

    def _measure(self) -> None:
        rate, delays = self._rate.per_second, self._status.delays
        self.measured = "—" if rate is None else f"{rate:.1f}"
        self._late = []
        if (typical := delays.typical) is not None:
            jitter = milliseconds(delays.jitter)
            self._late.append([cell("delay ", QUIET), cell(milliseconds(typical))])
            self._late.append([cell("jitter ", QUIET), cell(jitter)])

    @property
    def lost(self) -> Line:
        """The samples lost in all, with their share."""
        count = self._status.counters.lost
        if not count:
            return [cell("0"), cell(" lost", QUIET)]
        return [cell(f"{count:,} lost ({_share(self._losses.share)})", WARN)]

    def missed(self, width: int) -> list[Line]:
        """Return what did not come, the most important first.

        What was lost lately is told more briefly where `width` cells are few.
        """
        counters, losses = self._status.counters, self._losses
        parts = [self.lost]
        if counters.lost:
            share = _share(losses.recent_share)
            style = WARN if losses.recent else QUIET
            parts.append([cell(f"last minute {losses.recent:,} ({share})", style)])
            if width_of(joined(parts)) > width:
                parts[1] = [cell(f"1 min {share}", style)]
        for count, word in ((counters.outages, "outage"), (counters.gaps, "gap")):
            if count:
                parts.append([cell(f"{count:,} {word}{'s' * (count > 1)}", WARN)])
        for count, word, style in (
            (counters.lost_device, "in the device", QUIET),
            (counters.lost_transport, "on the way", QUIET),
            (counters.filled, "filled", QUIET),
            (counters.late, "late", WARN),
            (counters.malformed, "malformed", WARN),
        ):
            if count:
                parts.append([cell(f"{count:,} {word}", style)])
        return parts

    @property
    def received(self) -> Line:
        """The samples that came."""
        return [cell(f"{self._status.counters.received:,}"), cell(" received", QUIET)]

    def timed(self, width: int) -> list[Line]:
        """Return how fast, how late and how unevenly it comes.

        The nominal rate is left out where all would not fit into `width` cells.
        """
        rate = cell(self.measured, ACCENT)
        long: Line = [rate, cell(f" of {self._status.info.sfreq:g} Hz", QUIET)]
        if width_of(joined([long, *self._late])) <= width:
            return [long, *self._late]
        return [[rate, cell(" Hz", QUIET)], *self._late]


def _share(share: float) -> str:
    return f"{share:.2%}" if share < 0.1 else f"{share:.1%}"
