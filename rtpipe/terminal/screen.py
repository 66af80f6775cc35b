"""The terminal's second screen, on which only the lines that changed are written."""

from collections.abc import Sequence

from rich.console import Console
from rich.control import Control

from rtpipe.terminal.canvas import Line, Picture, fit

_WHOLE = 64  # drawings until all is written again, should others have written there


class Screen:
    """Takes over a terminal, and gives it back as it was.

    Parameters
    ----------
    console : Console
        A terminal.

    Attributes
    ----------
    lines : sequence of Line
        What was drawn last.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self.lines: Sequence[Line] = []
        self._size: tuple[int, int] | None = None
        self._count = 0
        self._open = False

    def open(self) -> None:
        """Leave what stands on the terminal, and hide the cursor."""
        self._open, self._size = True, None
        self._console.set_alt_screen(True)
        self._console.show_cursor(False)

    def renew(self) -> None:
        """Write all of it next time, should others have written there."""
        self._size = None

    def show(self, lines: Sequence[Line]) -> None:
        """Draw lines from the top; what leaves the screen is cut."""
        width, height = size = tuple(self._console.size)
        lines = [*lines, *([] for _ in range(height - len(lines)))][:height]
        self._count += 1
        anew = size != self._size or self._count % _WHOLE == 0
        self._size = (width, height)
        written: Line = []
        for row, line in enumerate(lines):
            if anew or line != self.lines[row]:
                written += [Control.move_to(0, row).segment, *fit(line, width)]
        self.lines = lines
        # Nothing is wrapped, for a line that ends at the edge would begin another.
        self._console.print(Picture([written]), end="", crop=False, soft_wrap=True)

    def close(self) -> None:
        """Bring back what stood there. Safe to call twice."""
        if self._open:
            self._open = False
            self._console.show_cursor(True)
            self._console.set_alt_screen(False)
