"""The channels of one stream: how each moved, how good it is, and the markers."""

from collections import Counter
from math import isfinite

from rich.segment import Segment
from rich.style import Style

from rtpipe.printable import clean
from rtpipe.sink import StreamStatus
from rtpipe.terminal.canvas import (
    ACCENT,
    BAD,
    FRAME,
    GOOD,
    QUIET,
    WARN,
    WAVE,
    Line,
    cell,
    fit,
    joined,
    width_of,
)
from rtpipe.terminal.marks import Marks
from rtpipe.terminal.sparkline import Envelope
from rtpipe.unit import NONE, UNKNOWN

_SIGNS: dict[str, tuple[str, Style]] = {
    "good": ("●", GOOD),
    "flat": ("▬", BAD),
    "railed": ("▲", BAD),
    "mains": ("≈", WARN),
    "noisy": ("◆", WARN),
    "?": ("·", QUIET),
}
_UNITS = {"uV": "µV", NONE: "", UNKNOWN: "?"}
_AMOUNT = 11  # cells of a signal's size
_NARROWEST = 34  # cells in which a channel's row can still be read


class Channels:
    """Draws the channels in as many rows as there are.

    Parameters
    ----------
    status : StreamStatus
    """

    def __init__(self, status: StreamStatus) -> None:
        self.status, self.marks = status, Marks()
        info = status.info
        # One sample may also be a picture, which no row of blocks can show.
        signals = info.sample_shape == (info.n_channels,)
        self._envelope = Envelope(status.raw, info.sfreq) if signals else None
        self._name = min(8, max(map(len, info.ch_names), default=0))

    @property
    def wanted(self) -> int:
        """Rows with which nothing is left out."""
        return self.status.info.n_channels + bool(self.marks)

    def filled(self, width: int, rows: int) -> int:
        """Return how many of `rows` rows it would fill."""
        marked = self._marked(rows)
        across, shown, tall = self._grid(width, rows - marked)
        left_out = shown < self.status.info.n_channels and rows > 0
        return -(-shown // across) * tall + left_out + marked

    def lines(self, width: int, rows: int, stale: bool) -> list[Line]:
        """Return at most `rows` lines; what is `stale` is drawn faintly."""
        marked = self._marked(rows)
        across, shown, tall = self._grid(width, rows - marked)
        lines: list[Line] = []
        if shown:
            down = -(-shown // across)
            each = (width - 2 * (across - 1)) // across
            drawn = self._rows(each, shown, tall, stale)
            for row in range(down):
                beside = drawn[row::down]
                lines += [joined(parts, "  ") for parts in zip(*beside, strict=True)]
            if marked:
                lines.append(joined([self._ticks(each)] * len(drawn[::down]), "  "))
        if shown < self.status.info.n_channels and rows > 0:
            more = f"and {self.status.info.n_channels - shown} more   "
            lines.append([cell(more, QUIET), *self.qualities(width - len(more), shown)])
        return lines

    def qualities(self, width: int, start: int = 0) -> Line:
        """Return how many channels from `start` on are how; names where it matters.

        What most of them are is left out first where `width` cells are too few.
        """
        quality, names = self.status.quality[start:], self.status.info.ch_names[start:]
        parts: list[Line] = []
        for word, count in Counter(quality).most_common():
            sign, style = _sign(word)
            alone = names[quality.index(word)] if count == 1 and word != "good" else ""
            text = f"{sign} {clean(alone) or count} {word}"
            parts.append([cell(text, style)])
        while parts and width_of(joined(parts, "  ")) > width:
            del parts[0]
        return joined(parts, "  ")

    def _marked(self, rows: int) -> bool:
        return len(self.marks) > 0 and rows > 1 and self._envelope is not None

    def _grid(self, width: int, rows: int) -> tuple[int, int, int]:
        """Return how many channels stand beside each other, are shown, and how tall."""
        n = self.status.info.n_channels
        across = 1
        while -(-n // across) > rows and (across + 1) * _NARROWEST <= width + 2:
            across += 1
        if n <= rows * across:
            return across, n, 2 if rows >= 2 * n else 1
        return across, max(0, rows - 1) * across, 1

    def _reach(self, width: int) -> tuple[int, bool]:
        """Return the blocks of a row, and whether the signal's size stands behind."""
        reach = max(0, width - self._name - 10)
        measured = reach >= _AMOUNT + 16  # else the signal has no room beside its size
        return reach - (_AMOUNT if measured else 0), measured

    def _ticks(self, width: int) -> Line:
        reach, _ = self._reach(width)
        before = self._name + 10
        row = ""
        if self._envelope is not None and reach:
            margins = (before, width - before - reach)
            row = self.marks.row(self._envelope.place(reach), reach, margins)
        return fit([cell(row, ACCENT)], width)

    def _rows(self, width: int, shown: int, tall: int, stale: bool) -> list[list[Line]]:
        """Return the lines of each channel: name, quality, how it moved, how much."""
        info = self.status.info
        reach, measured = self._reach(width)
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
            name = fit([cell(clean(info.ch_names[at]))], self._name)
            amount = f" {amounts[at]:>6} {unit:<3}" if measured else ""
            *above, lowest = [cell(f"{each:>{reach}}", wave) for each in waves[at]]
            said = cell(f" {sign} {quality:<6} ", style)
            if stale:  # how it was, faintly, and no word on how it is
                lowest, said, amount = _faint(lowest), cell(" " * 10), ""
                above = [_faint(each) for each in above]
            under: Line = [*name, said, lowest, cell(amount, QUIET)]
            upper = [[cell(" " * (self._name + 10)), each] for each in above]
            channels.append([fit(line, width) for line in [*upper, under]])
        return channels


def _faint(piece: Segment) -> Segment:
    return cell(piece.text, FRAME)


def _sign(quality: str) -> tuple[str, Style]:
    return _SIGNS.get(quality, ("◆", WARN))


def _amount(spread: float) -> str:
    if not isfinite(spread):
        return "—"
    return f"±{spread:,.1f}" if spread < 100 else f"±{spread:,.0f}"
