"""The panel of one stream: does it come, is it whole, does it look like a signal."""

from collections import Counter
from collections.abc import Iterable
from math import isfinite

from rich.style import Style

from rtpipe.sink import StreamStatus
from rtpipe.terminal.canvas import (
    ACCENT,
    BAD,
    BOLD,
    GOOD,
    PLAIN,
    QUIET,
    WARN,
    WAVE,
    Line,
    box,
    cell,
    clean,
    fit,
    joined,
    spread,
    width_of,
)
from rtpipe.terminal.rate import Rate
from rtpipe.terminal.sparkline import Envelope

_SIGNS: dict[str, tuple[str, Style]] = {
    "good": ("●", GOOD),
    "flat": ("▬", BAD),
    "railed": ("▲", BAD),
    "mains": ("≈", WARN),
    "noisy": ("◆", WARN),
    "?": ("·", QUIET),
}
_UNITS = {"uV": "µV", "none": ""}
_AMOUNT = 11  # cells of a signal's size
_LEAST = 3  # lines: the frame and what is counted
_NARROWEST = 34  # cells in which a channel's row can still be read
_SILENCE = 0.5  # seconds without data before it is said


class StreamPanel:
    """Draws one stream in as many lines as there are.

    Parameters
    ----------
    status : StreamStatus
    """

    def __init__(self, status: StreamStatus) -> None:
        self.status = status
        self._rate = Rate()
        self._longest_truth = 0  # cells; what once took two lines keeps them
        info = status.info
        # One sample may also be a picture, which no row of blocks can show.
        signals = info.sample_shape == (info.n_channels,)
        self._envelope = Envelope(status.raw, info.sfreq) if signals else None

    def heights(self, width: int) -> tuple[int, int, int, int, int]:
        """Return the lines it needs, and asks for when others have what they need."""
        n = self.status.info.n_channels
        told = _LEAST + len(self._truths(width - 4)) - 1
        return _LEAST, told, told + n, told, told + 2 * n

    def filled(self, width: int, height: int) -> int:
        """Return how many of `height` lines it would fill."""
        told, rows = self._room(width - 4, height)
        across, shown, tall = self._grid(width - 4, rows)
        left_out = shown < self.status.info.n_channels and rows > 0
        return _LEAST + len(told) - 1 + -(-shown // across) * tall + left_out

    def lines(self, width: int, height: int, time: float) -> list[Line]:
        """Return `height` lines of `width` cells; `time` is now, on the run's clock."""
        received = self.status.counters.received
        if received:
            self._rate.add(time, received)
        inner = width - 4
        title = [cell(clean(self.status.info.name), BOLD)]
        corner = self._device(short=width < width_of(title) + 46)
        summary = spread(self._counters(), self._qualities(0), inner)
        (*told, foot), rows = self._room(inner, height)
        body = [summary, *self._channels(inner, rows)]
        body += [[]] * (height - 2 - len(body) - len(told)) + told
        return box(width, height, body, title, corner, foot)

    def _room(self, width: int, height: int) -> tuple[list[Line], int]:
        """Return the lines of the truth, and how many are left for the channels."""
        told = self._truths(width)
        if height < _LEAST + len(told) - 1:
            told = [self._truth(self.status.truth)]  # cut, but there
        return told, height - _LEAST - len(told) + 1

    def _device(self, short: bool) -> Line:
        nominal, measured = self.status.info.sfreq, self._rate.per_second
        if not self.status.counters.received:
            return [cell("○ waiting for the first sample", WARN)]
        if self._rate.silent > _SILENCE:
            return [cell(f"○ no data for {self._rate.silent:.1f} s", WARN)]
        known = "—" if measured is None else f"{measured:.1f}"
        if short:
            return [cell(known, ACCENT), cell(f" of {nominal:g} Hz", QUIET)]
        rated = cell(f"{nominal:g} Hz nominal · ", QUIET)
        return [rated, cell(known, ACCENT), cell(" Hz measured", QUIET)]

    def _counters(self) -> Line:
        counters = self.status.counters
        lost, gaps = counters.lost, counters.gaps
        share = lost / max(1, counters.received + lost)
        parts = [[cell(f"{counters.received:,}"), cell(" received", QUIET)]]
        if lost:
            parts.append([cell(f"{lost:,} lost ({share:.2%})", WARN)])
        else:
            parts.append([cell("0"), cell(" lost", QUIET)])
        if gaps:
            parts.append([cell(f"{gaps:,} gap{'s' * (gaps > 1)}", WARN)])
        return joined(parts)

    def _qualities(self, start: int) -> Line:
        """Return how many channels from `start` on are how; names where it matters."""
        quality, names = self.status.quality[start:], self.status.info.ch_names[start:]
        parts: list[Line] = []
        for word, count in Counter(quality).most_common():
            sign, style = _sign(word)
            alone = names[quality.index(word)] if count == 1 and word != "good" else ""
            text = f"{sign} {clean(alone) or count} {word}"
            parts.append([cell(text, style)])
        return joined(parts, "  ")

    def _grid(self, width: int, rows: int) -> tuple[int, int, int]:
        """Return how many channels stand beside each other, are shown, and how tall."""
        n = self.status.info.n_channels
        across = 1
        while -(-n // across) > rows and (across + 1) * _NARROWEST <= width + 2:
            across += 1
        if n <= rows * across:
            return across, n, 2 if rows >= 2 * n else 1
        return across, max(0, rows - 1) * across, 1

    def _channels(self, width: int, rows: int) -> list[Line]:
        across, shown, tall = self._grid(width, rows)
        lines: list[Line] = []
        if shown:
            down = -(-shown // across)
            each = (width - 2 * (across - 1)) // across
            drawn = self._rows(each, shown, tall)
            for row in range(down):
                beside = drawn[row::down]
                lines += [joined(parts, "  ") for parts in zip(*beside, strict=True)]
        if shown < self.status.info.n_channels and rows > 0:
            more = f"and {self.status.info.n_channels - shown} more   "
            lines.append([cell(more, QUIET), *self._qualities(shown)])
        return lines

    def _rows(self, width: int, shown: int, tall: int) -> list[list[Line]]:
        """Return the lines of each channel: name, quality, how it moved, how much."""
        info = self.status.info
        longest = min(8, max(map(len, info.ch_names)))
        reach = max(0, width - longest - 10)
        measured = reach >= _AMOUNT + 16  # else the signal has no room beside its size
        reach -= _AMOUNT if measured else 0
        waves = [[""] * tall] * shown
        amounts = [""] * shown
        if self._envelope is not None and reach:
            waves = self._envelope.rows(reach, tall)
            amounts = [_amount(each) for each in self._envelope.spread.tolist()]
        channels = []
        for at in range(shown):
            quality = self.status.quality[at]
            sign, style = _sign(quality)
            wave = WAVE if quality in ("good", "?") else style
            unit = _UNITS.get(info.units[at], info.units[at])
            name = fit([cell(clean(info.ch_names[at]))], longest)
            amount = f" {amounts[at]:>6} {unit:<3}" if measured else ""
            *above, lowest = [cell(f"{each:>{reach}}", wave) for each in waves[at]]
            said = cell(f" {sign} {quality:<6} ", style)
            under: Line = [*name, said, lowest, cell(amount, QUIET)]
            upper = [[cell(" " * (longest + 10)), each] for each in above]
            channels.append([fit(line, width) for line in [*upper, under]])
        return channels

    def _truths(self, width: int) -> list[Line]:
        """Return the truth as one line, or where that is too long, one for each task.

        The last one stands in the lower edge.
        """
        whole = self._truth(self.status.truth)
        self._longest_truth = max(self._longest_truth, width_of(whole))
        if self._longest_truth <= width - 2:
            return [whole]
        return [self._truth([task]) for task in self.status.truth]

    def _truth(self, tasks: Iterable[str]) -> Line:
        known = []
        for task in tasks:
            label = self.status.truth[task] or "—"
            known.append([cell(f"{clean(task)} ", QUIET), cell(clean(label), PLAIN)])
        return [cell("truth: ", QUIET), *joined(known)] if known else []


def _sign(quality: str) -> tuple[str, Style]:
    return _SIGNS.get(quality, ("◆", WARN))


def _amount(spread: float) -> str:
    if not isfinite(spread):
        return "—"
    return f"±{spread:,.1f}" if spread < 100 else f"±{spread:,.0f}"
