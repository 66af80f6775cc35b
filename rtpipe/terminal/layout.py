"""Where on the screen every panel goes, and how many lines it gets."""

from collections.abc import Sequence
from typing import Protocol

from rtpipe.terminal.canvas import WARN, Line, beside, cell

_SIDES = 110  # columns from which signals and answers stand side by side
_PANEL = 56  # columns from which a panel of answers may have a neighbour
_SHARED = (1, 2)  # the steps of which everybody gets something; of others, all or none
_STEPS = 5


class Panel(Protocol):
    """A part of the picture that can be drawn in few lines or in many."""

    prominent: bool

    def heights(self, width: int) -> tuple[int, int, int, int, int, int]:
        """Return the lines it needs, and asks for when others have what they need.

        The steps are a frame, all labels, all channels, a large decision, and tall
        signals. What is not prominent has its least, and its last where all such have.
        """
        ...

    def filled(self, width: int, height: int) -> int:
        """Return how many of `height` lines it would fill."""
        ...

    def lines(self, width: int, height: int) -> list[Line]:
        """Return `height` lines of `width` cells."""
        ...


class _Row:
    """Panels beside each other, and the heights they step through as room allows."""

    def __init__(self, panels: Sequence[Panel], width: int, across: int = 1) -> None:
        self.panels = panels
        self.width = (width + 1) // across - 1  # of each; a column is free in between
        heights = [panel.heights(self.width) for panel in panels]
        tallest: list[int] = [max(each) for each in zip(*heights, strict=True)]
        self.height, self.steps = tallest[0], tallest[1:]

    @property
    def prominent(self) -> bool:
        """Whether it takes part in the steps, and not only in what is left."""
        return any(panel.prominent for panel in self.panels)

    def grow(self, step: int, most: int) -> int:
        """Take lines up to this step's height; return how many."""
        taken = max(0, min(most, self.steps[step] - self.height))
        self.height += taken
        return taken

    def shrink(self) -> int:
        """Give back the lines that no panel would fill; return how many."""
        before = self.height
        self.height = max(panel.filled(self.width, before) for panel in self.panels)
        return before - self.height

    def lines(self) -> list[Line]:
        """Return the panels' lines."""
        drawn = [panel.lines(self.width, self.height) for panel in self.panels]
        if len(drawn) == 1:
            return drawn[0]
        return beside([(self.width + 1, lines) for lines in drawn])


def arrange(
    width: int, height: int, streams: Sequence[Panel], models: Sequence[Panel]
) -> list[Line]:
    """Return at most `height` lines with all panels.

    Wide screens show signals left and answers right, in two columns where they need
    it; else signals stand above, those that models run on first. Where lines are short,
    signals give up their channels before answers give up labels, and streams that no
    model looks at have a line each; what cannot be drawn at all is counted in one line.
    """
    ranked = sorted(streams, key=lambda panel: not panel.prominent)
    if width < _SIDES or not streams or not models:
        below = _rows(models, width, height)
        return _stack(height, [_Row([each], width) for each in ranked], below)
    left = width * 3 // 8
    right = width - left - 1
    signals = _stack(height, [_Row([each], left) for each in ranked], [])
    answers = _stack(height, [], _rows(models, right, height))
    return beside([(left + 1, signals), (right, answers)])


def _rows(models: Sequence[Panel], width: int, height: int) -> list[_Row]:
    """Return the models in as few columns as give all of them their full height."""
    rows: list[_Row] = []
    for across in range(1, max(1, (width + 1) // (_PANEL + 1)) + 1):
        starts = range(0, len(models), across)
        rows = [_Row(models[at : at + across], width, across) for at in starts]
        if sum(row.steps[-1] for row in rows) <= height:
            break
    return rows


def _stack(height: int, streams: list[_Row], models: list[_Row]) -> list[Line]:
    """Return rows of panels below each other, streams first, in `height` lines."""
    rows = [*models, *streams]  # the last ones give way first
    spare = height - sum(row.height for row in rows)
    hidden = 0
    while rows and spare < (hidden > 0):
        hidden += len(rows[-1].panels)
        spare += rows.pop().height
    spare -= hidden > 0
    stepping = [row for row in rows if row.prominent]
    for step in range(_STEPS):
        spare -= (_share if step in _SHARED else _fill)(stepping, step, spare)
        spare += sum(row.shrink() for row in rows)
    aside = [row for row in rows if not row.prominent]
    if sum(row.steps[-1] - row.height for row in aside) <= spare:  # all, or none
        _fill(aside, _STEPS - 1, spare)
    shown = [row for row in (*streams, *models) if row in rows]
    lines = [line for row in shown for line in row.lines()]
    if hidden:
        lines.append([cell(f" and {hidden} more; a taller window shows them", WARN)])
    return lines


def _share(rows: list[_Row], step: int, spare: int) -> int:
    """Deal out what is needed, line by line to all; return how much."""
    dealt, asking = 0, rows
    while asking and dealt < spare:
        asking = [row for row in asking[: spare - dealt] if row.grow(step, 1)]
        dealt += len(asking)
    return dealt


def _fill(rows: list[_Row], step: int, spare: int) -> int:
    """Deal out row by row; of these steps half is worth nothing."""
    dealt = 0
    for row in rows:
        before = row.height
        row.grow(step, spare - dealt)
        row.shrink()
        dealt += row.height - before
    return dealt
